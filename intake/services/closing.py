"""Where the handling of an enquiry stands, and with it the day of its removal: the one place that sets them."""

from datetime import date, datetime, timedelta

from django.utils import timezone

from intake.choices import Outcome, Status
from intake.models.enquiry import Enquiry
from intake.models.settings import IntakeSettings
from intake.retention import RetentionTimes, removal_date

STATUS_FIELDS = ("status", "outcome", "closed_at", "remove_on")


def set_status(enquiry: Enquiry, *, status: str, outcome: str = "", now: datetime) -> None:
    """Give a locked enquiry its status; the caller saves STATUS_FIELDS.

    Closing fixes the day of removal, by the times set now and never later than its sender was told. Another outcome of
    a closed enquiry moves it only where spam is concerned, and removes nothing before a day has passed.
    """
    was_closed, earlier = enquiry.is_closed, enquiry.outcome
    enquiry.status, enquiry.outcome = status, outcome if status == Status.CLOSED else ""
    if status != Status.CLOSED:
        enquiry.closed_at = enquiry.remove_on = None
        return
    times = times_for(enquiry)
    if not was_closed:
        enquiry.closed_at = now
        enquiry.remove_on = removal_date(closed_at=now, outcome=outcome, times=times)
    elif Outcome.SPAM in (outcome, earlier) and outcome != earlier:
        due = removal_date(closed_at=enquiry.closed_at, outcome=outcome, times=times)
        enquiry.remove_on = max(due, day_after(now)) if due else day_after(now)


def day_after(now: datetime) -> date:
    """Return the first calendar day that begins a whole day from now or later: time to notice a slip."""
    return timezone.localdate(now) + timedelta(days=2)


def times_for(enquiry: Enquiry) -> RetentionTimes:
    """Return the times that hold for an enquiry closed now: a longer time set since does not break what was told."""
    chosen = retention_times()
    return RetentionTimes(
        months=min(chosen.months, enquiry.told_months or chosen.months),
        spam_days=min(chosen.spam_days, enquiry.told_spam_days or chosen.spam_days),
    )


def retention_times() -> RetentionTimes:
    """Return the times the supervisor has set."""
    chosen = IntakeSettings.load()
    return RetentionTimes(months=chosen.retention_months, spam_days=chosen.spam_days)
