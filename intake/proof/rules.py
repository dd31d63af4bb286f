"""When the form is proven: pure functions of (data, now)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from intake.jobs.schedule import is_from_future

# The setting PROOF_EMAIL where nothing is proven by night.
OFF = "off"
_CALENDAR = ZoneInfo("Europe/Helsinki")
_HOUR, _MINUTE = 3, 10
# A machine that was off at night proves it in the morning, not in the middle of the day.
_AT_THE_LATEST = timedelta(hours=6)
# A mail server that greylists takes a mail at the second attempt.
PATIENCE = timedelta(minutes=30)
KEPT = timedelta(days=60)
# Two nights: one of them may have gone by without power.
LATE_AFTER = timedelta(days=2)


def is_due(*, last_started: datetime | None, now: datetime) -> bool:
    """Return whether tonight's proof has to begin."""
    local = now.astimezone(_CALENDAR)
    tonight = local.replace(hour=_HOUR, minute=_MINUTE, second=0, microsecond=0, fold=0)
    if not tonight <= local < tonight + _AT_THE_LATEST:
        return False
    return last_started is None or last_started < tonight or is_from_future(last_started, now)


def is_overdue(started_at: datetime, now: datetime) -> bool:
    """Return whether a run is waited for no longer."""
    return is_from_future(started_at, now) or now - started_at > PATIENCE
