"""Writing out the mails about an enquiry and putting them in the queue, in the enquiry's own transaction."""

from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from home.models import ContactDetails
from home.pause import FormMode, PauseStatus
from intake.choices import Kind, MailPurpose
from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.mailbox import mailbox_key
from intake.mapping.private_link import address_to_fill, mapping_is_offered
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.settings import IntakeSettings
from intake.models.traces import AutomaticReplyTrace
from intake.models.waiting import WaitingPlace
from intake.notices import kept_while_waiting
from intake.services.mail_purposes import Addresses, Handling, enquiry_of, register
from intake.services.outbox import put_in_queue
from intake.waiting.private_link import address_to_answer

REPLY_WINDOW = timedelta(days=1)


def queue_mails(*, enquiry: Enquiry, pause: PauseStatus, now: datetime) -> None:
    """Queue the notice to the supervisor, and the confirmation to the sender where one may be sent.

    Neither holds a word that the sender wrote. A suspicious enquiry sends its sender nothing, and one address gets
    at most one automatic mail a day, so that the form can't be turned on somebody.
    """
    details = ContactDetails.load()
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.NOTIFICATION,
        recipient=supervisor_address(details),
        reply_to="",
        subject=_("New enquiry %(reference)s") % {"reference": enquiry.reference},
        context={
            "enquiry": enquiry,
            "admin_url": _admin_url(enquiry),
        },
        now=now,
    )
    if enquiry.is_quarantined or not _may_reply(enquiry.email, now):
        return
    if enquiry.kind == Kind.WAITING:
        _queue_waiting_confirmation(enquiry, details, now)
        return
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.CONFIRMATION,
        recipient=enquiry.email,
        reply_to=details.email,
        subject=_("Your message has arrived (reference %(reference)s)") % {"reference": enquiry.reference},
        context={
            "enquiry": enquiry,
            "contact_details": details,
            "pause": pause,
            "mapping_url": address_to_fill() if _leads_to_mapping(enquiry, pause) else "",
            "privacy_url": settings.SITE_URL + details.privacy_url if details.privacy_url else "",
        },
        now=now,
    )


def _leads_to_mapping(enquiry: Enquiry, pause: PauseStatus) -> bool:
    """Not while the contact page takes nobody: who only wrote in a pause is not asked to begin."""
    return enquiry.kind == Kind.CONTACT and pause.form_mode == FormMode.AS_USUAL and mapping_is_offered()


def _queue_waiting_confirmation(enquiry: Enquiry, details: ContactDetails, now: datetime) -> None:
    place = WaitingPlace.objects.get(enquiry=enquiry)
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.CONFIRMATION,
        template="waiting_confirmation",
        recipient=enquiry.email,
        reply_to=details.email,
        subject=_("You are on the waiting list (reference %(reference)s)") % {"reference": enquiry.reference},
        context={
            "enquiry": enquiry,
            "contact_details": details,
            "wants_mail": place.wants_mail,
            "kept_while_waiting": kept_while_waiting(place.months),
            "answer_url": address_to_answer(),
            "privacy_url": settings.SITE_URL + details.privacy_url if details.privacy_url else "",
        },
        now=now,
    )


def queue_mapping_notification(*, enquiry: Enquiry, now: datetime) -> None:
    """Queue the notice to the supervisor that an enquiry she has already got a mapping. Once an enquiry."""
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.MAPPING_NOTIFICATION,
        recipient=supervisor_address(ContactDetails.load()),
        reply_to="",
        subject=_("A mapping for the enquiry %(reference)s") % {"reference": enquiry.reference},
        context={"enquiry": enquiry, "sent_at": now, "admin_url": _admin_url(enquiry)},
        now=now,
    )


def queue_mapping_link(*, enquiry: Enquiry, works_until: datetime, now: datetime) -> None:
    """Queue a mail to the sender with a private link to the mapping. Holds no word that the sender wrote."""
    details = ContactDetails.load()
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.MAPPING_LINK,
        recipient=enquiry.email,
        reply_to=details.email,
        subject=_("Link to the initial mapping (reference %(reference)s)") % {"reference": enquiry.reference},
        context={
            "enquiry": enquiry,
            "contact_details": details,
            "mapping_url": address_to_fill(),
            "works_until": works_until,
            "privacy_url": settings.SITE_URL + details.privacy_url if details.privacy_url else "",
        },
        now=now,
    )


def queue_waiting_answer(*, enquiry: Enquiry, occasion: str, now: datetime) -> None:
    """Queue the notice to the supervisor that somebody on the waiting list is still interested. Once an occasion."""
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.WAITING_ANSWER,
        occasion=occasion,
        recipient=supervisor_address(ContactDetails.load()),
        reply_to="",
        subject=_("Still interested: %(reference)s") % {"reference": enquiry.reference},
        context={"enquiry": enquiry, "answered_at": now, "admin_url": _admin_url(enquiry)},
        now=now,
    )


def _admin_url(enquiry: Enquiry) -> str:
    return settings.SITE_URL + reverse("yhteydenotot_modeladmin_inspect", args=[enquiry.pk])


def _queue(
    *,
    enquiry: Enquiry,
    purpose: MailPurpose,
    occasion: str = "",
    template: str = "",
    recipient: str,
    reply_to: str,
    subject: str,
    context: dict[str, object],
    now: datetime,
) -> None:
    put_in_queue(
        enquiry=enquiry,
        purpose=purpose,
        occasion=occasion,
        recipient=recipient,
        reply_to=reply_to,
        subject=subject,
        text=render_to_string(f"emails/{template or purpose}.txt", context),
        html=render_to_string(f"emails/{template or purpose}.html", context),
        now=now,
    )


def supervisor_address(details: ContactDetails) -> str:
    return IntakeSettings.load().notification_email or details.email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def to_supervisor(_mail: OutgoingMail) -> Addresses:
    """Return the addresses of a mail to the supervisor, as she has set them now."""
    return Addresses(recipient=supervisor_address(ContactDetails.load()))


def to_sender(mail: OutgoingMail) -> Addresses:
    """Return the addresses of a mail to whoever sent the enquiry, as they are now. Answers go to the supervisor."""
    return Addresses(recipient=enquiry_of(mail).email, reply_to=ContactDetails.load().email)


register(
    MailPurpose.NOTIFICATION,
    MailPurpose.MAPPING_NOTIFICATION,
    MailPurpose.WAITING_ANSWER,
    handling=Handling(addresses=to_supervisor),
)
register(MailPurpose.CONFIRMATION, MailPurpose.MAPPING_LINK, handling=Handling(addresses=to_sender))


def _may_reply(address: str, now: datetime) -> bool:
    """Return whether this address may get an automatic mail now, and if so remember that it does."""
    # Those from the future are a wrong clock's: they must not lock an address for years.
    AutomaticReplyTrace.objects.exclude(
        replied_at__gt=now - REPLY_WINDOW, replied_at__lte=now + CLOCK_TOLERANCE
    ).delete()
    _trace, is_first = AutomaticReplyTrace.objects.get_or_create(
        recipient_key=mailbox_key(address), defaults={"replied_at": now}
    )
    return is_first
