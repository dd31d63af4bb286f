"""Which mails a visitor may be promised: those that the database holds, and that have not been given up."""

from dataclasses import dataclass

from intake.choices import MailPurpose, MailState
from intake.mapping import private_link as mapping_address
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.waiting import private_link as waiting_address

_CONFIRMATIONS = (MailPurpose.CONFIRMATION, MailPurpose.WAITING_CONFIRMATION)


@dataclass(frozen=True, kw_only=True)
class PromisedMails:
    """What comes, or came, to the sender's e-mail about one enquiry: a confirmation, and the private links in it."""

    confirmation: bool = False
    mapping_link: bool = False
    waiting_link: bool = False


def promised_mails(enquiry: Enquiry) -> PromisedMails:
    """Return what a page may say of the mails to the sender of this enquiry."""
    mails = OutgoingMail.objects.filter(enquiry=enquiry, purpose__in=_CONFIRMATIONS).exclude(state=MailState.FAILED)
    texts = list(mails.values_list("text", flat=True))
    return PromisedMails(
        confirmation=bool(texts),
        mapping_link=any(mapping_address.PLACEHOLDER in text for text in texts),
        waiting_link=any(waiting_address.PLACEHOLDER in text for text in texts),
    )
