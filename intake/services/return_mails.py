"""The mails to those on the waiting list: of the return, its reminder, "still waiting?" and the last note.

None holds a word that a visitor wrote, nor anything else of one enquiry, so that a preview shows exactly what goes out,
and a mail stays true when it passes to another enquiry of the same mailbox.
"""

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from home.models import ContactDetails
from intake.choices import MailPurpose
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.outbox import put_in_queue
from intake.waiting.private_link import address_to_answer

LIST_PURPOSES = (
    MailPurpose.RETURN_NOTICE,
    MailPurpose.RETURN_REMINDER,
    MailPurpose.STILL_WAITING,
    MailPurpose.LAST_NOTE,
)


def return_notice_preview(plan: ReturnPlan) -> tuple[str, str, str]:
    """Return (subject, text, html) of the notice as it will be queued; the plan need not be saved."""
    return _rendered(MailPurpose.RETURN_NOTICE, _return_words(plan))


def queue_return_notice(*, plan: ReturnPlan, place: WaitingPlace, now: datetime) -> None:
    """Queue the notice of the return. One to an enquiry and plan."""
    _queue(MailPurpose.RETURN_NOTICE, place, plan_occasion(plan.pk), return_notice_preview(plan), now)


def queue_return_reminder(*, plan: ReturnPlan, place: WaitingPlace, now: datetime) -> None:
    """Queue the one reminder of the notice."""
    words = _rendered(MailPurpose.RETURN_REMINDER, _return_words(plan))
    _queue(MailPurpose.RETURN_REMINDER, place, plan_occasion(plan.pk), words, now)


def queue_still_waiting(*, place: WaitingPlace, is_last: bool, now: datetime) -> None:
    """Queue the question whether somebody is still waiting; `is_last` says what follows silence."""
    words = _rendered(MailPurpose.STILL_WAITING, {"answer_url": address_to_answer(), "is_last": is_last})
    _queue(MailPurpose.STILL_WAITING, place, _day_occasion(now), words, now)


def queue_last_note(*, place: WaitingPlace, now: datetime) -> None:
    """Queue the note that the details are removed. It has no link: nothing is left that it could lead to."""
    words = _rendered(
        MailPurpose.LAST_NOTE, {"contact_url": settings.SITE_URL + (ContactDetails.load().contact_url or "/")}
    )
    _queue(MailPurpose.LAST_NOTE, place, _day_occasion(now), words, now)


def plan_occasion(plan_id: int) -> str:
    """Return what tells one plan's notices and reminders from another's."""
    return f"plan-{plan_id}"


def _day_occasion(now: datetime) -> str:
    return timezone.localdate(now).isoformat()


def _return_words(plan: ReturnPlan) -> dict[str, object]:
    return {"answer_url": address_to_answer(), "greeting": plan.greeting.strip(), "answer_days": plan.answer_days}


def _rendered(purpose: MailPurpose, words: dict[str, object]) -> tuple[str, str, str]:
    details = ContactDetails.load()
    subject = _subject(purpose)
    context = {
        **words,
        "subject": subject,
        "contact_details": details,
        "privacy_url": settings.SITE_URL + details.privacy_url if details.privacy_url else "",
    }
    text = render_to_string(f"emails/{purpose}.txt", context)
    return subject, text, render_to_string(f"emails/{purpose}.html", context)


def _subject(purpose: MailPurpose) -> str:
    if purpose == MailPurpose.RETURN_NOTICE:
        return _("Aijuu has returned from its break: are you still interested?")
    if purpose == MailPurpose.RETURN_REMINDER:
        return _("Reminder: are you still interested in work supervision?")
    if purpose == MailPurpose.STILL_WAITING:
        return _("Do you still want to be on Aijuu's waiting list?")
    return _("You are no longer on Aijuu's waiting list")


def _queue(
    purpose: MailPurpose, place: WaitingPlace, occasion: str, words: tuple[str, str, str], now: datetime
) -> OutgoingMail:
    subject, text, html = words
    return put_in_queue(
        enquiry=place.enquiry,
        purpose=purpose,
        occasion=occasion,
        recipient=place.enquiry.email,
        reply_to=ContactDetails.load().email,
        subject=subject,
        text=text,
        html=html,
        now=now,
    )
