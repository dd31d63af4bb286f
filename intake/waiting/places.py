"""The writers of places: joining, order, links."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, Min, QuerySet
from django.dispatch import receiver
from django.utils.translation import gettext as _

from home.pause.models import PauseNotice
from home.pause.rules import pause_state
from intake.choices import Kind, MailPurpose, Status, StepKind, Verdict
from intake.enquiry.mails import enquiry_of, to_sender
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.services import ChangedMeanwhile, accepted, listed
from intake.locks import lock_receiving
from intake.mail.links import new_secret, register_link, secret_digest
from intake.mail.models import OutgoingMail
from intake.mail.queue import Handling, register
from intake.mailbox import mailbox_key, same_address
from intake.settings import IntakeSettings
from intake.typed_text import clean_line
from intake.waiting.mails import WAITING_LINK, queue_waiting_confirmation
from intake.waiting.models import WaitingLink, WaitingPlace


def tellable_places() -> QuerySet[WaitingPlace]:
    """Return the places on the list whose people have asked for mail, told or not.

    Not the suspicious ones, nor those whose address no mail with the link to leave the list has reached: they may have
    been put there by somebody else, and are the supervisor's to contact. `is_tellable` says the same of one place.
    """
    return WaitingPlace.objects.filter(
        enquiry__status=Status.WAITING_LIST,
        enquiry__verdict=Verdict.ACCEPTED,
        wants_mail=True,
        reached_at__isnull=False,
    )


def is_tellable(place: WaitingPlace) -> bool:
    """Return whether a place, read with its enquiry, is one of tellable_places()."""
    enquiry = place.enquiry
    on_list = enquiry.status == Status.WAITING_LIST and not enquiry.is_quarantined
    return on_list and place.wants_mail and place.reached_at is not None


def lock_places(place_ids: Iterable[int]) -> dict[int, WaitingPlace]:
    """Lock the enquiries of these places, and return those that are still tellable, by their keys.

    The caller has called lock_receiving(): receivers first, then enquiries by their keys, then what hangs from them.
    """
    wanted = list(place_ids)
    list(Enquiry.objects.select_for_update(of=("self",)).filter(waiting__in=wanted).order_by("pk"))
    return tellable_places().select_related("enquiry", "plan").in_bulk(wanted)


def record_steps(enquiry_ids: Iterable[int], kind: StepKind, *, by: User | None = None, now: datetime) -> None:
    """Keep in the history of each enquiry that this was done to it."""
    EnquiryStep.objects.bulk_create(
        EnquiryStep(enquiry_id=enquiry_id, kind=kind, changed_at=now, changed_by=by) for enquiry_id in enquiry_ids
    )


def is_paused(now: datetime) -> bool:
    """Whether Aijuu is on a pause, as the database has it now."""
    return pause_state(PauseNotice.load().settings, now).is_paused


def link_for_place(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret (256 random bits) of a new private link; the earlier ones go on working.

    Raises WaitingPlace.DoesNotExist where the enquiry has no place, or was removed meanwhile.
    """
    with transaction.atomic():
        place = WaitingPlace.objects.select_for_update().get(enquiry=enquiry)
        secret = new_secret()
        WaitingLink.objects.create(place=place, secret_digest=secret_digest(secret), created_at=now)
    return secret


def _secret_for(mail: OutgoingMail, now: datetime) -> str:
    return link_for_place(enquiry=enquiry_of(mail), now=now)


register_link(WAITING_LINK, _secret_for)


def find_place(secret: str) -> WaitingPlace | None:
    """Return the place that a private link leads to, with its enquiry; None where it is gone."""
    link = WaitingLink.objects.select_related("place__enquiry").filter(secret_digest=secret_digest(secret)).first()
    return link.place if link else None


# The mails with the private link that make an address one the list may write to.
LINK_PURPOSES = (MailPurpose.WAITING_CONFIRMATION, MailPurpose.WAITING_LINK)


@receiver(listed)
def join(*, enquiry: Enquiry, wants_mail: bool, now: datetime, **_signal: object) -> WaitingPlace:
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


@receiver(accepted)
def confirm_joining(*, enquiry: Enquiry, now: datetime, **_signal: object) -> bool:
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


register(*LINK_PURPOSES, handling=Handling(addresses=to_sender, is_still_valid=_is_on_list, delivered=_mark_reached))


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
