"""When a job is due and when a worker is silent: pure functions of (data, now)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

FIRST_RETRY = timedelta(minutes=1)
# A job that is due more often than this is put off no longer than this when it goes on failing.
LONGEST_RETRY = timedelta(minutes=15)
# The worker writes its heartbeat at least this often, and is silent when it has not for so long.
BEAT_EVERY = timedelta(seconds=30)
SILENT_AFTER = timedelta(minutes=5)
# How far two clocks of one site may differ.
CLOCK_TOLERANCE = timedelta(minutes=1)


def is_from_future(moment: datetime, now: datetime) -> bool:
    """Whether a stored moment lies ahead of the clock: a clock was wrong when it was stored, so it does not count."""
    return moment > now + CLOCK_TOLERANCE


def retry_wait(failures: int, *, every: timedelta) -> timedelta:
    """Return how long to wait after so many failures in a row (0 or more): doubling, from a minute on."""
    if failures == 0:
        return every
    longest = max(every, LONGEST_RETRY)
    # 2 ** 20 minutes are two years: no need to compute further.
    return min(FIRST_RETRY * 2 ** min(failures - 1, 20), longest)


def due_at(*, started_at: datetime | None, failures: int, every: timedelta, now: datetime) -> datetime:
    """Return when a job is due that was last started at `started_at`, and failed so often since it last succeeded."""
    if started_at is None or is_from_future(started_at, now):
        return datetime.min.replace(tzinfo=now.tzinfo)
    return started_at + retry_wait(failures, every=every)


def worker_is_silent(beat_at: datetime | None, now: datetime) -> bool:
    """Whether a worker that once ran shows no sign of life. None: none ever ran here, so none is missed."""
    if beat_at is None:
        return False
    return is_from_future(beat_at, now) or now - beat_at > SILENT_AFTER


_PORTION = 500


def in_portions(rows: QuerySet[Any]) -> Iterator[int]:
    """Yield the keys of `rows` from the smallest on. What is removed meanwhile makes it pass over nothing."""
    last = 0
    while keys := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_PORTION]):
        yield from keys
        last = keys[-1]
