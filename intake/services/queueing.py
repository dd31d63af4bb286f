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
# What one mailbox gets in REPLY_WINDOW. Each joining has its own mail, for it is the way off the list; who joins twice,
# or from a +tag, is within this, and who is joined fifty times by somebody else is not.
MAILS_A_DAY = {MailPurpose.CONFIRMATION: 1, MailPurpose.WAITING_CONFIRMATION: 3}


def queue_mails(*, enquiry: Enquiry, pause: PauseStatus, now: datetime) -> None:
    """Queue the notice to the supervisor, and the confirmation of a message where one may be sent.

    Neither holds a word that the sender wrote. A suspicious enquiry sends its sender nothing, and one address gets
    at most one such confirmation a day, so that the form can't be turned on somebody. Who joins the waiting list gets
    another one (intake.services.joining). The caller holds lock_receiving().
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
    if enquiry.kind == Kind.WAITING or enquiry.is_quarantined:
        return
    if not _may_mail(enquiry.email, MailPurpose.CONFIRMATION, now):
        return
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.CONFIRMATION,
        recipient=enquiry.email,
        reply_to=details.email,
        subject=(
            _("Your initial mapping has arrived (reference %(reference)s)")
            if enquiry.kind == Kind.MAPPING
            else _("Your message has arrived (reference %(reference)s)")
        )
        % {"reference": enquiry.reference},
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


def queue_waiting_confirmation(*, place: WaitingPlace, now: datetime) -> bool:
    """Queue the mail that tells somebody that they are on the waiting list, with the link by which they can leave it.

    Once an enquiry, and never about a suspicious one. It does not count as the day's confirmation of a message, nor the
    other way round; a mailbox gets a few a day, so that the form can't be turned on somebody. Returns whether it was
    queued. The caller holds lock_receiving().
    """
    enquiry = place.enquiry
    purpose = MailPurpose.WAITING_CONFIRMATION
    if enquiry.is_quarantined or OutgoingMail.objects.filter(enquiry=enquiry, purpose=purpose).exists():
        return False
    if not _may_mail(enquiry.email, purpose, now):
        return False
    _queue_link_to_place(place, purpose, now)
    return True


def queue_waiting_link(*, place: WaitingPlace, now: datetime) -> None:
    """Queue a mail with a private link to somebody's place on the waiting list, by the supervisor's word."""
    _queue_link_to_place(place, MailPurpose.WAITING_LINK, now)


def _queue_link_to_place(place: WaitingPlace, purpose: MailPurpose, now: datetime) -> None:
    enquiry, details = place.enquiry, ContactDetails.load()
    _queue(
        enquiry=enquiry,
        purpose=purpose,
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


def queue_waiting_answer(
    *, enquiry: Enquiry, is_interested: bool, occasion: str, goes_at: datetime, now: datetime
) -> None:
    """Queue the notice to the supervisor of what somebody on the waiting list has answered. Once an occasion."""
    subject = _("Still interested: %(reference)s") if is_interested else _("Not interested any more: %(reference)s")
    _queue(
        enquiry=enquiry,
        purpose=MailPurpose.WAITING_ANSWER,
        occasion=occasion,
        recipient=supervisor_address(ContactDetails.load()),
        reply_to="",
        subject=subject % {"reference": enquiry.reference},
        context={
            "enquiry": enquiry,
            "is_interested": is_interested,
            "answered_at": now,
            "admin_url": _admin_url(enquiry),
        },
        goes_at=goes_at,
        now=now,
    )


def _admin_url(enquiry: Enquiry) -> str:
    return settings.SITE_URL + reverse("yhteydenotot_modeladmin_inspect", args=[enquiry.pk])


def _queue(
    *,
    enquiry: Enquiry,
    purpose: MailPurpose,
    occasion: str = "",
    recipient: str,
    reply_to: str,
    subject: str,
    context: dict[str, object],
    goes_at: datetime | None = None,
    now: datetime,
) -> None:
    context = {**context, "subject": subject}
    put_in_queue(
        enquiry=enquiry,
        purpose=purpose,
        occasion=occasion,
        recipient=recipient,
        reply_to=reply_to,
        subject=subject,
        text=render_to_string(f"emails/{purpose}.txt", context),
        html=render_to_string(f"emails/{purpose}.html", context),
        goes_at=goes_at,
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


def _may_mail(address: str, purpose: MailPurpose, now: datetime) -> bool:
    """Return whether this mailbox may get an automatic mail of this purpose now, and if so remember that it does.

    Those from the future are a wrong clock's: they must not lock an address for years.
    """
    AutomaticReplyTrace.objects.exclude(
        replied_at__gt=now - REPLY_WINDOW, replied_at__lte=now + CLOCK_TOLERANCE
    ).delete()
    key = mailbox_key(address)
    if AutomaticReplyTrace.objects.filter(recipient_key=key, purpose=purpose).count() >= MAILS_A_DAY[purpose]:
        return False
    AutomaticReplyTrace.objects.create(recipient_key=key, purpose=purpose, replied_at=now)
    return True
