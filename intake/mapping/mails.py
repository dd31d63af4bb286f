"""The mails about a mapping, and the private link in them."""

from datetime import datetime

from django.utils.translation import gettext as _

from intake.choices import MailPurpose
from intake.enquiry.mails import mail_to_sender, mail_to_supervisor
from intake.enquiry.models import Enquiry
from intake.mail.links import PrivateLink
from intake.mail.queue import queue_mail

MAPPING_LINK = PrivateLink(
    name="mapping_link", placeholder="alkukartoituksen-salainen-osoite", view_name="mapping_resume"
)


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
