"""When a job is due and when a worker is silent, for any data and any current time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.jobs.schedule import LONGEST_RETRY, due_at, retry_wait, worker_is_silent

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=30))


def test_a_job_that_never_ran_is_due() -> None:
    assert due_at(started_at=None, failures=0, every=HOUR, now=NOON) < NOON


def test_a_job_is_due_after_its_interval() -> None:
    assert due_at(started_at=NOON, failures=0, every=HOUR, now=NOON) == NOON + HOUR


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (6, 15), (50, 15), (100_000, 15)]
)
def test_a_failing_frequent_job_waits_longer_each_time(failures: int, minutes: int) -> None:
    assert retry_wait(failures, every=timedelta(seconds=2)) == timedelta(minutes=minutes)


def test_failing_daily_job_is_retried_soon() -> None:
    day = timedelta(days=1)
    assert retry_wait(1, every=day) == timedelta(minutes=1)
    assert retry_wait(30, every=day) == day


@given(intervals, st.integers(1, 200))
def test_waits_never_shrink_and_stay_bounded(every: timedelta, failures: int) -> None:
    wait, longer = retry_wait(failures, every=every), retry_wait(failures + 1, every=every)
    assert timedelta() < wait <= longer <= max(every, LONGEST_RETRY)


@given(moments, st.timedeltas(timedelta(minutes=2), timedelta(days=4000)), intervals, st.integers(0, 50))
def test_start_in_the_future_postpones_nothing(
    now: datetime, ahead: timedelta, every: timedelta, failures: int
) -> None:
    assert due_at(started_at=now + ahead, failures=failures, every=every, now=now) <= now


@pytest.mark.parametrize(
    ("beat_at", "silent"),
    [
        (None, False),
        (NOON, False),
        (NOON - timedelta(minutes=5), False),
        (NOON - timedelta(minutes=5, seconds=1), True),
        (NOON - timedelta(days=400), True),
        (NOON + timedelta(seconds=59), False),
        (NOON + timedelta(minutes=2), True),
        (NOON + timedelta(days=1500), True),
    ],
)
def test_a_worker_is_silent_after_five_minutes(beat_at: datetime | None, silent: bool) -> None:
    assert worker_is_silent(beat_at, NOON) is silent
