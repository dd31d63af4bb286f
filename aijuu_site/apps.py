from django.apps import AppConfig


class AijuuSiteConfig(AppConfig):
    """How the site runs: settings, start-up, headers, maintenance jobs. It imports both apps; they don't import it."""

    name = "aijuu_site"
    verbose_name = "Aijuu"

    def ready(self) -> None:
        # These import models, which are loaded only now.
        from aijuu_site.upkeep_jobs import UPKEEP_JOBS
        from intake.jobs.runner import register

        register(*UPKEEP_JOBS)
