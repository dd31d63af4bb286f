"""When a problem is told: pure functions of (data, now)."""

from datetime import datetime, timedelta

from intake.jobs.schedule import is_from_future

# Two checks in a row, so that one lost packet is no alarm.
LASTS_AFTER = timedelta(minutes=30)
TOLD_AGAIN_AFTER = timedelta(days=7)
CHECKED_EVERY = timedelta(hours=1)


def must_tell(*, first_seen_at: datetime, told_at: datetime | None, now: datetime) -> bool:
    """Return whether a problem that is there now must be told: once it lasts, then weekly."""
    if now - first_seen_at < LASTS_AFTER and not is_from_future(first_seen_at, now):
        return False
    return told_at is None or is_from_future(told_at, now) or now - told_at >= TOLD_AGAIN_AFTER


def is_forgotten(*, last_seen_at: datetime, now: datetime) -> bool:
    """Return whether a problem that is gone counts as a new one when it comes back."""
    return now - last_seen_at >= TOLD_AGAIN_AFTER
