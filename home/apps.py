from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    """What visitors read."""

    name = "home"
    verbose_name = _("Pages")

    def ready(self) -> None:
        from home.last_known import watch_contact_details
        from home.pictures.preparation import watch_pictures

        watch_pictures()
        watch_contact_details()
