"""The places on the waiting list that get mail, and what every writer to them does alike."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet

from home.models import PauseNotice
from home.pause import pause_state
from intake.choices import Status, StepKind, Verdict
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.waiting import WaitingPlace


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
