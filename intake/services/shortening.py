"""A shorter time of keeping, set by the supervisor: what it removes, and when it holds for what was stored before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from intake.choices import Status
from intake.jobs.schedule import is_from_future
from intake.models.enquiry import Enquiry
from intake.models.settings import IntakeSettings
from intake.models.waiting import WaitingPlace
from intake.retention import RetentionTimes, removal_date
from intake.services.closing import retention_times
from intake.services.upkeep import leaving_sooner

# Time to notice a slip and to set the old time again.
HOLDS_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Times:
    """The times that the supervisor sets."""

    retention_months: int
    spam_days: int
    waiting_months: int


def is_shorter(new: Times, old: Times) -> bool:
    """Whether one of the times is shorter than before."""
    return (
        new.retention_months < old.retention_months
        or new.spam_days < old.spam_days
        or new.waiting_months < old.waiting_months
    )


def removed_by(new: Times, *, now: datetime) -> int:
    """Return how many stored enquiries would go a day from now, that would not go by then without these times."""
    at = now + HOLDS_AFTER
    day = timezone.localdate(at)
    times = RetentionTimes(months=new.retention_months, spam_days=new.spam_days)
    closed = Enquiry.objects.filter(status=Status.CLOSED, remove_on__gt=day).values_list("closed_at", "outcome")
    days = (removal_date(closed_at=closed_at, outcome=outcome, times=times) for closed_at, outcome in closed.iterator())
    return sum(on is not None and on <= day for on in days) + leaving_sooner(months=new.waiting_months, at=at)


def shorten_stored(*, now: datetime) -> int:
    """Let shorter times hold for what was stored before, once a day has passed. Returns how many records changed.

    A longer time changes nothing: their senders were told the shorter one.
    """
    chosen = IntakeSettings.load()
    since = chosen.shortened_at
    if since is None:
        return 0
    if is_from_future(since, now):
        # The clock was ahead: the day begins now.
        IntakeSettings.objects.filter(pk=chosen.pk, shortened_at=since).update(shortened_at=now)
        return 0
    if now < since + HOLDS_AFTER:
        return 0
    times = retention_times()
    changed = WaitingPlace.objects.filter(months__gt=chosen.waiting_months).update(months=chosen.waiting_months)
    rows = Enquiry.objects.filter(status=Status.CLOSED).values_list("pk", "closed_at", "outcome")
    for pk, closed_at, outcome in rows.iterator():
        day = removal_date(closed_at=closed_at, outcome=outcome, times=times)
        # Reopened or closed anew meanwhile: then it is not this one any more.
        same = Enquiry.objects.filter(pk=pk, closed_at=closed_at, outcome=outcome)
        changed += same.filter(remove_on__gt=day).update(remove_on=day)
    IntakeSettings.objects.filter(pk=chosen.pk, shortened_at=since).update(shortened_at=None)
    return changed
