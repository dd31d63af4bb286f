"""The periodic jobs of this app, with two that belong to no package: reminders of the pause, resetting future times."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from home.contact_details import ContactDetails
from home.dates import finnish_day
from home.pause.models import PauseAction, PauseChange, PauseNotice
from home.pause.rules import PauseState, ReminderKind, due_reminder, pause_state
from home.pause.services import record_elapsed_return
from intake.choices import MailPurpose, MailState
from intake.desk.settings import apply_shortened_times
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.removal import delete_expired_traces, empty_write_ahead_log, remove_due
from intake.enquiry.rules import removal_date
from intake.enquiry.services import retention_times_for
from intake.jobs.runner import ClockSlip, Job, JobContext
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future
from intake.locks import lock_receiving
from intake.mail.delivery import deliver_due
from intake.mail.models import MailAttempt, OutgoingMail
from intake.mail.queue import (
    Handling,
    NewMail,
    queue_mail,
    register,
    supervisor_address,
    to_supervisor,
    unsent_without_enquiry,
)
from intake.mapping.links import remove_unfinished
from intake.mapping.models import InitialMapping, MappingLink, expiry
from intake.proof import prove_by_night
from intake.settings import IntakeSettings
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.return_plan import queue_due_return_notices
from intake.waiting.upkeep import ask_or_remove_silent_waiters, remind_and_close

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
CLOCK_TRUSTED_AFTER = timedelta(days=3)
# Every time field on which a rule depends.
_TIME_FIELDS: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (Enquiry, ("received_at",)),
    (EnquiryStep, ("changed_at",)),
    (
        WaitingPlace,
        ("joined_at", "confirmed_at", "reached_at", "asked_at", "removal_notice_at", "notified_at", "reminded_at"),
    ),
    (ReturnPlan, ("created_at", "resumed_at", "held_at")),
    (OutgoingMail, ("created_at", "sent_at")),
    (MailAttempt, ("attempted_at",)),
    (InitialMapping, ("created_at", "started_at", "sent_at", "link_mailed_at")),
    (MappingLink, ("created_at",)),
)
# The supervisor gets no notice of an automatic opening that is older than this.
_NEWS_LIFETIME = timedelta(days=7)
_OPENED = "opened"


def remind_of_pause(*, now: datetime) -> int:
    """Queue the due reminder, and the notice that a pause ended automatically, each once. Returns how many.

    Deletes unsent reminders that are no longer true.
    """
    queued = 0
    with transaction.atomic():
        lock_receiving()
        for mail in unsent_reminders():
            if mail.state != MailState.SENDING and not _is_still_valid(mail, now):
                mail.delete()
        due = due_reminder(PauseNotice.load().settings, now)
        if due is not None:
            queued += _queue_once(due.kind.value, due.day, due.deduplication_key, now)
        opened = _opened_by_itself(now)
        if opened is not None:
            day = date.fromisoformat(opened.after["ended_on"])
            queued += _queue_once(_OPENED, day, _opened_key(opened), now)
    return queued


def unsent_reminders() -> QuerySet[OutgoingMail]:
    """Return the unsent reminders."""
    return unsent_without_enquiry().filter(purpose=MailPurpose.PAUSE_REMINDER)


def _is_still_valid(mail: OutgoingMail, now: datetime) -> bool:
    """Whether the reminder matches the current pause."""
    due = due_reminder(PauseNotice.load().settings, now)
    opened = _opened_by_itself(now)
    return mail.deduplication_key in (due and due.deduplication_key, opened and _opened_key(opened))


register(MailPurpose.PAUSE_REMINDER, handling=Handling(addresses=to_supervisor, is_still_valid=_is_still_valid))


def _opened_by_itself(now: datetime) -> PauseChange | None:
    """Return the latest change of the pause if it is a recent automatic opening."""
    latest = PauseChange.objects.first()
    if latest is None or latest.action != PauseAction.OPENED_BY_ITSELF or now - latest.changed_at >= _NEWS_LIFETIME:
        return None
    return latest


def _opened_key(change: PauseChange) -> str:
    return f"{_OPENED}:{change.version}"


def _queue_once(kind: str, day: date, deduplication_key: str, now: datetime) -> bool:
    if OutgoingMail.objects.filter(
        enquiry=None, purpose=MailPurpose.PAUSE_REMINDER, deduplication_key=deduplication_key
    ).exists():
        return False
    subject = _subject(kind, day)
    context = {
        "subject": subject,
        "kind": kind,
        "day": day,
        # Whether the site shows the notice of the return now. The supervisor may have chosen to show none.
        "is_told": pause_state(PauseNotice.load().settings, now) is PauseState.RESUMED,
        "admin_url": settings.SITE_URL + reverse("wagtailadmin_home"),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.PAUSE_REMINDER,
            deduplication_key=deduplication_key,
            recipient=supervisor_address(ContactDetails.load(), IntakeSettings.load()),
            subject=subject,
            context=context,
            template="pause_reminder",
        ),
        now=now,
    )
    return True


def _subject(kind: str, day: date) -> str:
    if kind == ReminderKind.BEFORE:
        return gettext("The pause: the announced day %(day)s is near") % {"day": finnish_day(day)}
    if kind == ReminderKind.OVERDUE:
        return gettext("The pause: the announced day %(day)s has passed") % {"day": finnish_day(day)}
    return gettext("The pause has ended by itself")


def reset_future_moments(*, now: datetime) -> int:
    """Set stored times that lie in the future to `now`, when such times have existed for CLOCK_TRUSTED_AFTER.

    They were stored while the clock was wrong. Returns how many values changed.
    """
    with transaction.atomic():
        lock_receiving()
        slip = ClockSlip.objects.select_for_update().first()
        if not _has_future_moments(now):
            ClockSlip.objects.all().delete()
            return 0
        if slip is None or is_from_future(slip.seen_at, now):
            ClockSlip.objects.update_or_create(pk=1, defaults={"seen_at": now})
            return 0
        if now - slip.seen_at < CLOCK_TRUSTED_AFTER:
            return 0
        changed = sum(
            model._default_manager.filter(_is_in_future(name, now)).update(**{name: now})
            for model, names in _TIME_FIELDS
            for name in names
        )
        changed += _reset_future_closing(now)
        changed += InitialMapping.objects.filter(_expires_too_late(now)).update(expires_at=expiry(now))
        slip.delete()
        return changed


def _has_future_moments(now: datetime) -> bool:
    moments = (
        (model, _is_in_future(name, now))
        for model, names in (*_TIME_FIELDS, (Enquiry, ("closed_at",)))
        for name in names
    )
    conditions: list[tuple[Any, Q]] = [*moments, (InitialMapping, _expires_too_late(now))]
    return any(model._default_manager.filter(condition).exists() for model, condition in conditions)


def _is_in_future(name: str, now: datetime) -> Q:
    return Q(**{f"{name}__gt": now + CLOCK_TOLERANCE})


def _expires_too_late(now: datetime) -> Q:
    """Return the condition that a mapping expires later than one that begins now."""
    return Q(expires_at__gt=expiry(now + CLOCK_TOLERANCE))


def _reset_future_closing(now: datetime) -> int:
    """Set future closing times to `now`. The removal date is recomputed and never moves later."""
    closed = Enquiry.objects.select_for_update().filter(_is_in_future("closed_at", now))
    changed = 0
    for enquiry in closed.only("pk", "outcome", "remove_on", "shown_retention_months", "shown_spam_days").iterator():
        day = removal_date(closed_at=now, outcome=enquiry.outcome, times=retention_times_for(enquiry))
        days = [one for one in (day, enquiry.remove_on) if one is not None]
        changed += Enquiry.objects.filter(pk=enquiry.pk).update(closed_at=now, remove_on=min(days))
    return changed


def deliver_mail(context: JobContext) -> None:
    """Try the due mails, the longest overdue first."""
    deliver_due(must_stop=context.must_stop)


INTAKE_JOBS = (
    Job(name="delivery", title=_("Sending mail"), every=timedelta(seconds=2), run=deliver_mail),
    Job(
        name="pause",
        title=_("Ending a pause that opens by itself"),
        every=_MINUTE,
        run=lambda context: record_elapsed_return(now=context.now),
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
        run=lambda context: queue_due_return_notices(now=context.now),
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
        run=lambda context: ask_or_remove_silent_waiters(now=context.now, each=context.each),
    ),
    Job(
        name="form_proof",
        title=_("Testing the contact form"),
        every=_MINUTE,
        run=lambda context: prove_by_night(now=context.now),
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
        run=lambda context: apply_shortened_times(now=context.now),
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
        run=lambda context: reset_future_moments(now=context.now),
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
        every=timedelta(minutes=10),
        run=lambda context: delete_expired_traces(now=context.now),
    ),
)
