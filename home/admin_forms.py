"""Date-time fields of the admin in Finnish format: input, scheduling panel and comparison of versions."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.compare import FieldComparison, register_comparison_class
from wagtail.admin.forms.models import register_form_field_override
from wagtail.admin.panels import FieldPanel, PublishingPanel
from wagtail.admin.widgets import AdminDateTimeInput

from home.dates import ImplausibleYear, OtherWeekday, day_error_message, finnish_moment, parse_moment


class MomentInput(AdminDateTimeInput):  # type: ignore[misc]
    """Wagtail's date-time picker. Input that it can't parse stays; Wagtail would replace it by the current time."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "validateOnBlur": False}


class MomentFormField(forms.DateTimeField):
    widget = MomentInput
    default_error_messages = {
        "invalid": gettext_lazy("Write the day and the time of day, for example 1.2.2027 klo 8.00.")
    }

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self.empty_values:
            try:
                value = parse_moment(value, today=timezone.localdate())
            except ValueError as error:
                is_a_day = isinstance(error, ImplausibleYear | OtherWeekday)
                raise ValidationError(
                    day_error_message(error) if is_a_day else self.error_messages["invalid"], code="invalid"
                ) from error
        return super().to_python(value)


register_form_field_override(models.DateTimeField, override={"form_class": MomentFormField, "widget": MomentInput})


class SchedulePanel(PublishingPanel):  # type: ignore[misc]
    """Wagtail's panel with MomentInput. It sets its widgets itself, so the form field override does not reach it."""

    def __init__(self, **options: Any) -> None:
        children = [FieldPanel(own.field_name, widget=_moment_input(own.widget)) for own in PublishingPanel().children]
        super().__init__(**{"children": children, **options})


def _moment_input(own: AdminDateTimeInput) -> MomentInput:
    return MomentInput(attrs=own.attrs, js_overlay_parent_selector=own.js_overlay_parent_selector)


class _InWords(FieldComparison):  # type: ignore[misc]
    """A comparison of two versions that shows date-times and booleans in Finnish. Wagtail shows Python's format."""

    def __init__(self, field: Any, obj_a: models.Model, obj_b: models.Model) -> None:
        super().__init__(field, obj_a, obj_b)
        self.val_a = _in_words(field.value_from_object(obj_a))
        self.val_b = _in_words(field.value_from_object(obj_b))


def _in_words(value: datetime | bool | None) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return finnish_moment(value)


for _field in (models.DateTimeField, models.BooleanField):
    register_comparison_class(_field, comparison_class=_InWords)
