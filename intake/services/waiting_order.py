"""The order of the waiting list as the supervisor changes it: somebody to the head of the list, and back."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, Min
from django.utils.translation import gettext as _

from intake.choices import Status, StepKind
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.waiting import WaitingPlace
from intake.services.locks import lock_receiving
from intake.services.review import ChangedMeanwhile
from intake.typed_text import clean_line

REASON_LIMIT = 200


class NotWaiting(Exception):
    """The enquiry is not on the waiting list."""


def clean_reason(reason: str) -> str:
    """Return the reason on one line. Raises ValidationError where it is empty or too long."""
    words = clean_line(reason)
    if not 0 < len(words) <= REASON_LIMIT:
        raise ValidationError(_("Write why, in %(limit)d characters at most.") % {"limit": REASON_LIMIT}, code="reason")
    return words


def move_ahead(*, enquiry_id: int, version: int, reason: str, by: User | None, now: datetime) -> None:
    """Put an enquiry at the head of the list and keep why. move_back() takes it back.

    Raises ValidationError for a reason that is empty or too long, ChangedMeanwhile for an old `version`, NotWaiting
    where the enquiry is not on the list.
    """
    words = clean_reason(reason)
    with transaction.atomic():
        place = _locked_place(enquiry_id, version)
        first = WaitingPlace.objects.aggregate(first=Min("rank"))["first"]
        if place.rank != first:
            place.rank = first - 1
        place.jumped_at = now
        place.jump_reason = words
        place.save(update_fields=["rank", "jumped_at", "jump_reason"])
        _record(place.enquiry, StepKind.MOVED_AHEAD, by, now)


def move_back(*, enquiry_id: int, version: int, by: User | None, now: datetime) -> None:
    """Put an enquiry that was moved ahead back where it stood by its arrival.

    One that was not moved stays where it is. Raises ChangedMeanwhile for an old `version`, NotWaiting where the
    enquiry is not on the list.
    """
    with transaction.atomic():
        place = _locked_place(enquiry_id, version)
        if place.jumped_at is None:
            return
        # Places are made in the order of arrival, so their keys tell it whatever the clocks said.
        followers = WaitingPlace.objects.filter(jumped_at=None, pk__gt=place.pk)
        follower = followers.order_by("rank").first()
        if follower is None:
            rank = WaitingPlace.objects.aggregate(last=Max("rank"))["last"] + 1
        else:
            rank = follower.rank
            _make_room(rank)
        WaitingPlace.objects.filter(pk=place.pk).update(rank=rank, jumped_at=None, jump_reason="")
        _record(place.enquiry, StepKind.MOVED_BACK, by, now)


def _locked_place(enquiry_id: int, version: int) -> WaitingPlace:
    lock_receiving()
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if enquiry is None or enquiry.version != version:
        raise ChangedMeanwhile
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None or enquiry.status != Status.WAITING_LIST:
        raise NotWaiting
    place.enquiry = enquiry
    return place


def _make_room(rank: int) -> None:
    """Move `rank` and all after it by one. In two leaps over everything: ranks are unique after each row."""
    reach = WaitingPlace.objects.aggregate(reach=Max("rank") - Min("rank"))["reach"] + 2
    WaitingPlace.objects.filter(rank__gte=rank).update(rank=F("rank") + reach)
    WaitingPlace.objects.filter(rank__gte=rank + reach).update(rank=F("rank") - reach + 1)


def _record(enquiry: Enquiry, kind: StepKind, by: User | None, now: datetime) -> None:
    enquiry.version += 1
    enquiry.save(update_fields=["version"])
    EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now, changed_by=by)
