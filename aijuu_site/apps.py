from django.apps import AppConfig


class AijuuSiteConfig(AppConfig):
    """How the site runs: settings, start-up, headers, maintenance jobs. It imports both apps; they don't import it."""

    name = "aijuu_site"
    verbose_name = "Aijuu"

    def ready(self) -> None:
        # These import models, which are loaded only now.
        from aijuu_site.backup.removals import record_removals
        from aijuu_site.kept_pages.generation import watch_writes
        from aijuu_site.periodic_jobs import PERIODIC_JOBS
        from intake.jobs.runner import register

        watch_writes()
        record_removals()
        register(*PERIODIC_JOBS)
