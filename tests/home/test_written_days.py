"""Finnish dates: formatted, and parsed as people write them."""

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from home.dates import (
    DayFormField,
    ImplausibleYear,
    OtherWeekday,
    find_days,
    finnish_day,
    finnish_moment,
    finnish_time,
    parse_day,
)

pytestmark = pytest.mark.once

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    "written",
    [
        *("1.2.2027", "1.2.2027.", "1.2.2027,", "01.02.2027", "1. 2. 2027", "1 .2.2027", "1 . 2 . 2027", "1.2.27"),
        *("ma 1.2.2027", "Ma. 1.2.2027", "ma1.2.2027", "maanantai 1.2.2027", "maanantaina 1. helmikuuta 2027"),
        *("1. helmikuuta 2027", "1.helmikuuta 2027", "1 helmikuuta 2027", "1. Helmikuu 2027", "１.２.２０２７"),
        *("helmikuun 1. 2027", "helmikuun 1. päivänä 2027", "2027-02-01", "1.\u00a0helmikuuta\u00a02027"),
        *("\u200e1.2.2027", "1.2.2027\u200b", "1.2.\u00ad2027", " 1.2.2027\n", "1．2．2027", "1.  2.\t2027"),
        *("1. päivä helmikuuta 2027", "1. päivänä helmikuuta 2027"),
    ],
)
def test_finnish_date_formats_are_parsed(written: str) -> None:
    assert parse_day(written, today=TODAY) == date(2027, 2, 1)


@pytest.mark.parametrize(
    "written",
    [
        *("", "heti", "31.2.2027", "29.2.2027", "0.1.2027", "1/2/2027", "2027-2-1", "1.2.", "1.2", "1..2.2027"),
        *("1.2.20277", "tammi 1.2027", "1.2.2027–3.2.2027", "1.13.2027", "to", "20270201"),
        *("1.2.2027" + " " * 500 + "x", "1" * 5000, "1.2.2027 3.2.2027"),
    ],
)
def test_invalid_date_is_refused(written: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - its kind is looked at below
        parse_day(written, today=TODAY)
    assert not isinstance(refusal.value, ImplausibleYear | OtherWeekday)


@pytest.mark.parametrize("written", ["1.2.0027", "1.2.1927", "1. helmikuuta 1927", "0027-02-01", "1.2.2047"])
def test_implausible_year_is_refused(written: str) -> None:
    with pytest.raises(ImplausibleYear):
        parse_day(written, today=TODAY)


def test_decomposed_unicode_month_is_parsed() -> None:
    assert parse_day("1. kesa\u0308kuuta 2027", today=TODAY) == date(2027, 6, 1)


@pytest.mark.parametrize("year", [1956, 2000, 2026, 2046])
def test_plausible_years_are_accepted(year: int) -> None:
    assert parse_day(f"1.2.{year}", today=TODAY).year == year


def test_wrong_weekday_is_refused() -> None:
    with pytest.raises(OtherWeekday) as refusal:
        parse_day("ti 1.2.2027", today=TODAY)
    assert (refusal.value.day, refusal.value.weekday) == (date(2027, 2, 1), "maanantai")


def test_find_days_in_order_ignoring_version_numbers() -> None:
    text = "Palaan 1. helmikuuta 2025 tai ma 3 .2.2025. Versio 3.1.2.2025, 31.2.2025, 1.2.25 ja helmikuun 5. 2025."
    assert [day for _written, day in find_days(text)] == [date(2025, 2, 1), date(2025, 2, 3), date(2025, 2, 5)]


@given(st.dates(date(1990, 1, 1), date(2046, 12, 31)))
def test_written_date_is_parsed_back(day: date) -> None:
    assert parse_day(f"{day.day}.{day.month}.{day.year}", today=TODAY) == day
    assert [found for _written, found in find_days(f"Alan {day.day}. {day.month}. {day.year}.")] == [day]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("1.2.1927", "Tarkista vuosi. Kirjoita päivä esimerkiksi näin: 1.2.2027."),
        ("ti 1.2.2027", "Tarkista päivä: 1.2.2027 on maanantai."),
        ("joskus", "Kirjoita päivä numeroin, esimerkiksi 1.2.2027."),
    ],
)
def test_admin_date_field_shows_validation_error(typed: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        DayFormField().clean(typed)


@pytest.mark.parametrize(
    ("moment", "day", "time"),
    [
        (date(2027, 2, 1), "1.2.2027", None),
        # In Finland it is already the next day.
        (datetime(2027, 1, 31, 22, 5, tzinfo=UTC), "1.2.2027", "0.05"),
        (datetime(2027, 7, 1, 6, 5, tzinfo=UTC), "1.7.2027", "9.05"),
        (None, "", ""),
    ],
)
def test_finnish_dates_in_code_and_templates(moment: date | None, day: str, time: str | None) -> None:
    assert finnish_day(moment) == day
    assert Template("{{ moment|finnish_day }}").render(Context({"moment": moment})) == day
    if isinstance(moment, datetime) or moment is None:
        both = f"{day} klo {time}" if day else ""
        assert (finnish_time(moment), finnish_moment(moment)) == (time, both)
        template = Template("{{ moment|finnish_moment }}/{{ moment|finnish_time }}")
        assert template.render(Context({"moment": moment})) == f"{both}/{time}"
