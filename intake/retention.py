"""When an enquiry is to be removed: a rule about time, without a database."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from intake.choices import Outcome


@dataclass(frozen=True, kw_only=True)
class RetentionTimes:
    """How long closed enquiries are kept (GDPR art. 5(1)(e), storage limitation)."""

    months: int
    spam_days: int


def removal_date(*, closed_at: datetime | None, outcome: str, times: RetentionTimes) -> date | None:
    """Return the day (Europe/Helsinki) on which an enquiry closed at `closed_at` is removed; None while it is open."""
    if closed_at is None:
        return None
    closed_on = timezone.localdate(closed_at)
    if outcome == Outcome.SPAM:
        return closed_on + timedelta(days=times.spam_days)
    return months_later(closed_on, times.months)


def months_later(day: date, months: int) -> date:
    """Return the same day `months` later, or the last day of a month that has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
