"""The mails about a mapping, and the private link in them."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from intake.choices import MailPurpose
from intake.enquiry.mails import facts_of_practice, mail_to_sender, mail_to_supervisor
from intake.enquiry.models import Enquiry
from intake.mail.models import OutgoingMail
from intake.mail.queue import NewMail, PrivateLink, queue_mail
from intake.mapping.models import InitialMapping

MAPPING_LINK = PrivateLink(
    name="mapping_link", placeholder="alkukartoituksen-salainen-osoite", view_name="mapping_resume"
)


def resume_mails(mapping_id: int) -> QuerySet[OutgoingMail]:
    """Return the unsent mail with the link of a mapping without a message, if there is one."""
    key = str(mapping_id)
    return OutgoingMail.objects.filter(enquiry=None, purpose=MailPurpose.MAPPING_RESUME, deduplication_key=key)


def draft_of(mail: OutgoingMail) -> InitialMapping | None:
    """Return the unsent mapping of a mail of resume_mails(); None if it was sent or removed."""
    drafts = InitialMapping.objects.filter(pk=int(mail.deduplication_key), enquiry=None, parallel_to=None, sent_at=None)
    return drafts.first()


def queue_resume_link(*, mapping: InitialMapping, now: datetime) -> None:
    """Queue a mail with a private link to a mapping without a message. Contains no text that the sender wrote."""
    details = ContactDetails.load()
    mail = NewMail(
        purpose=MailPurpose.MAPPING_RESUME,
        recipient=mapping.facts["email"],
        reply_to=details.email,
        subject=_("Go on with the initial mapping by this link"),
        context={
            "mapping_url": MAPPING_LINK.url(),
            "works_until": mapping.expires_at,
            **facts_of_practice(details),
        },
        deduplication_key=str(mapping.pk),
    )
    queue_mail(mail, now=now)


def queue_mapping_notification(*, enquiry: Enquiry, now: datetime) -> None:
    """Queue the notification that a mapping was added to an existing enquiry. Only once for each enquiry."""
    mail = mail_to_supervisor(
        enquiry,
        MailPurpose.MAPPING_NOTIFICATION,
        subject=_("A mapping for the enquiry %(reference)s"),
        context={"sent_at": now},
    )
    queue_mail(mail, now=now)


def queue_mapping_link(*, enquiry: Enquiry, works_until: datetime, now: datetime) -> None:
    """Queue a mail to the sender with a private link to the mapping. Contains no text that the sender wrote."""
    mail = mail_to_sender(
        enquiry,
        MailPurpose.MAPPING_LINK,
        subject=_("Link to the initial mapping (reference %(reference)s)"),
        context={"mapping_url": MAPPING_LINK.url(), "works_until": works_until},
    )
    queue_mail(mail, now=now)
