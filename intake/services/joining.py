"""Giving an enquiry its place in the waiting list."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from intake.choices import Kind, MailPurpose, Status
from intake.mailbox import mailbox_key, same_address
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.settings import IntakeSettings
from intake.models.waiting import WaitingPlace
from intake.services.locks import lock_receiving
from intake.services.mail_purposes import Handling, enquiry_of, register
from intake.services.queueing import queue_waiting_confirmation, to_sender

# The mails with the private link that make an address one the list may write to.
LINK_PURPOSES = (MailPurpose.WAITING_CONFIRMATION, MailPurpose.WAITING_LINK)


def join(*, enquiry: Enquiry, wants_mail: bool, now: datetime) -> WaitingPlace:
    """Return the enquiry's place: the last in the order, or the one it had.

    Who comes back to the list keeps the order and the wish for mail, and waits anew: neither told nor asked yet.
    Whoever joined by themselves, or wishes for mail, gets at once the mail that says so; once an enquiry.
    Lock order is receivers, then enquiry: who holds the enquiry's row has called lock_receiving() before.
    """
    with transaction.atomic():
        lock_receiving()
        earlier = WaitingPlace.objects.select_for_update().filter(enquiry=enquiry).first()
        if earlier:
            wait_anew(earlier, now)
            confirm_joining(enquiry=enquiry, now=now)
            return earlier
        last = WaitingPlace.objects.aggregate(last=Max("rank"))["last"] or 0
        # Who joins again, perhaps while a question is on its way, is known already.
        reached = WaitingPlace.objects.filter(same_address("enquiry__email", enquiry.email)).exclude(reached_at=None)
        place = WaitingPlace.objects.create(
            enquiry=enquiry,
            joined_at=now,
            rank=last + 1,
            wants_mail=wants_mail,
            mailbox_key=mailbox_key(enquiry.email),
            confirmed_at=now,
            reached_at=reached.values_list("reached_at", flat=True).first(),
            months=IntakeSettings.load().waiting_months,
        )
        confirm_joining(enquiry=enquiry, now=now)
    return place


def confirm_joining(*, enquiry: Enquiry, now: datetime) -> bool:
    """Queue the mail that says that somebody is on the list, where it has not been queued; return whether it was.

    None to those whom the supervisor put there herself without a wish for mail, and none while the enquiry is held
    suspicious: it goes when she accepts it. In the caller's transaction, which holds lock_receiving().
    """
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None or enquiry.status != Status.WAITING_LIST:
        return False
    place.enquiry = enquiry
    if enquiry.kind != Kind.WAITING and not place.wants_mail:
        return False
    return queue_waiting_confirmation(place=place, now=now)


def _mark_reached(mail: OutgoingMail, now: datetime) -> None:
    """Remember, for each place of this address, that a mail with the link to leave the list went out to it."""
    places = WaitingPlace.objects.filter(same_address("enquiry__email", mail.recipient), reached_at=None)
    places.update(reached_at=now)


def _is_on_list(mail: OutgoingMail, _now: datetime) -> bool:
    return enquiry_of(mail).status == Status.WAITING_LIST


register(*LINK_PURPOSES, handling=Handling(addresses=to_sender, is_true=_is_on_list, delivered=_mark_reached))


def wait_anew(place: WaitingPlace, now: datetime) -> None:
    """Know for certain, from now on, that this one waits: what was asked or told before does not count."""
    place.confirmed_at = now
    place.months = IntakeSettings.load().waiting_months
    place.asked_at = None
    place.asked_times = 0
    place.parting_at = None
    place.called_at = None
    place.reminded_at = None
    place.save(
        update_fields=[
            "confirmed_at",
            "months",
            "asked_at",
            "asked_times",
            "parting_at",
            "called_at",
            "reminded_at",
        ]
    )
