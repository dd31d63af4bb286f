"""Giving an enquiry its place in the waiting list."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from intake.mailbox import mailbox_key
from intake.models.enquiry import Enquiry
from intake.models.settings import IntakeSettings
from intake.models.waiting import WaitingPlace
from intake.services.locks import lock_receiving


def join(*, enquiry: Enquiry, wants_mail: bool, now: datetime) -> WaitingPlace:
    """Return the enquiry's place: the last in the order, or the one it had.

    Who comes back to the list keeps the order and the wish for mail, and waits anew: neither told nor asked yet.
    Lock order is receivers, then enquiry: who holds the enquiry's row has called lock_receiving() before.
    """
    with transaction.atomic():
        lock_receiving()
        earlier = WaitingPlace.objects.select_for_update().filter(enquiry=enquiry).first()
        if earlier:
            wait_anew(earlier, now)
            return earlier
        last = WaitingPlace.objects.aggregate(last=Max("rank"))["last"] or 0
        return WaitingPlace.objects.create(
            enquiry=enquiry,
            joined_at=now,
            rank=last + 1,
            wants_mail=wants_mail,
            mailbox_key=mailbox_key(enquiry.email),
            confirmed_at=now,
            months=IntakeSettings.load().waiting_months,
        )


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
