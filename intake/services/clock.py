"""Moments that a clock which was ahead has left behind: they begin anew, so that nothing waits for years.

A stored moment ahead of the clock says that one of the two is wrong, and not which. So nothing is changed until the
clock has gone on for some days with such moments before it: one that is behind for an hour must not shorten anything.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Model, Q

from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.jobs import ClockSlip
from intake.models.mapping import InitialMapping, MappingLink
from intake.models.outgoing_mail import MailAttempt, OutgoingMail
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.retention import removal_date
from intake.services.closing import times_for
from intake.services.locks import lock_receiving
from intake.services.mapping import LIFETIME

TRUSTED_AFTER = timedelta(days=3)

# Every moment by which a rule decides when something is due, has been said, or is over.
_MOMENTS: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (Enquiry, ("received_at",)),
    (EnquiryStep, ("changed_at",)),
    (
        WaitingPlace,
        ("joined_at", "confirmed_at", "reached_at", "asked_at", "parting_at", "called_at", "reminded_at"),
    ),
    (ReturnPlan, ("created_at", "resumed_at", "held_at")),
    (OutgoingMail, ("created_at", "sent_at")),
    (MailAttempt, ("attempted_at",)),
    (InitialMapping, ("created_at", "started_at", "sent_at")),
    (MappingLink, ("created_at",)),
)


def begin_anew_what_lies_ahead(*, now: datetime) -> int:
    """Let moments from the future begin now, once they have been ahead of the clock for TRUSTED_AFTER.

    Returns how many values changed.
    """
    with transaction.atomic():
        lock_receiving()
        slip = ClockSlip.objects.select_for_update().first()
        if not _something_lies_ahead(now):
            ClockSlip.objects.all().delete()
            return 0
        if slip is None or is_from_future(slip.seen_at, now):
            ClockSlip.objects.update_or_create(pk=1, defaults={"seen_at": now})
            return 0
        if now - slip.seen_at < TRUSTED_AFTER:
            return 0
        changed = sum(
            model._default_manager.filter(_ahead(name, now)).update(**{name: now})
            for model, names in _MOMENTS
            for name in names
        )
        changed += _close_anew(now)
        changed += InitialMapping.objects.filter(_expires_too_late(now)).update(expires_at=now + LIFETIME)
        slip.delete()
        return changed


def _something_lies_ahead(now: datetime) -> bool:
    moments = ((model, _ahead(name, now)) for model, names in (*_MOMENTS, (Enquiry, ("closed_at",))) for name in names)
    conditions: list[tuple[Any, Q]] = [*moments, (InitialMapping, _expires_too_late(now))]
    return any(model._default_manager.filter(condition).exists() for model, condition in conditions)


def _ahead(name: str, now: datetime) -> Q:
    return Q(**{f"{name}__gt": now + CLOCK_TOLERANCE})


def _expires_too_late(now: datetime) -> Q:
    """Nothing is given more time than LIFETIME from a moment that has been."""
    return Q(expires_at__gt=now + LIFETIME + CLOCK_TOLERANCE)


def _close_anew(now: datetime) -> int:
    """What was closed in the future counts as closed now; its day of removal comes no later than it was fixed."""
    closed = Enquiry.objects.select_for_update().filter(_ahead("closed_at", now))
    changed = 0
    for enquiry in closed.only("pk", "outcome", "remove_on", "told_months", "told_spam_days").iterator():
        day = removal_date(closed_at=now, outcome=enquiry.outcome, times=times_for(enquiry))
        days = [one for one in (day, enquiry.remove_on) if one is not None]
        changed += Enquiry.objects.filter(pk=enquiry.pk).update(closed_at=now, remove_on=min(days))
    return changed
