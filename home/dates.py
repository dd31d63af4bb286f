"""Dates as Finns write them, and the form fields that read them."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput

from home.unseen_characters import narrowed, without_unseen

_WEEKDAYS = ("maanantai", "tiistai", "keskiviikko", "torstai", "perjantai", "lauantai", "sunnuntai")
_MONTHS = ["tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu"]
_WEEKDAY_NAME = "|".join(f"{name[:2]}(?:{name[2:]}(?:na)?)?" for name in _WEEKDAYS)
_WEEKDAY = rf"(?:(?P<weekday>{_WEEKDAY_NAME})(?![^\W\d_])[.,]?\s{{0,3}})?"
_DOT = r"\s?\.\s?"
_NAMED = rf"(?:{'|'.join(_MONTHS)})kuu"
_IN_NUMBERS = rf"(?P<day>\d{{1,2}}){_DOT}(?P<month>\d{{1,2}}){_DOT}"
_FORMS = (
    rf"{_IN_NUMBERS}(?P<year>\d{{4}})",
    rf"(?P<day>\d{{1,2}})(?:{_DOT}|\s)(?:päivä(?:nä)?\s)?(?P<month>{_NAMED}(?:ta)?)\s(?P<year>\d{{4}})",
    rf"(?P<month>{_NAMED}n)\s(?P<day>\d{{1,2}}){_DOT}(?:päivä(?:nä)?\s)?(?P<year>\d{{4}})",
)
_IN_A_TEXT = [re.compile(rf"(?<![\w.]){form}(?!\d)", re.IGNORECASE) for form in _FORMS]
_ALONE = [re.compile(rf"{_WEEKDAY}{form}[.,]?", re.IGNORECASE) for form in _FORMS]
# Alone, a short year can be nothing else; in a text it may be a version or a paragraph.
_SHORT_YEAR = re.compile(rf"{_WEEKDAY}{_IN_NUMBERS}(?P<year>\d\d)[.,]?", re.IGNORECASE)
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)")
# What somebody writes about work may have begun, or be meant for, so many years from today; another year is a slip.
_YEARS_BACK, _YEARS_AHEAD = 70, 20
# Longer than any day with its weekday, and what can't be seen round it.
_LONGEST = 200


class ImplausibleYear(ValueError):
    """The day exists, but nobody means that year."""


class OtherWeekday(ValueError):
    """The weekday that stands before `day` is not that day's."""

    def __init__(self, day: date) -> None:
        super().__init__("another weekday")
        self.day = day

    @property
    def weekday(self) -> str:
        """The right one, in Finnish."""
        return _WEEKDAYS[self.day.weekday()]


def read_day(text: str, *, today: date) -> date:
    """The one day that `text` is. ValueError for anything else, ImplausibleYear and OtherWeekday where to ask which.

    Spaces and what can't be seen, which come along when a day is copied, make no other day of it.
    """
    if len(text) > _LONGEST:
        raise ValueError("too long for a day")
    plain = " ".join(unicodedata.normalize("NFC", narrowed(without_unseen(text))).split())
    found = next(filter(None, (form.fullmatch(plain) for form in (*_ALONE, _SHORT_YEAR, _ISO))), None)
    if found is None:
        raise ValueError("not a day")
    day = _day(found)
    if not is_plausible(day, today=today):
        raise ImplausibleYear("not a year that anybody means")
    weekday = found.groupdict().get("weekday")
    if weekday and weekday[:2].lower() != _WEEKDAYS[day.weekday()][:2]:
        raise OtherWeekday(day)
    return day


def is_plausible(day: date, *, today: date) -> bool:
    """Whether somebody can mean this year."""
    return today.year - _YEARS_BACK <= day.year <= today.year + _YEARS_AHEAD


def days_in(text: str) -> Iterator[tuple[str, date]]:
    """The days with a year that stand in `text`, in order, as they are written.

    What is no day (31.2.2027) is another mistake.
    """
    for found in sorted((one for form in _IN_A_TEXT for one in form.finditer(text)), key=re.Match.start):
        try:
            yield found.group(), _day(found)
        except ValueError:
            continue


def _day(found: re.Match[str]) -> date:
    year, month = found["year"], found["month"]
    number = int(month) if month.isdecimal() else _MONTHS.index(month.lower().partition("kuu")[0]) + 1
    return date(int(year) if len(year) == 4 else 2000 + int(year), number, int(found["day"]))


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
