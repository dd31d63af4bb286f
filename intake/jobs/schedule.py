"""When a job is due and when a worker is silent: pure functions of (data, now)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

FIRST_RETRY = timedelta(minutes=1)
# The longest wait of a failing job whose own interval is shorter.
LONGEST_RETRY = timedelta(minutes=15)
# The worker writes its heartbeat at this interval, and counts as silent after SILENT_AFTER without one.
BEAT_EVERY = timedelta(seconds=30)
SILENT_AFTER = timedelta(minutes=5)
# How far the clocks of two machines of one site may differ.
CLOCK_TOLERANCE = timedelta(minutes=1)
_BATCH_SIZE = 500


def is_from_future(moment: datetime, now: datetime) -> bool:
    """Whether a stored time lies in the future. The clock was wrong when it was stored, so callers ignore it."""
    return moment > now + CLOCK_TOLERANCE


def retry_wait(failures: int, *, every: timedelta) -> timedelta:
    """Return the wait after `failures` failures in a row (0 or more): it doubles, starting at one minute."""
    if failures == 0:
        return every
    longest = max(every, LONGEST_RETRY)
    # 2 ** 20 minutes are two years: the exponent needs no more.
    return min(FIRST_RETRY * 2 ** min(failures - 1, 20), longest)


def due_at(*, started_at: datetime | None, failures: int, every: timedelta, now: datetime) -> datetime:
    """Return when a job is due that was last started at `started_at` and has since failed `failures` times."""
    if started_at is None or is_from_future(started_at, now):
        return datetime.min.replace(tzinfo=now.tzinfo)
    return started_at + retry_wait(failures, every=every)


def worker_is_silent(beat_at: datetime | None, now: datetime) -> bool:
    """Whether the worker's heartbeat is too old. None means that no worker ever ran here, so none is missing."""
    if beat_at is None:
        return False
    return is_from_future(beat_at, now) or now - beat_at > SILENT_AFTER


def in_batches(rows: QuerySet[Any]) -> Iterator[int]:
    """Yield the primary keys of `rows` in ascending order. If rows are removed meanwhile, no others are skipped."""
    last = 0
    while keys := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_BATCH_SIZE]):
        yield from keys
        last = keys[-1]
