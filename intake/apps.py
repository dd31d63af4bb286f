from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntakeConfig(AppConfig):
    """What visitors send, and what the supervisor does with it."""

    name = "intake"
    verbose_name = _("Enquiries")

    def ready(self) -> None:
        # They need the models, which are there only now.
        from intake.jobs.intake_jobs import INTAKE_JOBS
        from intake.jobs.running import register

        register(*INTAKE_JOBS)
