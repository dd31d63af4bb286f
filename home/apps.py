from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    """What visitors read."""

    name = "home"
    verbose_name = _("Pages")

    def ready(self) -> None:
        from home.pictures.preparation import watch_pictures

        watch_pictures()
