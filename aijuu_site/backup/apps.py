from django.apps import AppConfig


class BackupConfig(AppConfig):
    name = "aijuu_site.backup"

    def ready(self) -> None:
        # They need the models, which are loaded only now.
        from aijuu_site.backup.jobs import BACKUP_JOBS
        from aijuu_site.backup.removals import record_removals
        from intake.jobs.runner import register

        register(*BACKUP_JOBS)
        record_removals()
