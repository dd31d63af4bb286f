"""How long an enquiry is kept, and how long a receipt opens what was sent: pure functions."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from intake.choices import Outcome
from intake.jobs.schedule import is_from_future

# The URL of a thank-you page stays in the browser's history. After this time it no longer opens what was sent.
RECEIPT_WINDOW = timedelta(days=1)


def receipt_is_fresh(sent_at: datetime, now: datetime) -> bool:
    """Return whether a receipt still opens what was sent at `sent_at`, and still links to the mapping."""
    # In UTC: Python subtracts two times of one zone by their clock readings, which is wrong across a DST change.
    age = now.astimezone(UTC) - sent_at.astimezone(UTC)
    return age < RECEIPT_WINDOW and not is_from_future(sent_at, now)


@dataclass(frozen=True, kw_only=True)
class RetentionTimes:
    """How long closed enquiries are kept (GDPR art. 5(1)(e), storage limitation)."""

    months: int
    spam_days: int


def removal_date(*, closed_at: datetime | None, outcome: str, times: RetentionTimes) -> date | None:
    """Return the removal date (Europe/Helsinki) of an enquiry closed at `closed_at`; None while it is open."""
    if closed_at is None:
        return None
    closed_on = timezone.localdate(closed_at)
    if outcome == Outcome.SPAM:
        return closed_on + timedelta(days=times.spam_days)
    return months_later(closed_on, times.months)


def months_later(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
