from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class IntakeConfig(AppConfig):
    """What visitors send, and what the supervisor does with it."""

    name = "intake"
    verbose_name = _("Enquiries")

    def ready(self) -> None:
        from home.settings_rows import make_settings_rows

        post_migrate.connect(make_settings_rows, sender=self)
        # They need the models, which are there only now. By being imported, each subject registers its mails' handling.
        from intake.jobs.intake_jobs import INTAKE_JOBS
        from intake.jobs.running import register
        from intake.services import (  # noqa: F401
            joining,
            list_mail_handling,
            mapping,
            pause_reminders,
            queueing,
            waiting_links,
        )

        register(*INTAKE_JOBS)
