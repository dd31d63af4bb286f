"""The mails to and about people on the waiting list."""

from dataclasses import replace
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.pause.models import PauseNotice
from intake.choices import MailPurpose
from intake.enquiry.mails import as_test, facts_of_practice, mail_to_sender, mail_to_supervisor
from intake.enquiry.models import Enquiry
from intake.mail.models import OutgoingMail
from intake.mail.queue import NewMail, PrivateLink, claim_automatic_mail, queue_mail
from intake.mailbox import mailbox_key
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.rules import last_day_without_mail, removed_unless_confirmed

WAITING_LINK = PrivateLink(name="waiting_link", placeholder="odotuslistan-salainen-osoite", view_name="waiting_answer")


LIST_PURPOSES = (
    MailPurpose.RETURN_NOTICE,
    MailPurpose.RETURN_REMINDER,
    MailPurpose.STILL_WAITING,
    MailPurpose.REMOVAL_NOTICE,
)


def return_notice_preview(plan: ReturnPlan, *, now: datetime) -> NewMail:
    """Return the notice as it would be queued, without a recipient; the plan may be unsaved.

    The notice names an announced pause. During a pause no notice is sent.
    """
    pause = PauseNotice.load().status(now=now)
    words = {
        "answer_url": WAITING_LINK.url(),
        "greeting": plan.greeting.strip(),
        "answer_days": plan.answer_days,
        "pause_note": "" if pause.is_paused else pause.answer_note,
    }
    return _list_mail(MailPurpose.RETURN_NOTICE, words)


def queue_return_notice(*, plan: ReturnPlan, place: WaitingPlace, now: datetime) -> None:
    """Queue the notice of the return. Only one for each enquiry and plan."""
    _queue_to_place(return_notice_preview(plan, now=now), place, plan_key(plan.pk), now)


def queue_return_reminder(*, plan: ReturnPlan, place: WaitingPlace, now: datetime) -> None:
    """Queue the reminder of the notice. It names the same number of days to answer as the notice."""
    words = {"answer_url": WAITING_LINK.url(), "answer_days": place.answer_days}
    _queue_to_place(_list_mail(MailPurpose.RETURN_REMINDER, words), place, plan_key(plan.pk), now)


def queue_still_waiting(*, place: WaitingPlace, is_last: bool, months: int, now: datetime) -> None:
    """Queue the question whether somebody is still waiting.

    `is_last`: the mail announces the removal; otherwise it announces the next question. `months`: how long until then.
    """
    words = {"answer_url": WAITING_LINK.url(), "is_last": is_last, "months": months}
    mail = _list_mail(MailPurpose.STILL_WAITING, words)
    _queue_to_place(mail, place, _day_key(now), now)


def queue_removal_notice(*, place: WaitingPlace, now: datetime) -> None:
    """Queue the notice that the details are removed. It has no private link, which would no longer work."""
    contact_url = settings.SITE_URL + (ContactDetails.load().contact_url or "/")
    _queue_to_place(_list_mail(MailPurpose.REMOVAL_NOTICE, {"contact_url": contact_url}), place, _day_key(now), now)


def plan_key(plan_id: int) -> str:
    """Return the deduplication key of a plan's notices and reminders."""
    return f"plan-{plan_id}"


def _day_key(now: datetime) -> str:
    return timezone.localdate(now).isoformat()


def _list_mail(purpose: MailPurpose, words: dict[str, object]) -> NewMail:
    details = ContactDetails.load()
    return NewMail(
        purpose=purpose,
        recipient="",
        reply_to=details.email,
        subject=_subject(purpose),
        context={**words, **facts_of_practice(details)},
    )


def _subject(purpose: MailPurpose) -> str:
    if purpose == MailPurpose.RETURN_NOTICE:
        return _("Aijuu has free times again: are you still interested?")
    if purpose == MailPurpose.RETURN_REMINDER:
        return _("Reminder: are you still interested in work supervision?")
    if purpose == MailPurpose.STILL_WAITING:
        return _("Do you still want to be on Aijuu's waiting list?")
    return _("You are no longer on Aijuu's waiting list")


def _queue_to_place(mail: NewMail, place: WaitingPlace, key: str, now: datetime) -> None:
    enquiry = place.enquiry
    queue_mail(replace(mail, recipient=enquiry.email, enquiry_id=enquiry.pk, deduplication_key=key), now=now)


def queue_waiting_confirmation(*, place: WaitingPlace, now: datetime) -> bool:
    """Queue the confirmation of a place, with the link to leave the waiting list. Returns whether it was queued.

    Only once for each enquiry, and not for a suspicious one. It has a daily limit for each mailbox, so that the form
    can't be used to flood somebody; confirmations of messages are counted separately. The caller holds
    lock_receiving().
    """
    enquiry = place.enquiry
    purpose = MailPurpose.WAITING_CONFIRMATION
    if enquiry.is_quarantined or OutgoingMail.objects.filter(enquiry=enquiry, purpose=purpose).exists():
        return False
    if not claim_automatic_mail(mailbox_key(enquiry.email), purpose, now):
        return False
    day = last_day_without_mail(confirmed_at=place.confirmed_at, months=place.months)
    _queue_link_to_place(place, purpose, day, now)
    return True


def queue_test_confirmation(*, enquiry: Enquiry, months: int, now: datetime) -> None:
    """Queue the confirmation for a test letter, which has no place on the list. The place made here is not stored."""
    place = WaitingPlace(enquiry=enquiry, months=months)
    day = last_day_without_mail(confirmed_at=now, months=months)
    _queue_link_to_place(place, MailPurpose.WAITING_CONFIRMATION, day, now)


def queue_waiting_link(*, place: WaitingPlace, removed_on: date | None, now: datetime) -> None:
    """Queue a mail with a new private link to a place, at the supervisor's request.

    `removed_on`: when the place is removed if no answer comes (intake.waiting.reading); None if it is not removed.
    """
    _queue_link_to_place(place, MailPurpose.WAITING_LINK, removed_on, now)


def _queue_link_to_place(place: WaitingPlace, purpose: MailPurpose, removed_on: date | None, now: datetime) -> None:
    mail = link_mail(place=place, purpose=purpose, removed_on=removed_on)
    queue_mail(replace(mail, subject=as_test(mail.subject)) if place.enquiry.is_proof else mail, now=now)


def link_mail(*, place: WaitingPlace, purpose: MailPurpose, removed_on: date | None) -> NewMail:
    """Return a mail with the private link. It is rendered again before each attempt (intake.waiting.reading)."""
    return mail_to_sender(
        place.enquiry,
        purpose,
        subject=_("You are on the waiting list (reference %(reference)s)"),
        context={
            "wants_mail": place.wants_mail,
            "is_told": place.notified_at is not None,
            "months": place.months,
            "kept_while_waiting": removed_unless_confirmed(removed_on),
            "answer_url": WAITING_LINK.url(),
        },
    )


def queue_waiting_answer(
    *, enquiry: Enquiry, is_interested: bool, deduplication_key: str, goes_at: datetime, now: datetime
) -> None:
    """Queue the notification of an answer that is given `now` to the supervisor. Only one is queued for each key."""
    mail = _answer_mail(enquiry, is_interested=is_interested, answered_at=now)
    queue_mail(replace(mail, deduplication_key=deduplication_key, goes_at=goes_at), now=now)


def reassign_sent_answer(*, mail: OutgoingMail, enquiry: Enquiry, is_interested: bool) -> None:
    """Reassign a sent notification to another enquiry to which the answer also applied, and render it for that one."""
    about = _answer_mail(enquiry, is_interested=is_interested, answered_at=mail.created_at)
    mail.enquiry_id, mail.subject, mail.text, mail.html = enquiry.pk, about.subject, about.text, about.html
    mail.save(update_fields=["enquiry", "subject", "text", "html"])


def _answer_mail(enquiry: Enquiry, *, is_interested: bool, answered_at: datetime) -> NewMail:
    return mail_to_supervisor(
        enquiry,
        MailPurpose.WAITING_ANSWER,
        subject=_("Still interested: %(reference)s") if is_interested else _("Not interested any more: %(reference)s"),
        context={"is_interested": is_interested, "answered_at": answered_at},
    )
