"""What becomes of the mails to the waiting list when their enquiry is removed and its mailbox waits on."""

from datetime import datetime

from intake.choices import MailPurpose, MailState
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import WaitingPlace
from intake.services.list_places import tellable_places
from intake.services.return_mails import LIST_PURPOSES
from intake.services.returning import withdraw_notice

_OF_RETURN = (MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER)


def pass_on_mails(*, enquiry: Enquiry, now: datetime) -> None:
    """Hang them from another place of the same mailbox, so that it is neither told twice nor closed untold.

    Where there is none, a notice that has not gone out is not counted as told. In the caller's transaction, which holds
    lock_receiving() and the enquiries of the mailbox.
    """
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None:
        return
    if place.plan is not None and _was_handed_over(enquiry):
        # Nobody tells the mailbox a second time for the same return.
        WaitingPlace.objects.filter(mailbox_key=place.mailbox_key, plan=None).update(plan=place.plan)
    heirs = tellable_places().filter(mailbox_key=place.mailbox_key).exclude(pk=place.pk).order_by("rank")
    for mail in OutgoingMail.objects.filter(enquiry=enquiry, purpose__in=LIST_PURPOSES):
        of_return = mail.purpose in _OF_RETURN
        told = heirs.filter(plan=place.plan).exclude(called_at=None)
        heir = (told if of_return else heirs.filter(called_at=None)).select_related("enquiry").first()
        if heir is not None and not _has(heir, mail):
            mail.enquiry, mail.recipient = heir.enquiry, heir.enquiry.email
            mail.save(update_fields=["enquiry", "recipient"])
        elif mail.purpose == MailPurpose.RETURN_NOTICE and _is_unhanded(mail):
            withdraw_notice(mail=mail, by=None, now=now)


def _was_handed_over(enquiry: Enquiry) -> bool:
    notices = OutgoingMail.objects.filter(enquiry=enquiry, purpose=MailPurpose.RETURN_NOTICE)
    return any(not _is_unhanded(mail) for mail in notices)


def _has(heir: WaitingPlace, mail: OutgoingMail) -> bool:
    return OutgoingMail.objects.filter(enquiry=heir.enquiry_id, purpose=mail.purpose, occasion=mail.occasion).exists()


def _is_unhanded(mail: OutgoingMail) -> bool:
    return mail.state in (MailState.QUEUED, MailState.SENDING) and mail.handed_at is None
