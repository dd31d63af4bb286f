"""The mails about a mapping, and the private link in them."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from intake.choices import MailPurpose
from intake.enquiry.mails import admin_url_of
from intake.enquiry.models import Enquiry
from intake.mail.links import PrivateLink
from intake.mail.queue import (
    NewMail,
    queue_mail,
    supervisor_address,
)

MAPPING_LINK = PrivateLink(
    name="mapping_link", placeholder="alkukartoituksen-salainen-osoite", view_name="mapping_resume"
)


def queue_mapping_notification(*, enquiry: Enquiry, now: datetime) -> None:
    """Queue the notification that a mapping was added to an existing enquiry. Only once for each enquiry."""
    queue_mail(
        NewMail(
            enquiry_id=enquiry.pk,
            purpose=MailPurpose.MAPPING_NOTIFICATION,
            recipient=supervisor_address(ContactDetails.load()),
            subject=_("A mapping for the enquiry %(reference)s") % {"reference": enquiry.reference},
            context={"enquiry": enquiry, "sent_at": now, "admin_url": admin_url_of(enquiry)},
        ),
        now=now,
    )


def queue_mapping_link(*, enquiry: Enquiry, works_until: datetime, now: datetime) -> None:
    """Queue a mail to the sender with a private link to the mapping. Contains no text that the sender wrote."""
    details = ContactDetails.load()
    queue_mail(
        NewMail(
            enquiry_id=enquiry.pk,
            purpose=MailPurpose.MAPPING_LINK,
            recipient=enquiry.email,
            reply_to=details.email,
            subject=_("Link to the initial mapping (reference %(reference)s)") % {"reference": enquiry.reference},
            context={
                "enquiry": enquiry,
                "contact_details": details,
                "mapping_url": MAPPING_LINK.url(),
                "works_until": works_until,
                "privacy_url": settings.SITE_URL + details.privacy_url if details.privacy_url else "",
            },
        ),
        now=now,
    )
