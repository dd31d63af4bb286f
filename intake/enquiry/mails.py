"""The mails about an enquiry."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.dates import finnish_moment
from home.pause.models import PauseNotice
from home.pause.wording import PauseStatus
from intake.choices import Kind, MailPurpose, MailState, StepKind
from intake.enquiry.models import Enquiry, EnquiryStep, enquiry_url
from intake.mail.models import OutgoingMail
from intake.mail.queue import (
    Addresses,
    Handling,
    NewMail,
    PrivateLink,
    claim_automatic_mail,
    links_in,
    mail_row,
    register,
    supervisor_address,
    to_supervisor,
)
from intake.settings import IntakeSettings

# Placeholders in a rendered mail for the primary key and the reference of an enquiry that is not stored yet. Such a
# mail contains no text that a visitor wrote, so nobody can type a placeholder into it.
_ID_PLACEHOLDER = "9" * 18
_REFERENCE_PLACEHOLDER = "viitenumeron-paikka"
# How long a process caches rendered texts. They state the time of arrival to the minute.
_TEXTS_KEPT = timedelta(minutes=1)
_CONFIRMATIONS = (MailPurpose.CONFIRMATION, MailPurpose.WAITING_CONFIRMATION)

NextStep = Callable[[Enquiry, PauseStatus], PrivateLink | None]
_next_steps: list[NextStep] = []


def offer_next_step(offer: NextStep) -> NextStep:
    """Register a next step for the confirmation: a function that returns its link, or None if it does not apply."""
    _next_steps.append(offer)
    return offer


@dataclass(frozen=True, kw_only=True)
class ReadyMails:
    """The rendered mails about an enquiry that is about to be stored. `confirmation`: None if none may be sent."""

    notification: OutgoingMail
    confirmation: OutgoingMail | None


def render_mails(
    *, enquiry: Enquiry, details: ContactDetails, chosen: IntakeSettings, pause: PauseStatus, now: datetime
) -> ReadyMails:
    """Render the notification to the supervisor, and the confirmation to the sender, of an unsaved enquiry.

    Neither contains text that the sender wrote. A suspicious enquiry gets no confirmation. The waiting list has its own
    confirmation (intake.waiting.places).
    """
    # Many enquiries have the same mails except for the reference, so rendered texts are cached. The templates get
    # nothing that a sender typed, because another sender may get the same text.
    any_enquiry = Enquiry(
        reference=_REFERENCE_PLACEHOLDER, kind=enquiry.kind, verdict=enquiry.verdict, received_at=enquiry.received_at
    )
    notification = mail_to_supervisor(
        any_enquiry,
        MailPurpose.NOTIFICATION,
        recipient=supervisor_address(details, chosen),
        subject=_("New enquiry %(reference)s"),
        context={},
    )
    next_step = _next_step(enquiry, pause)
    # Everything that the rendered texts depend on, except what the placeholders stand for.
    facts = (
        *(finnish_moment(enquiry.received_at), enquiry.kind, enquiry.verdict, pause.answer_note, next_step),
        *(getattr(details, field.attname) for field in details._meta.concrete_fields),
    )
    ready = _rendered(notification, facts, enquiry, now)
    if enquiry.kind == Kind.WAITING or enquiry.is_quarantined:
        return ReadyMails(notification=ready, confirmation=None)
    confirmation = _confirmation(any_enquiry, details=details, pause=pause, next_step=next_step)
    facts = (*facts, confirmation.context["privacy_url"])
    return ReadyMails(notification=ready, confirmation=_rendered(confirmation, facts, enquiry, now))


def _next_step(enquiry: Enquiry, pause: PauseStatus) -> PrivateLink | None:
    return next((link for offer in _next_steps if (link := offer(enquiry, pause))), None)


def _confirmation(
    enquiry: Enquiry, *, details: ContactDetails, pause: PauseStatus, next_step: PrivateLink | None
) -> NewMail:
    return mail_to_sender(
        enquiry,
        MailPurpose.CONFIRMATION,
        details=details,
        subject=(
            _("Your initial mapping has arrived (reference %(reference)s)")
            if enquiry.kind == Kind.MAPPING
            else _("Your message has arrived (reference %(reference)s)")
        ),
        context={
            "answer_note": pause.answer_note,
            "mapping_url": next_step.url() if next_step else "",
            # A placeholder, filled in on sending like the secret of the link: the day differs between enquiries.
            "last_day": next_step.last_day if next_step else "",
        },
    )


def _rendered(mail: NewMail, facts: tuple[object, ...], enquiry: Enquiry, now: datetime) -> OutgoingMail:
    """Return the rendered mail with this enquiry's reference. `facts`: everything else that its text depends on."""
    digest = sha256(repr((mail.purpose, mail.subject, get_language(), facts)).encode()).hexdigest()
    texts: Any = cache.get_or_set(f"mail:{digest}", lambda: (mail.text, mail.html), _TEXTS_KEPT.total_seconds())
    subject, text, html = (part.replace(_REFERENCE_PLACEHOLDER, enquiry.reference) for part in (mail.subject, *texts))
    recipient = mail.recipient or enquiry.email
    if enquiry.is_proof:
        subject, recipient = as_test(subject), enquiry.email
    addressed = replace(mail, subject=subject, recipient=recipient)
    return mail_row(addressed, text=text, html=html, now=now)


def as_test(subject: str) -> str:
    """Return the subject, marked as that of a mail about a test letter."""
    return _("Test, needs nothing: %(subject)s") % {"subject": subject}


def queue_mails(mails: ReadyMails, *, enquiry: Enquiry, mailbox_key: str, now: datetime) -> None:
    """Queue the rendered mails of an enquiry that was just stored. The caller holds a lock for this mailbox.

    At most one confirmation a day goes to a mailbox, so that the form can't be used to flood somebody's mailbox. The
    confirmation of a test letter does not count.
    """
    rows = [mails.notification]
    if mails.confirmation and (enquiry.is_proof or claim_automatic_mail(mailbox_key, MailPurpose.CONFIRMATION, now)):
        rows.append(mails.confirmation)
    for row in rows:
        row.enquiry = enquiry
        row.text, row.html = (part.replace(_ID_PLACEHOLDER, str(enquiry.pk)) for part in (row.text, row.html))
    OutgoingMail.objects.bulk_create(rows)


def mail_to_sender(
    enquiry: Enquiry,
    purpose: MailPurpose,
    *,
    details: ContactDetails | None = None,
    subject: str,
    context: dict[str, object],
) -> NewMail:
    """Return a mail to the sender of an enquiry. `subject` may contain "%(reference)s"."""
    details = details or ContactDetails.load()
    return NewMail(
        enquiry_id=enquiry.pk,
        purpose=purpose,
        recipient=enquiry.email,
        reply_to=details.email,
        subject=subject % {"reference": enquiry.reference},
        context={"enquiry": enquiry, **context, **facts_of_practice(details)},
    )


def mail_to_supervisor(
    enquiry: Enquiry,
    purpose: MailPurpose,
    *,
    recipient: str = "",
    subject: str,
    context: dict[str, object],
) -> NewMail:
    """Return a mail to the supervisor about an enquiry. `subject` may contain "%(reference)s"."""
    return NewMail(
        enquiry_id=enquiry.pk,
        purpose=purpose,
        recipient=recipient or supervisor_address(ContactDetails.load(), IntakeSettings.load()),
        subject=subject % {"reference": enquiry.reference},
        context={
            "enquiry": enquiry,
            "admin_url": settings.SITE_URL + enquiry_url("inspect", enquiry.pk or _ID_PLACEHOLDER),
            **context,
        },
    )


def facts_of_practice(details: ContactDetails) -> dict[str, object]:
    """Return the context for the footer of each mail to a visitor."""
    return {
        "contact_details": details,
        "privacy_url": settings.SITE_URL + details.privacy_url if details.privacy_url else "",
    }


@dataclass(frozen=True, kw_only=True)
class PromisedMails:
    """Whether a page may promise the confirmation of an enquiry, and the names of the private links in that mail."""

    confirmation: bool = False
    links: frozenset[str] = frozenset()


def promised_mails(enquiry: Enquiry) -> PromisedMails:
    """Return which mails a page may promise: those that are queued, being sent or sent, but not the failed ones."""
    mails = OutgoingMail.objects.filter(enquiry=enquiry, purpose__in=_CONFIRMATIONS).exclude(state=MailState.FAILED)
    texts = list(mails.values_list("text", flat=True))
    return PromisedMails(confirmation=bool(texts), links=links_in("".join(texts)))


def enquiry_of(mail: OutgoingMail) -> Enquiry:
    """Return the enquiry of a mail. Raises ValueError if it has none."""
    if mail.enquiry is None:
        raise ValueError(f"mail {mail.pk} is about no enquiry")
    return mail.enquiry


def to_sender(mail: OutgoingMail) -> Addresses:
    """Return the sender's current address, and the supervisor's as Reply-To."""
    return Addresses(recipient=enquiry_of(mail).email, reply_to=ContactDetails.load().email)


def _to_supervisor_or_tester(mail: OutgoingMail) -> Addresses:
    """Return the supervisor's address; for a test letter the address in the letter, which gets all its mails."""
    enquiry = enquiry_of(mail)
    return Addresses(recipient=enquiry.email) if enquiry.is_proof else to_supervisor(mail)


register(MailPurpose.NOTIFICATION, handling=Handling(addresses=_to_supervisor_or_tester))
register(MailPurpose.MAPPING_NOTIFICATION, handling=Handling(addresses=to_supervisor))


def _confirmation_texts(mail: OutgoingMail, now: datetime) -> tuple[str, str]:
    """Return the texts, rendered with the current pause, contact details and next step.

    A mail that was queued without a next step gets none: the thank-you page did not promise it. A promised next step is
    left out of an attempt if it does not apply at that time.
    """
    enquiry, details = enquiry_of(mail), ContactDetails.load()
    pause = PauseNotice.load().status(now=now, facebook_url=details.facebook_url)
    next_step = _next_step(enquiry, pause) if links_in(mail.text) else None
    confirmation = _confirmation(enquiry, details=details, pause=pause, next_step=next_step)
    return confirmation.text, confirmation.html


def _is_no_spam(mail: OutgoingMail, _now: datetime) -> bool:
    return not enquiry_of(mail).is_closed_as_spam


def withdraw_as(kind: StepKind) -> Callable[[OutgoingMail, datetime], None]:
    """Return a Handling.withdraw that deletes the mail and adds a step of this kind to the enquiry's history."""

    def withdraw(mail: OutgoingMail, now: datetime) -> None:
        EnquiryStep.objects.create(enquiry=enquiry_of(mail), kind=kind, changed_at=now)
        mail.delete()

    return withdraw


register(
    MailPurpose.CONFIRMATION,
    handling=Handling(
        addresses=to_sender,
        texts=_confirmation_texts,
        is_still_valid=_is_no_spam,
        withdraw=withdraw_as(StepKind.REPLY_WITHDRAWN),
    ),
)
