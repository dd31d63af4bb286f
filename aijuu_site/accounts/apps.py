"""The accounts app, and Wagtail's users app with our own views."""

from django.apps import AppConfig
from wagtail.users.apps import WagtailUsersAppConfig


class AccountsConfig(AppConfig):
    """Logins to the admin and changes of accounts: attempts are counted, changes are confirmed and reported by mail."""

    name = "aijuu_site.accounts"
    # Django needs this, since the file defines two AppConfigs.
    default = True

    def ready(self) -> None:
        # Imported only here, because models must be loaded first. Importing notices also registers its kinds of mail,
        # which the worker must know.
        from aijuu_site.accounts import notices  # noqa: F401
        from aijuu_site.accounts.password_reset import ACCOUNT_JOBS
        from intake.jobs.runner import register

        register(*ACCOUNT_JOBS)


class UsersAppConfig(WagtailUsersAppConfig):
    """Replaces Wagtail's own AppConfig, which is the documented way to use own forms for users."""

    user_viewset = "aijuu_site.accounts.views.UserViewSet"
