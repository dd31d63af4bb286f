from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    """The pages that visitors read, and their settings."""

    name = "home"
    verbose_name = _("Pages")

    def ready(self) -> None:
        from home.compiled_rows import create_settings_rows
        from home.images.preparation import connect_image_signals

        connect_image_signals()
        post_migrate.connect(create_settings_rows, sender=self)
