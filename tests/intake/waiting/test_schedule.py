"""Pure date rules: when a plan notifies each place, and when a silent place is removed from the list."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from home.pause.rules import calendar_day
from intake.waiting.rules import (
    ListMail,
    WaitingAction,
    first_notice_day,
    last_day_without_mail,
    removal_day,
    schedule,
    waiting_action,
)

FIRST = date(2027, 2, 1)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2027-02-01T00:00+02:00", date(2027, 2, 1)),
        ("2027-02-01T19:59:59+02:00", date(2027, 2, 1)),
        ("2027-02-01T20:00+02:00", date(2027, 2, 2)),
        ("2027-02-01T21:59:59Z", date(2027, 2, 2)),
        ("2027-02-01T22:00Z", date(2027, 2, 2)),
        ("2027-07-01T16:59:59Z", date(2027, 7, 1)),
        ("2027-07-01T17:00Z", date(2027, 7, 2)),
    ],
)
def test_first_notice_day_is_tomorrow_after_20(now: str, day: date) -> None:
    assert first_notice_day(datetime.fromisoformat(now)) == day


@given(
    count=st.integers(0, 60),
    per_day=st.integers(1, 12),
    used=st.integers(0, 12),
    pause_in=st.none() | st.integers(-2, 20),
)
def test_schedule_notifies_everybody_once_in_order(count: int, per_day: int, used: int, pause_in: int | None) -> None:
    queue = list(range(count))
    remaining = max(0, per_day - used)
    pause_begins_on = None if pause_in is None else FIRST + timedelta(days=pause_in)
    planned = schedule(
        queue, per_day=per_day, first_day_limit=remaining, first_day=FIRST, pause_begins_on=pause_begins_on
    )
    assert [one for day in planned.days for one in day.notified] + list(planned.held) == queue
    assert [day.number for day in planned.days] == list(range(1, len(planned.days) + 1))
    for day in planned.days:
        assert 0 < len(day.notified) <= (remaining if day.on == FIRST else per_day)
        assert pause_begins_on is None or day.on < pause_begins_on
    if not planned.held:
        # No day is skipped, and only the last may stay below its limit.
        begin = FIRST if remaining else FIRST + timedelta(days=1)
        assert [day.on for day in planned.days] == [begin + timedelta(days=n) for n in range(len(planned.days))]
        assert all(len(day.notified) == (remaining if day.on == FIRST else per_day) for day in planned.days[:-1])
    else:
        assert pause_begins_on is not None


def test_a_pause_that_begins_at_once_holds_everybody() -> None:
    planned = schedule(["a", "b"], per_day=1, first_day_limit=1, first_day=FIRST, pause_begins_on=FIRST)
    assert (planned.days, planned.held) == ((), ("a", "b"))


@given(
    confirmed=st.datetimes(datetime(2026, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC)),
    months=st.integers(1, 12),
)
def test_removal_day_matches_waiting_action(confirmed: datetime, months: int) -> None:
    """Act as the worker does: two questions and the removal notice, each sent on its day."""
    asked: list[datetime] = []
    now = confirmed
    while (
        need := waiting_action(
            confirmed_at=confirmed,
            questions=[ListMail(moment, moment) for moment in asked],
            removal_notices=[],
            months=months,
            now=now,
        )
    ) is not WaitingAction.SEND_REMOVAL_NOTICE:
        predicted = removal_day(confirmed_at=confirmed, asked_at=asked, months=months, today=calendar_day(now))
        if need is WaitingAction.ASK:
            asked.append(now)
        now += timedelta(days=1)
    assert len(asked) == 2
    # A step of 24 hours may leap over a day when the clocks go forward.
    assert predicted <= calendar_day(now) <= predicted + timedelta(days=1)
    assert removal_day(
        confirmed_at=confirmed, asked_at=[], months=months, today=confirmed.date()
    ) == last_day_without_mail(confirmed_at=confirmed, months=months)


def test_questions_before_the_last_answer_do_not_count() -> None:
    confirmed = datetime(2027, 1, 10, 12, tzinfo=UTC)
    asked = [confirmed - timedelta(days=30), confirmed + timedelta(days=120)]
    assert removal_day(confirmed_at=confirmed, asked_at=asked, months=4, today=confirmed.date()) == date(2028, 1, 10)


@pytest.mark.parametrize(("asked", "day"), [(0, date(2028, 2, 1)), (1, date(2027, 10, 1)), (2, date(2027, 6, 1))])
def test_overdue_question_counts_from_today(asked: int, day: date) -> None:
    """A plan that runs for months, or a failing mail server, delays the question that was due."""
    confirmed = datetime(2027, 1, 10, 12, tzinfo=UTC)
    questions = [confirmed + timedelta(days=number + 1) for number in range(asked)]
    today = date(2027, 6, 1)
    assert removal_day(confirmed_at=confirmed, asked_at=questions, months=4, today=today) == day
