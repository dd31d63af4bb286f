"""Wagtail's pages for accounts, with our forms."""

from wagtail.users.apps import WagtailUsersAppConfig


class UsersAppConfig(WagtailUsersAppConfig):
    """In the place of Wagtail's own, as it documents for forms of one's own."""

    user_viewset = "aijuu_site.accounts.user_views.UserViewSet"
