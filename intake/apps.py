from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class IntakeConfig(AppConfig):
    """Enquiries of visitors, and how the supervisor handles them."""

    name = "intake"
    verbose_name = _("Enquiries")

    def ready(self) -> None:
        from home.compiled_rows import create_settings_rows

        post_migrate.connect(create_settings_rows, sender=self)
        # Imported here because they need the models. Each module registers on import how its mails are handled, and its
        # receivers of the signals of an enquiry.
        from intake.enquiry import mails  # noqa: F401
        from intake.jobs.runner import register
        from intake.mapping import links, page  # noqa: F401
        from intake.periodic_jobs import INTAKE_JOBS
        from intake.waiting import places, private_page, return_plan  # noqa: F401

        register(*INTAKE_JOBS)
