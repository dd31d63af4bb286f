"""The last look at a mail to the waiting list before a mail server gets it: is it still so what it says?"""

from datetime import datetime, timedelta

from django.db import transaction

from intake.choices import MailPurpose, MailState
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.services.list_places import is_paused, tellable_places
from intake.services.locks import lock_receiving
from intake.services.return_mails import plan_occasion
from intake.services.returning import take_back_question, withdraw_notice

_OF_RETURN = (MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER)
_HOLD_FOR = timedelta(hours=1)


def hand_over(*, mail: OutgoingMail, now: datetime) -> bool:
    """Say that the mail server is about to get this mail, which the caller has claimed; False where it must not.

    Who was taken from the list, has answered or was removed gets none: the mail is taken back. During a pause, what
    tells of the return is held. From True on nobody knows whether the mail has gone out, until the server answers.
    """
    with transaction.atomic():
        lock_receiving()
        list(Enquiry.objects.select_for_update(of=("self",)).filter(mails=mail.pk))
        claimed = OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
        # No row: withdrawn, removed, or claimed by another worker after this one slept.
        ours = claimed.select_for_update().filter(handed_at=None).first()
        if ours is None:
            return False
        if not _is_still_so(ours):
            _take_back(ours, now)
            return False
        if ours.purpose in _OF_RETURN and is_paused(now):
            claimed.update(state=MailState.QUEUED, next_attempt_at=now + _HOLD_FOR)
            return False
        claimed.update(handed_at=now)
    return True


def _is_still_so(mail: OutgoingMail) -> bool:
    place = tellable_places().filter(enquiry=mail.enquiry_id).first()
    if place is None:
        return False
    if mail.purpose in _OF_RETURN:
        return place.called_at is not None and mail.occasion == plan_occasion(place.plan_id or 0)
    return place.called_at is None and place.confirmed_at < mail.created_at


def _take_back(mail: OutgoingMail, now: datetime) -> None:
    if mail.purpose == MailPurpose.RETURN_NOTICE:
        withdraw_notice(mail=mail, by=None, now=now)
    else:
        take_back_question(mail)
