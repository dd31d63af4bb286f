"""Create the row of each setting after migrating. Wagtail would create it during a visitor's GET request."""

from typing import Any

from django.apps import AppConfig, apps
from wagtail.contrib.settings.models import BaseGenericSetting


def create_settings_rows(*, app_config: AppConfig, using: str, **signal: Any) -> None:
    """Receiver of post_migrate: create the missing row of each setting of `app_config`."""
    # The models of the migration that was reached, which need not be the latest.
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
