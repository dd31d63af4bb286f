"""Putting a mail that is written out into the queue."""

from datetime import datetime
from email.utils import make_msgid, parseaddr

from django.conf import settings
from django.db.models import QuerySet

from intake.choices import MailPurpose, MailState
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail


def unsent_of_no_enquiry() -> QuerySet[OutgoingMail]:
    """Return the mails about no enquiry that no mail server has taken yet: no enquiry's page tells of them."""
    return OutgoingMail.objects.filter(enquiry=None).exclude(state=MailState.SENT)


def put_in_queue(
    *,
    enquiry: Enquiry | None,
    purpose: MailPurpose,
    occasion: str = "",
    recipient: str,
    reply_to: str,
    subject: str,
    text: str,
    html: str,
    goes_at: datetime | None = None,
    now: datetime,
) -> OutgoingMail:
    """Queue a mail about an enquiry, or about none, in the caller's transaction; it goes at once, or at `goes_at`."""
    return OutgoingMail.objects.create(
        enquiry=enquiry,
        purpose=purpose,
        occasion=occasion,
        recipient=recipient,
        reply_to=reply_to,
        subject=subject,
        text=text,
        html=html,
        message_id=make_msgid(domain=parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or None),
        state=MailState.QUEUED,
        created_at=now,
        next_attempt_at=goes_at or now,
    )
