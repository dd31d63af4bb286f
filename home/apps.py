from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class HomeConfig(AppConfig):
    """What visitors read."""

    name = "home"
    verbose_name = _("Pages")

    def ready(self) -> None:
        from home.images.preparation import watch_pictures
        from home.last_known import watch_contact_details
        from home.settings_rows import make_settings_rows

        watch_pictures()
        watch_contact_details()
        post_migrate.connect(make_settings_rows, sender=self)
