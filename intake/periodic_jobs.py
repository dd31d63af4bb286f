"""The periodic jobs of this app."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Model, Q
from django.utils.translation import gettext_lazy as _

from home.pause.services import settle_pause
from intake.desk.settings import shorten_stored
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.removal import empty_write_ahead_log, forget_traces, remove_due
from intake.enquiry.rules import removal_date
from intake.enquiry.services import times_for
from intake.jobs.models import ClockSlip
from intake.jobs.runner import Job, JobContext
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future
from intake.locks import lock_receiving
from intake.mail.delivery import deliver_due
from intake.mail.models import MailAttempt, OutgoingMail
from intake.mapping.models import InitialMapping, MappingLink
from intake.mapping.services import LIFETIME, remove_unfinished
from intake.pause_reminders import remind_of_pause
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.return_plan import call_due
from intake.waiting.upkeep import keep_list_true, remind_and_close

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


_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def deliver_mail(context: JobContext) -> None:
    """Try the mails that are due, the one that has been due longest first."""
    deliver_due(must_stop=context.must_stop)


INTAKE_JOBS = (
    Job(name="delivery", title=_("Sending mail"), every=timedelta(seconds=2), run=deliver_mail),
    Job(
        name="pause",
        title=_("Ending a pause that opens by itself"),
        every=_MINUTE,
        run=lambda context: settle_pause(now=context.now),
    ),
    Job(
        name="pause_reminders",
        title=_("Reminders of the pause"),
        every=_MINUTE,
        run=lambda context: remind_of_pause(now=context.now),
    ),
    Job(
        name="return_notices",
        title=_("Telling the waiting list of the return"),
        every=_MINUTE,
        run=lambda context: call_due(now=context.now),
    ),
    Job(
        name="return_reminders",
        title=_("Reminding and closing those who were told of the return"),
        every=_MINUTE,
        run=lambda context: remind_and_close(now=context.now, each=context.each),
    ),
    Job(
        name="waiting_list",
        title=_("Asking those on the waiting list whether they still wait"),
        every=_MINUTE,
        run=lambda context: keep_list_true(now=context.now, each=context.each),
    ),
    Job(
        name="removal",
        title=_("Removing enquiries whose time has come"),
        every=_HOUR,
        run=lambda context: remove_due(now=context.now, each=context.each),
    ),
    Job(
        name="shorter_times",
        title=_("Shortening the times of keeping as they are set"),
        every=_HOUR,
        run=lambda context: shorten_stored(now=context.now),
    ),
    Job(
        name="mapping_removal",
        title=_("Removing initial mappings that were never sent"),
        every=_HOUR,
        run=lambda context: remove_unfinished(now=context.now, each=context.each),
    ),
    Job(
        name="clock",
        title=_("Setting right what a wrong clock has left"),
        every=_HOUR,
        run=lambda context: begin_anew_what_lies_ahead(now=context.now),
    ),
    Job(
        name="write_ahead_log",
        title=_("Overwriting removed words on the disk"),
        every=timedelta(minutes=10),
        run=lambda context: empty_write_ahead_log(),
    ),
    Job(
        name="traces",
        title=_("Forgetting the traces of posts"),
        every=_HOUR,
        run=lambda context: forget_traces(now=context.now),
    ),
)
