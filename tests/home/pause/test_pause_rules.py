"""validation_errors() of the pause: by field, in Finnish."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import translation

from home.pause.rules import CALENDAR, PauseSettings, validation_errors

NOW = datetime(2027, 1, 10, 23, 59, 59, tzinfo=CALENDAR)
TODAY = NOW.date()


def day(days: int) -> object:
    return TODAY + timedelta(days=days)


OPEN = PauseSettings(active=False)
PAUSE = PauseSettings(active=True)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, {}),
        ({"begins_on": day(0)}, {}),
        ({"begins_on": day(-1)}, {"begins_on": "past"}),
        ({"begins_on": day(3), "returns_on": day(4), "opens_by_itself": True}, {}),
        ({"begins_on": day(3), "returns_on": day(3)}, {"returns_on": "order"}),
        ({"begins_on": day(3), "returns_on": day(2)}, {"returns_on": "order"}),
        ({"returns_on": day(1)}, {}),
        ({"returns_on": day(0)}, {"returns_on": "past"}),
        ({"begins_on": day(-1), "returns_on": day(-1)}, {"begins_on": "past", "returns_on": "past"}),
        ({"opens_by_itself": True}, {"opens_by_itself": "no_day"}),
    ],
)
def test_validation_of_a_new_pause(after: dict[str, object], expected: dict[str, str]) -> None:
    found = validation_errors(OPEN, replace(PAUSE, **after), NOW)  # type: ignore[arg-type]
    assert {name: code for name, (code, _) in found.items()} == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # A stored day in the past is no error.
        ({"returns_on": day(-5)}, {}, {}),
        ({"begins_on": day(-9), "returns_on": day(-5)}, {}, {}),
        ({"begins_on": day(-9)}, {"returns_on": day(5)}, {}),
        # A new day in the past is an error.
        ({"returns_on": day(-5)}, {"returns_on": day(-4)}, {"returns_on": "past"}),
        ({"begins_on": day(-9)}, {"begins_on": day(-8)}, {"begins_on": "past"}),
        # With `opens_by_itself` on an overdue day, the site would announce a return in the past.
        ({"returns_on": day(0)}, {"opens_by_itself": True}, {"returns_on": "past"}),
        # The pause is postponed past its own return day.
        ({"returns_on": day(5)}, {"begins_on": day(6)}, {"returns_on": "order"}),
        ({"returns_on": day(5), "opens_by_itself": True}, {"returns_on": None}, {"opens_by_itself": "no_day"}),
        # The change ends the pause and clears its days.
        ({"returns_on": day(5), "opens_by_itself": True}, {"active": False}, {}),
        ({"returns_on": day(5)}, {"active": False, "returns_on": day(-5)}, {}),
    ],
)
def test_validation_of_a_stored_pause(
    before: dict[str, object], after: dict[str, object], expected: dict[str, str]
) -> None:
    stored = replace(PAUSE, **before)  # type: ignore[arg-type]
    found = validation_errors(stored, replace(stored, **after), NOW)  # type: ignore[arg-type]
    assert {name: code for name, (code, _) in found.items()} == expected


def test_days_without_active_are_refused() -> None:
    for chosen in ({"begins_on": day(3)}, {"returns_on": day(3)}, {"opens_by_itself": True}):
        found = validation_errors(OPEN, replace(OPEN, **chosen), NOW)  # type: ignore[arg-type]
        assert {name: code for name, (code, _) in found.items()} == {"active": "days_without_pause"}


def test_leftover_days_are_dropped_without_error() -> None:
    left = PauseSettings(active=False, returns_on=TODAY)
    assert validation_errors(left, left, NOW) == {}
    assert validation_errors(left, OPEN, NOW) == {}
    assert validation_errors(left, replace(left, active=True), NOW)["returns_on"][0] == "past"
    begun = PauseSettings(active=False, begins_on=TODAY - timedelta(days=1))
    assert validation_errors(begun, replace(begun, active=True), NOW)["begins_on"][0] == "past"


def test_validation_treats_elapsed_pause_as_over() -> None:
    opened = PauseSettings(active=True, returns_on=TODAY, opens_by_itself=True)
    assert validation_errors(opened, OPEN, NOW) == {}
    assert set(validation_errors(opened, opened, NOW)) == {"returns_on"}


def test_validation_errors_are_finnish() -> None:
    cases = {
        "Valitse tämä tai jokin myöhempi päivä, tai jätä päivä tyhjäksi.": {"begins_on": day(-1)},
        "Valitse päivä, joka on vielä edessä, tai jätä päivä tyhjäksi.": {"returns_on": day(0)},
        "Valitse päivä, joka on tauon alkamisen jälkeen.": {"begins_on": day(3), "returns_on": day(3)},
        "Valitse päivä, jona Aijuu avautuu, tai ota rasti pois.": {"opens_by_itself": True},
        "Rastita tämä, jotta päivät tulevat voimaan, tai tyhjennä päivät.": {"active": False, "begins_on": day(3)},
    }
    with translation.override("fi"):
        for words, after in cases.items():
            found = validation_errors(OPEN, replace(PAUSE, **after), NOW)  # type: ignore[arg-type]
            assert [str(message) for _, message in found.values()] == [words]
