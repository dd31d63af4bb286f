"""The private page of a waiting-list place: what can be answered, and what each answer does."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from home.contact_details import ContactDetails
from home.pause.rules import CALENDAR, calendar_day
from intake.choices import MailPurpose, MailState, Outcome, Status, StepKind
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.responses import see_other
from intake.enquiry.services import STATUS_FIELDS, set_status
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mailbox import is_same_address
from intake.waiting.mails import queue_waiting_answer
from intake.waiting.models import WaitingPlace
from intake.waiting.places import find_place, wait_anew
from intake.waiting.rules import DAY_BEGINS, Answer, Standing, kept_while_waiting, offered, standing


def tell_of_answer(*, place: WaitingPlace, answer: Answer, now: datetime) -> None:
    """Let the supervisor know the latest answer, YES or NO, if it is not what she knows; in the caller's transaction.

    She knows what the last mail that has gone out said; before the first one since this place was told of the return,
    that nobody has said yes. A mail that is still waiting gives way to the latest answer. One that has gone out today
    makes the next one wait until tomorrow, so that whoever has the link can't fill her mailbox.
    """
    mails = OutgoingMail.objects.filter(enquiry=place.enquiry_id, purpose=MailPurpose.WAITING_ANSWER)
    mails.filter(state__in=(MailState.QUEUED, MailState.FAILED)).delete()
    latest = mails.order_by("pk").last()
    told_on, told = _read_key(latest.deduplication_key) if latest else (None, Answer.NO)
    if latest and place.called_at and latest.created_at < place.called_at:
        told = Answer.NO
    if answer == told:
        return
    goes_at = now
    if told_on is not None and told_on >= calendar_day(now):
        goes_at = datetime.combine(told_on + timedelta(days=1), DAY_BEGINS, CALENDAR)
    queue_waiting_answer(
        enquiry=place.enquiry,
        is_interested=answer is Answer.YES,
        deduplication_key=_key(calendar_day(goes_at), answer),
        goes_at=goes_at,
        now=now,
    )


def _key(day: date, answer: Answer) -> str:
    return f"{day.isoformat()} {answer}"


def _read_key(deduplication_key: str) -> tuple[date, Answer]:
    day, _space, answer = deduplication_key.partition(" ")
    return date.fromisoformat(day), Answer(answer)


_ANSWERS = (StepKind.ANSWERED_YES, StepKind.ANSWERED_STAY, StepKind.ANSWERED_NO)


@dataclass(frozen=True, kw_only=True)
class WhoWaits:
    """What the page of a private link tells: where the address stands, and what can be answered now.

    `places` are those that an answer is for: the address's places on the list, or where it has none the link's own.
    The first of them is the one to tell of. `alongside` are the mailbox's others on the list, of another +tag: it is
    told of the return once, so a yes and a stay are for them too. `answered` is the latest answer, unless something was
    asked since.
    `removable` are those that can be removed, the link's own first: it and the address's others on the list.
    """

    places: list[WaitingPlace]
    alongside: list[WaitingPlace]
    where: Standing
    answers: tuple[Answer, ...]
    answered: EnquiryStep | None
    removable: list[WaitingPlace]


def look_at(place: WaitingPlace) -> WhoWaits:
    """Return where the one with this link stands. Changes nothing."""
    return _who_waits(place.pk, _of_mailbox(place.mailbox_key))


def answer_yes(*, place_id: int, now: datetime) -> bool:
    """Still interested: back among the new enquiries, and the supervisor is told once.

    One that she has taken from the list herself keeps its status, and she is told all the same. Returns whether
    something changed: the same answer again, or one that is not open (intake.waiting.rules), changes nothing.
    Raises WaitingPlace.DoesNotExist where it is gone.
    """
    with transaction.atomic():
        places = _open_to(Answer.YES, place_id)
        for place in places:
            enquiry = place.enquiry
            if enquiry.status in (Status.WAITING_LIST, Status.CLOSED):
                set_status(enquiry, status=Status.NEW, now=now)
            _record(enquiry, StepKind.ANSWERED_YES, now)
        if places:
            tell_of_answer(place=places[0], answer=Answer.YES, now=now)
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
            tell_of_answer(place=place, answer=Answer.NO, now=now)
    return bool(places)


def remove_places(*, place_id: int, references: Collection[str] = (), now: datetime) -> bool:
    """Remove the link's own enquiry, and of the address's others on the list those with these references.

    The others are only those that the page has shown and asked about: several people may read one mailbox. Otherwise
    as answer_yes.
    """
    with transaction.atomic():
        who = _locked(place_id)
        for place in who.removable:
            if place.pk == place_id or place.enquiry.reference in references:
                remove_enquiry(enquiry_id=place.enquiry_id, now=now)
    return True


def _open_to(answer: Answer, place_id: int) -> list[WaitingPlace]:
    """Lock the mailbox's enquiries, and return the places that this answer is for; none where it is not open."""
    who = _locked(place_id)
    if answer not in who.answers:
        return []
    return who.places if answer is Answer.NO else [*who.places, *who.alongside]


def _locked(place_id: int) -> WhoWaits:
    """Look at a link's place with the enquiries of its mailbox locked; first receivers, as everywhere."""
    lock_receiving()
    key = WaitingPlace.objects.values_list("mailbox_key", flat=True).get(pk=place_id)
    list(Enquiry.objects.select_for_update().filter(waiting__mailbox_key=key).order_by("pk"))
    return _who_waits(place_id, _of_mailbox(key))


def _who_waits(place_id: int, of_mailbox: list[WaitingPlace]) -> WhoWaits:
    own = next((place for place in of_mailbox if place.pk == place_id), None)
    if own is None:
        raise WaitingPlace.DoesNotExist
    waiting = [place for place in of_mailbox if place.enquiry.status == Status.WAITING_LIST]
    on_list = [place for place in waiting if is_same_address(place.enquiry.email, own.enquiry.email)]
    alongside = [place for place in waiting if place not in on_list] if on_list else []
    places = sorted(on_list, key=lambda place: (place.pk != place_id, place.rank)) or [own]
    # A notice that nobody answered in time can be answered as long as its enquiry is there.
    called = any(place.called_at for place in [*places, *alongside]) or bool(
        own.called_at and own.enquiry.outcome == Outcome.NO_RESPONSE
    )
    answered = _latest_answer(places[0])
    said_yes = answered is not None and answered.kind == StepKind.ANSWERED_YES
    enquiry = places[0].enquiry
    where = standing(status=enquiry.status, outcome=enquiry.outcome, called=called, said_yes=said_yes)
    if where is Standing.WAITING and not all(_said_to_stay(place) for place in places):
        answered = None
    return WhoWaits(
        places=places,
        alongside=alongside,
        where=where,
        answers=offered(where, called=called, said_yes=said_yes),
        answered=answered,
        removable=[own, *sorted((place for place in on_list if place.pk != place_id), key=lambda place: place.rank)],
    )


def _of_mailbox(key: str) -> list[WaitingPlace]:
    return list(WaitingPlace.objects.select_related("enquiry").filter(mailbox_key=key))


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
    """Store what an answer made of an enquiry, and keep it in the history: each kind of answer once a day, the latest.

    What would now ask or tell in vain is taken back when its turn to go out comes (intake.mail.delivery).
    """
    enquiry.version += 1
    enquiry.save(update_fields=[*STATUS_FIELDS, "version"])
    today = datetime.combine(calendar_day(now), time.min, CALENDAR)
    EnquiryStep.objects.filter(enquiry=enquiry, kind=kind, changed_at__gte=today).delete()
    return EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now)


logger = logging.getLogger(__name__)


class _Service(Protocol):
    def __call__(self, *, place_id: int, now: datetime) -> bool: ...


_SERVICES: dict[Answer, _Service] = {
    Answer.YES: answer_yes,
    Answer.STAY: answer_stay,
    Answer.NO: answer_no,
}


# No Django token guards the post: the address itself is the secret that a forger would need.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def show_or_answer(request: HttpRequest, secret: str) -> HttpResponse:
    """Show where the one with this link stands; a post answers, and leads back here with 303.

    404 where the enquiry is gone, with words that fit who has just removed it. 503 where nothing could be stored.
    """
    if request.method == "POST":
        # Another name is no browser's, and may not even be one for text ("hex").
        request.encoding = "utf-8"
    try:
        place = find_place(secret)
        if place is None:
            return _gone(request)
        return _answer(request, place) if request.method == "POST" else _show(request, place)
    except WaitingPlace.DoesNotExist:
        # Removed since it was found: by another press, the supervisor or the clock.
        return _gone(request)


def _answer(request: HttpRequest, place: WaitingPlace) -> HttpResponse:
    try:
        answer = Answer(request.POST.get("answer", ""))
    except (ValueError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        # No button of ours: the page tells what can be answered.
        return see_other(request.path)
    try:
        if answer is Answer.REMOVE:
            # Of the address's other places only those that this page has named.
            remove_places(place_id=place.pk, references=request.POST.getlist("also"), now=timezone.now())
        else:
            _SERVICES[answer](place_id=place.pk, now=timezone.now())
    except DatabaseError as error:
        # Only the kind is logged: the text of a database error can quote the row.
        logger.error("an answer to the waiting list could not be stored: %s", type(error).__name__)
        return _show(request, place, status=503, notice=_not_stored(ContactDetails.load(request).phone_display))
    return see_other(request.path)


def _show(request: HttpRequest, place: WaitingPlace, *, status: int = 200, notice: str = "") -> HttpResponse:
    who: WhoWaits = look_at(place)
    enquiry = who.places[0].enquiry
    context = {
        "enquiry": enquiry,
        "place": who.places[0],
        "where": who.where,
        "answers": who.answers,
        "answered": who.answered,
        "own": who.removable[0],
        "others": who.removable[1:],
        "removed_on": enquiry.remove_on,
        "kept_while_waiting": kept_while_waiting(who.places[0].months),
        "notice": notice,
    }
    return TemplateResponse(request, "intake/waiting/answer_page.html", context, status=status)


def _gone(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "intake/waiting/gone_page.html", status=404)


def _not_stored(phone: str) -> str:
    if not phone:
        return _("The answer could not be stored. Try again in a moment.")
    return _("The answer could not be stored. Try again in a moment or call %(phone)s.") % {"phone": phone}
