"""Finnish dates: formatting, parsing, and the form and model fields for days."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.widgets import AdminDateInput

from home.text_input import normalize_pasted

_Day = TypeVar("_Day", date, datetime)
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
# A two-digit year is read only where the date stands alone: in a text it may be a version or a section number.
_SHORT_YEAR = re.compile(rf"{_WEEKDAY}{_IN_NUMBERS}(?P<year>\d\d)[.,]?", re.IGNORECASE)
_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)")
# A time of day after a day. An hour without minutes is read only after "klo": otherwise it may be a two-digit year.
_CLOCK = r"[\s,]\s?(?:klo\s?|kello\s?)"
_TIME = re.compile(
    rf"(?:{_CLOCK}(?P<hour>\d{{1,2}})|(?:{_CLOCK}|[\s,]\s?)(?P<hours>\d{{1,2}})[.:](?P<minute>\d\d))\.?$", re.IGNORECASE
)
# How many years from the current one a date may be. Beyond that, its year is taken for a typing error.
_YEARS_BACK, _YEARS_AHEAD = 70, 20
# Longer input is refused without parsing: no date is that long, even with a weekday and invisible characters.
_LONGEST = 200


def finnish_day(day: date | None) -> str:
    """Format as 1.2.2027; a datetime by its day in Finland. "" for None."""
    if not day:
        return ""
    day = _local(day)
    return f"{day.day}.{day.month}.{day.year}"


def finnish_time(moment: datetime | None) -> str:
    """Format the time of day in Finland as 9.05. "" for None."""
    if not moment:
        return ""
    moment = _local(moment)
    return f"{moment.hour}.{moment.minute:02}"


def finnish_moment(moment: datetime | None) -> str:
    """Format as 1.2.2027 klo 9.05 in Finland. "" for None."""
    return f"{finnish_day(moment)} klo {finnish_time(moment)}" if moment else ""


def _local(day: _Day) -> _Day:
    return timezone.localtime(day) if isinstance(day, datetime) and timezone.is_aware(day) else day


class ImplausibleYear(ValueError):
    """The day exists, but the year is too far from today."""


class OtherWeekday(ValueError):
    """The weekday before the date is not that of `day`."""

    def __init__(self, day: date) -> None:
        super().__init__("another weekday")
        self.day = day

    @property
    def weekday(self) -> str:
        """The correct weekday, in Finnish."""
        return _WEEKDAYS[self.day.weekday()]


def parse_day(text: str, *, today: date) -> date:
    """Return the day that `text` consists of; spaces and invisible characters from copying are ignored.

    Raises ImplausibleYear or OtherWeekday where the date is doubtful, ValueError for anything else.
    """
    if len(text) > _LONGEST:
        raise ValueError("too long for a day")
    plain = " ".join(unicodedata.normalize("NFC", normalize_pasted(text)).split())
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


def parse_moment(text: str, *, today: date) -> datetime:
    """Return the day and time of day that `text` consists of ("1.2.2027 klo 8.00"), without time zone.

    Raises the errors of `parse_day`, and ValueError where the time of day is missing: midnight would be a guess.
    """
    if len(text) > _LONGEST:
        raise ValueError("too long for a moment")
    plain = " ".join(normalize_pasted(text).split())
    found = _TIME.search(plain)
    if found is None:
        raise ValueError("no time of day")
    at = time(int(found["hour"] or found["hours"]), int(found["minute"] or 0))
    return datetime.combine(parse_day(plain[: found.start()], today=today), at)


def is_plausible(day: date, *, today: date) -> bool:
    """Return whether the year is near enough to today's to be meant."""
    return today.year - _YEARS_BACK <= day.year <= today.year + _YEARS_AHEAD


def find_days(text: str) -> Iterator[tuple[str, date]]:
    """Yield the dates with a year in `text`, in order, as written and as dates. Skips dates that don't exist."""
    for found in sorted((one for form in _IN_A_TEXT for one in form.finditer(text)), key=re.Match.start):
        try:
            yield found.group(), _day(found)
        except ValueError:
            continue


def names_day(text: str, day: date) -> bool:
    """Return whether `text` names `day` without its year or with two digits of it: "1.2.", "1. helmikuuta", "1.2.27".

    Returns False where another year follows the day.
    """
    number, month, name = rf"0?{day.day}", rf"0?{day.month}", rf"{_MONTHS[day.month - 1]}kuu"
    # Refuses a year after the day. The start of a time of day, of opening hours or of a phone number is no year.
    other_year = r"(?!\s?(?:\d{4}|\d\d)(?![\d.:–-]))(?!\s?\.\s?\d)"
    forms = (
        rf"{number}{_DOT}{month}(?:\s?\.(?:\s?{day.year % 100:02}(?!\d)|{other_year})|(?![\d.]))",
        rf"{number}(?:{_DOT}|\s)(?:päivä(?:nä)?\s)?{name}(?:ta)?(?![^\W\d_]){other_year}",
        rf"{name}n\s{number}(?!\d)\.?{other_year}",
    )
    return any(re.search(rf"(?<![\w.]){form}", text, re.IGNORECASE) for form in forms)


def _day(found: re.Match[str]) -> date:
    year, month = found["year"], found["month"]
    number = int(month) if month.isdecimal() else _MONTHS.index(month.lower().partition("kuu")[0]) + 1
    return date(int(year) if len(year) == 4 else 2000 + int(year), number, int(found["day"]))


def day_error_message(error: ValueError) -> str:
    """Return the message for an error of `parse_day`."""
    if isinstance(error, ImplausibleYear):
        return _("Check the year. Write the day for example 1.2.2027.")
    if isinstance(error, OtherWeekday):
        return _("Check the day: %(day)s is a %(weekday)s.") % {
            "day": finnish_day(error.day),
            "weekday": error.weekday,
        }
    return _("Write the day with numbers, for example 1.2.2027.")


class DayInput(AdminDateInput):  # type: ignore[misc]
    """Wagtail's date picker. Input that it can't parse stays; Wagtail would replace it by today's date."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "validateOnBlur": False}


class DayFormField(forms.DateField):
    widget = DayInput
    default_error_messages = {"invalid": gettext_lazy("Write the day with numbers, for example 1.2.2027.")}

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return super().to_python(value)
        try:
            return parse_day(str(value), today=timezone.localdate())
        except ValueError as error:
            is_a_day = isinstance(error, ImplausibleYear | OtherWeekday)
            raise ValidationError(
                day_error_message(error) if is_a_day else self.error_messages["invalid"], code="invalid"
            ) from error


class DayField(models.DateField):
    """A date field whose form field reads Finnish dates."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{**kwargs, "form_class": DayFormField, "widget": DayInput})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        # Migrations use Django's DateField: the column is the same, and this class may move.
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.DateField", arguments, options
