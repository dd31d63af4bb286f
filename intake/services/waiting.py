"""What those who wait answer by their private link. The link proves a mailbox, so an answer is for all its places."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from intake.choices import Outcome, Status, StepKind
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.waiting import WaitingPlace
from intake.services.closing import STATUS_FIELDS, set_status
from intake.services.joining import join, wait_anew
from intake.services.locks import lock_receiving
from intake.services.queueing import queue_waiting_answer
from intake.services.removing import remove_enquiry
from intake.waiting.answers import Answer, Standing, offered, standing

__all__ = ["WhoWaits", "answer_no", "answer_stay", "answer_yes", "join", "look_at", "remove_person"]

_ANSWERS = (StepKind.ANSWERED_YES, StepKind.ANSWERED_STAY, StepKind.ANSWERED_NO)


@dataclass(frozen=True, kw_only=True)
class WhoWaits:
    """What the page of a private link tells: where the mailbox stands, and what can be answered now.

    `places` are those that an answer is for: the mailbox's places on the list, or where it has none the link's own.
    The first of them is the one to tell of. `answered` is its latest answer, unless something was asked since.
    """

    places: list[WaitingPlace]
    where: Standing
    answers: tuple[Answer, ...]
    answered: EnquiryStep | None


def look_at(place: WaitingPlace) -> WhoWaits:
    """Return where the one with this link stands. Changes nothing."""
    return _who_waits(place.pk, list(_of_mailbox(place.mailbox_key)))


def answer_yes(*, place_id: int, now: datetime) -> bool:
    """Still interested: back among the new enquiries, and the supervisor is told once.

    One that she has taken from the list herself keeps its status, and she is told all the same. Returns whether
    something changed: the same answer again, or one that is not open (intake.waiting.answers), changes nothing.
    Raises WaitingPlace.DoesNotExist where it is gone.
    """
    with transaction.atomic():
        places = _open_to(Answer.YES, place_id)
        for index, place in enumerate(places):
            enquiry = place.enquiry
            if enquiry.status in (Status.WAITING_LIST, Status.CLOSED):
                set_status(enquiry, status=Status.NEW, now=now)
            step = _record(enquiry, StepKind.ANSWERED_YES, now)
            if index == 0:
                queue_waiting_answer(enquiry=enquiry, occasion=str(step.pk), now=now)
    return bool(places)


def answer_stay(*, place_id: int, now: datetime) -> bool:
    """Goes on waiting, in the same order; who had left is taken back. Otherwise as answer_yes."""
    with transaction.atomic():
        places = [place for place in _open_to(Answer.STAY, place_id) if not _said_to_stay(place)]
        for place in places:
            enquiry = place.enquiry
            set_status(enquiry, status=Status.WAITING_LIST, now=now)
            wait_anew(place, now)
            _record(enquiry, StepKind.ANSWERED_STAY, now)
    return bool(places)


def answer_no(*, place_id: int, now: datetime) -> bool:
    """Waits no more: closed by the client's word. Otherwise as answer_yes."""
    with transaction.atomic():
        places = _open_to(Answer.NO, place_id)
        for place in places:
            enquiry = place.enquiry
            set_status(enquiry, status=Status.CLOSED, outcome=Outcome.CLIENT_DECLINED, now=now)
            _record(enquiry, StepKind.ANSWERED_NO, now)
    return bool(places)


def remove_person(*, place_id: int, now: datetime) -> bool:
    """Remove the link's own enquiry and the others of its mailbox that are on the list. Otherwise as answer_yes."""
    with transaction.atomic():
        places = _open_to(Answer.REMOVE, place_id)
        own = WaitingPlace.objects.get(pk=place_id)
        for enquiry_id in {own.enquiry_id, *(place.enquiry_id for place in places)}:
            remove_enquiry(enquiry_id=enquiry_id, now=now)
    return True


def _open_to(answer: Answer, place_id: int) -> list[WaitingPlace]:
    """Lock the mailbox's enquiries, and return the places that this answer is for; none where it is not open.

    Locks are taken in the order of all: receivers, then enquiries.
    """
    lock_receiving()
    key = WaitingPlace.objects.values_list("mailbox_key", flat=True).get(pk=place_id)
    list(Enquiry.objects.select_for_update().filter(waiting__mailbox_key=key).order_by("pk"))
    who = _who_waits(place_id, list(_of_mailbox(key)))
    return who.places if answer in who.answers else []


def _who_waits(place_id: int, of_mailbox: list[WaitingPlace]) -> WhoWaits:
    own = next((place for place in of_mailbox if place.pk == place_id), None)
    if own is None:
        raise WaitingPlace.DoesNotExist
    on_list = [place for place in of_mailbox if place.enquiry.status == Status.WAITING_LIST]
    places = sorted(on_list, key=lambda place: (place.pk != place_id, place.rank)) or [own]
    # A notice that nobody answered in time can be answered as long as its enquiry is there.
    called = any(place.called_at for place in places) or bool(
        own.called_at and own.enquiry.outcome == Outcome.NO_RESPONSE
    )
    answered = _latest_answer(places[0])
    said_yes = answered is not None and answered.kind == StepKind.ANSWERED_YES
    enquiry = places[0].enquiry
    where = standing(status=enquiry.status, outcome=enquiry.outcome, called=called, said_yes=said_yes)
    if where is Standing.WAITING and not all(_said_to_stay(place) for place in places):
        answered = None
    return WhoWaits(
        places=places, where=where, answers=offered(where, called=called, said_yes=said_yes), answered=answered
    )


def _of_mailbox(key: str) -> QuerySet[WaitingPlace]:
    return WaitingPlace.objects.select_related("enquiry").filter(mailbox_key=key)


def _latest_answer(place: WaitingPlace) -> EnquiryStep | None:
    """Return the latest answer by link since the last question or notice."""
    since = max(moment for moment in (place.asked_at, place.called_at, place.joined_at) if moment)
    steps = EnquiryStep.objects.filter(enquiry_id=place.enquiry_id, kind__in=_ANSWERS, changed_at__gte=since)
    return steps.order_by("-changed_at", "-pk").first()


def _said_to_stay(place: WaitingPlace) -> bool:
    """Whether STAY is the latest word on this place: a button pressed twice changes nothing."""
    latest = _latest_answer(place)
    return (
        place.enquiry.status == Status.WAITING_LIST
        and latest is not None
        and latest.kind == StepKind.ANSWERED_STAY
        and place.confirmed_at == latest.changed_at
    )


def _record(enquiry: Enquiry, kind: StepKind, now: datetime) -> EnquiryStep:
    """Store what an answer made of an enquiry, and keep it in the history.

    What would now ask or tell in vain is taken back when its turn to go out comes (intake.services.delivery).
    """
    enquiry.version += 1
    enquiry.save(update_fields=[*STATUS_FIELDS, "version"])
    return EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now)
