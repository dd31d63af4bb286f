"""The one row of each of our settings, there from the start: Wagtail would make it while somebody reads a page."""

from typing import Any

from django.apps import AppConfig, apps
from wagtail.contrib.settings.models import BaseGenericSetting


def create_settings_rows(*, app_config: AppConfig, using: str, **signal: Any) -> None:
    """Give each setting of an app its row where it has none. A receiver of post_migrate.

    The tables are those of the migration that was reached, which need not be the latest.
    """
    reached = signal.get("apps", apps)
    for model in app_config.get_models():
        if not issubclass(model, BaseGenericSetting):
            continue
        try:
            rows = reached.get_model(app_config.label, model.__name__).objects.using(using)
        except LookupError:
            continue
        if not rows.exists():
            rows.create()
