"""Mails that remind the supervisor of the pause."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.pause.models import PauseChange, PauseDeed, PauseNotice
from home.pause.rules import ReminderKind, due_reminder
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
    unsent_of_no_enquiry,
)

# A worker that stood still for longer has nothing new to tell of an opening.
_TOLD_FOR = timedelta(days=7)
_OPENED = "opened"


def remind_of_pause(*, now: datetime) -> int:
    """Queue the reminder that is due, and the word that a pause opened by itself; each once. Returns how many.

    What has not gone out and is not so any more is taken back.
    """
    queued = 0
    with transaction.atomic():
        lock_receiving()
        for mail in unsent_reminders():
            if mail.state != MailState.SENDING and not _is_true(mail, now):
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
    """Return the reminders that no mail server has taken yet."""
    return unsent_of_no_enquiry().filter(purpose=MailPurpose.PAUSE_REMINDER)


def _is_true(mail: OutgoingMail, now: datetime) -> bool:
    """Whether the pause still stands as the reminder says: one for another day, or an earlier one, is not."""
    due = due_reminder(PauseNotice.load().settings, now)
    opened = _opened_by_itself(now)
    return mail.deduplication_key in (due and due.deduplication_key, opened and _opened_key(opened))


register(MailPurpose.PAUSE_REMINDER, handling=Handling(addresses=to_supervisor, is_true=_is_true))


def _opened_by_itself(now: datetime) -> PauseChange | None:
    """Return the latest opening by the clock, as long as it is news and no change of the pause has followed."""
    latest = PauseChange.objects.first()
    if latest is None or latest.deed != PauseDeed.OPENED_BY_ITSELF or now - latest.changed_at >= _TOLD_FOR:
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
        "admin_url": settings.SITE_URL + reverse("wagtailadmin_home"),
    }
    queue_mail(
        NewMail(
            purpose=MailPurpose.PAUSE_REMINDER,
            deduplication_key=deduplication_key,
            recipient=supervisor_address(ContactDetails.load()),
            subject=subject,
            context=context,
            template="pause_reminder",
        ),
        now=now,
    )
    return True


def _subject(kind: str, day: date) -> str:
    if kind == ReminderKind.BEFORE:
        return _("The pause: the announced day %(day)s is near") % {"day": date_format(day, "j.n.Y")}
    if kind == ReminderKind.OVERDUE:
        return _("The pause: the announced day %(day)s has passed") % {"day": date_format(day, "j.n.Y")}
    return _("The pause has ended by itself")
