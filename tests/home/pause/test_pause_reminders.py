"""When Kati is reminded of the pause, and that no reminder is repeated."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from home.pause.rules import CALENDAR, PauseReminder, PauseSettings, ReminderKind, due_reminder

DAY = date(2027, 3, 28)
SETTINGS = PauseSettings(active=True, returns_on=DAY)


def at(days: int, hour: int = 12) -> datetime:
    day = DAY + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, tzinfo=CALENDAR)


@pytest.mark.parametrize(
    ("days", "deduplication_key"),
    [
        (-8, None),
        (-7, "before:2027-03-28"),
        (-1, "before:2027-03-28"),
        (0, "overdue:2027-03-28:0"),
        (6, "overdue:2027-03-28:0"),
        (7, "overdue:2027-03-28:7"),
        (36, "overdue:2027-03-28:7"),
        (37, "overdue:2027-03-28:37"),
        (66, "overdue:2027-03-28:37"),
        (67, "overdue:2027-03-28:67"),
        (67 + 300, "overdue:2027-03-28:367"),
    ],
)
def test_reminder_key_by_day(days: int, deduplication_key: str | None) -> None:
    for hour in (0, 23):
        reminder = due_reminder(SETTINGS, at(days, hour))
        assert (reminder.deduplication_key if reminder else None) == deduplication_key


def test_reminder_has_kind_and_day() -> None:
    assert due_reminder(SETTINGS, at(-3)) == PauseReminder(ReminderKind.BEFORE, DAY, "before:2027-03-28")
    overdue = due_reminder(SETTINGS, at(3))
    assert overdue is not None
    assert (overdue.kind, overdue.day) == (ReminderKind.OVERDUE, DAY)


def test_no_reminder_without_pause_or_day() -> None:
    assert due_reminder(PauseSettings(active=False, returns_on=DAY), at(3)) is None
    assert due_reminder(PauseSettings(active=True), at(3)) is None
    assert due_reminder(PauseSettings(active=True, returns_on=DAY, opens_by_itself=True), at(3)) is None
    assert due_reminder(PauseSettings(active=True, begins_on=DAY, returns_on=DAY + timedelta(days=3)), at(-1)) is None


def test_reminder_before_pause_opens_by_itself() -> None:
    assert due_reminder(PauseSettings(active=True, returns_on=DAY, opens_by_itself=True), at(-7)) is not None


@given(st.lists(st.integers(-10, 400), min_size=1).map(sorted))
def test_pause_reminders_are_unique_and_in_order(checked: list[int]) -> None:
    seen = [reminder.deduplication_key for days in checked if (reminder := due_reminder(SETTINGS, at(days)))]
    distinct = list(dict.fromkeys(seen))
    assert seen == sorted(seen, key=distinct.index)
    assert len(distinct) <= 3 + 400 // 30
