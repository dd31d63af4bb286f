from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Signing in to the admin, and changing an account: counted, confirmed and told."""

    name = "aijuu_site.accounts"

    def ready(self) -> None:
        # They need the models, which are there only now. The worker must know of every mail, too.
        from aijuu_site.accounts import changes  # noqa: F401
        from aijuu_site.accounts.jobs import ACCOUNT_JOBS
        from intake.jobs.running import register

        register(*ACCOUNT_JOBS)
