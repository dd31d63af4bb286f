"""The accounts app, and Wagtail's users app with our views."""

from django.apps import AppConfig
from wagtail.users.apps import WagtailUsersAppConfig


class AccountsConfig(AppConfig):
    """Signing in to the admin, and changing an account: counted, confirmed and told."""

    name = "aijuu_site.accounts"
    # There are two in this file.
    default = True

    def ready(self) -> None:
        # They need the models, which are there only now. The worker must know of every mail, too.
        from aijuu_site.accounts import notices  # noqa: F401
        from aijuu_site.accounts.password_reset import ACCOUNT_JOBS
        from intake.jobs.runner import register

        register(*ACCOUNT_JOBS)


class UsersAppConfig(WagtailUsersAppConfig):
    """In the place of Wagtail's own, as it documents for forms of one's own."""

    user_viewset = "aijuu_site.accounts.views.UserViewSet"
