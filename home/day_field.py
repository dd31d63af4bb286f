"""Form fields for a day that take it as people write it."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput

from home.written_days import ImplausibleYear, OtherWeekday, read_day


def not_read(error: ValueError) -> str:
    """What to tell whoever wrote a day that `read_day` refused."""
    if isinstance(error, ImplausibleYear):
        return _("Check the year. Write the day for example 1.2.2027.")
    if isinstance(error, OtherWeekday):
        day = f"{error.day.day}.{error.day.month}.{error.day.year}"
        return _("Check the day: %(day)s is a %(weekday)s.") % {"day": day, "weekday": error.weekday}
    return _("Write the day with numbers, for example 1.2.2027.")


class DayInput(AdminDateInput):  # type: ignore[misc]
    """Wagtail's picker, but what it can't read stays: it would put today's date in its place."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "validateOnBlur": False}


class DayFormField(forms.DateField):
    widget = DayInput
    default_error_messages = {"invalid": gettext_lazy("Write the day with numbers, for example 1.2.2027.")}

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return super().to_python(value)
        try:
            return read_day(str(value), today=timezone.localdate())
        except ValueError as error:
            is_a_day = isinstance(error, ImplausibleYear | OtherWeekday)
            raise ValidationError(
                not_read(error) if is_a_day else self.error_messages["invalid"], code="invalid"
            ) from error


class DayField(models.DateField):
    """A day that is typed in the admin."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{**kwargs, "form_class": DayFormField, "widget": DayInput})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """A plain DateField for migrations: the column is the same, and they need not know where this class stands."""
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.DateField", arguments, options
