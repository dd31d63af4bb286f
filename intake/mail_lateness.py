"""When a mail is due, abandoned or late: one rule each, for one mail in Python and for many in a query."""

from datetime import datetime, timedelta

from django.db.models import Q

from intake.choices import MailState
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future

# Far past any attempt's own limit (intake.services.mail_server.attempt_seconds): whoever claimed the mail is gone.
CLAIM_LIFETIME = timedelta(minutes=10)
# A worker that lives has touched a mail long before.
LATE_AFTER = timedelta(minutes=15)
# No rule puts a mail off for longer: what stands further ahead was written by a clock that was ahead.
LONGEST_HOLD = timedelta(days=1) + CLOCK_TOLERANCE


def is_late(
    *, state: str, failures: int, next_attempt_at: datetime | None, claimed_at: datetime | None, now: datetime
) -> bool:
    """Whether a mail has failed and not gone out since, or waits for a worker for longer than one needs.

    What is held on purpose (`next_attempt_at` ahead of the clock) is not late.
    """
    if state not in (MailState.QUEUED, MailState.SENDING):
        return state == MailState.FAILED
    if failures > 0:
        return True
    if state == MailState.SENDING:
        return claimed_at is None or is_from_future(claimed_at, now) or now - claimed_at > LATE_AFTER
    if next_attempt_at is None or next_attempt_at > now + LONGEST_HOLD:
        return True
    return now - next_attempt_at > LATE_AFTER


def late(now: datetime) -> Q:
    """Return the condition that a mail is late (is_late)."""
    waiting = Q(state__in=(MailState.QUEUED, MailState.SENDING))
    return Q(state=MailState.FAILED) | (waiting & Q(failures__gt=0)) | untouched(now)


def untouched(now: datetime) -> Q:
    """Return the condition that a mail is late because no worker looks after it, whatever the mail server thinks."""
    never = Q(failures=0)
    queued = Q(state=MailState.QUEUED) & (
        Q(next_attempt_at=None) | Q(next_attempt_at__gt=now + LONGEST_HOLD) | Q(next_attempt_at__lt=now - LATE_AFTER)
    )
    sending = Q(state=MailState.SENDING) & (
        Q(claimed_at=None) | Q(claimed_at__gt=now + CLOCK_TOLERANCE) | Q(claimed_at__lt=now - LATE_AFTER)
    )
    return never & (queued | sending)


def due(now: datetime) -> Q:
    """Return the condition that a queued mail may go now."""
    ahead = Q(next_attempt_at__gt=now + LONGEST_HOLD)
    return Q(state=MailState.QUEUED) & (Q(next_attempt_at__lte=now) | ahead)


def abandoned(now: datetime) -> Q:
    """Return the condition that whoever claimed a mail is gone."""
    return Q(state=MailState.SENDING) & (
        Q(claimed_at__lte=now - CLAIM_LIFETIME) | Q(claimed_at__gt=now + CLOCK_TOLERANCE)
    )
