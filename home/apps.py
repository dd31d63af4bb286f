from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    """The pages that visitors read, and their settings."""

    name = "home"
    verbose_name = _("Pages")

    def ready(self) -> None:
        from home.contact_cache import connect_contact_cache
        from home.images.preparation import connect_image_signals
        from home.settings_rows import create_settings_rows

        connect_image_signals()
        connect_contact_cache()
        post_migrate.connect(create_settings_rows, sender=self)
