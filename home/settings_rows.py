"""The one row of each setting: created after migrating, and read by every page."""

from typing import Any

from django.apps import AppConfig, apps
from wagtail.contrib.settings.models import BaseGenericSetting

from home.compiled_rows import first_row


class QuickSetting(BaseGenericSetting):  # type: ignore[misc]
    """A setting that is read without building a query."""

    class Meta:
        abstract = True

    @classmethod
    def _get_or_create(cls) -> Any:
        # Wagtail's load() calls this and keeps the row on the request.
        return first_row(cls) or super()._get_or_create()


def create_settings_rows(*, app_config: AppConfig, using: str, **signal: Any) -> None:
    """Receiver of post_migrate: create the missing row of each setting of `app_config`.

    Wagtail would create it during a visitor's GET request.
    """
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
