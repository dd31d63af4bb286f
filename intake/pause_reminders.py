"""Mails that remind the supervisor of the pause."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.dates import finnish_day
from home.pause.models import PauseAction, PauseChange, PauseNotice
from home.pause.rules import PauseState, ReminderKind, due_reminder, pause_state
from intake.choices import MailPurpose, MailState
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mail.queue import (
    Handling,
    NewMail,
    queue_mail,
    register,
    supervisor_address,
    to_supervisor,
    unsent_without_enquiry,
)
from intake.settings import IntakeSettings

# The supervisor is not told of an automatic opening that is older than this.
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
        # No notice of the return is shown where none was wished for.
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
        return _("The pause: the announced day %(day)s is near") % {"day": finnish_day(day)}
    if kind == ReminderKind.OVERDUE:
        return _("The pause: the announced day %(day)s has passed") % {"day": finnish_day(day)}
    return _("The pause has ended by itself")
