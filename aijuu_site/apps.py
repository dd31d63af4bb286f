from django.apps import AppConfig


class AijuuSiteConfig(AppConfig):
    """How the site runs: start, headers, start-up commands, upkeep. It knows both apps; they do not know it."""

    name = "aijuu_site"
    verbose_name = "Aijuu"

    def ready(self) -> None:
        # They need the models, which are there only now.
        from aijuu_site.upkeep_jobs import UPKEEP_JOBS
        from intake.jobs.runner import register

        register(*UPKEEP_JOBS)
