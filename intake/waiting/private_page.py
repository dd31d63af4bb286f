"""The private page of a place on the waiting list: which answers are possible, and what each answer does."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from home.pause.rules import CALENDAR, calendar_day
from intake.choices import MailPurpose, MailState, Outcome, Status, StepKind
from intake.enquiry.form_pages import FormPost, read_post, see_other
from intake.enquiry.mails import enquiry_of
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.removal import before_removal, remove_enquiry
from intake.enquiry.services import STATUS_FIELDS, save_change, set_status
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mail.queue import Handling, register, to_supervisor
from intake.mailbox import is_same_address, same_address
from intake.settings import IntakeSettings
from intake.waiting.mails import queue_waiting_answer, reassign_sent_answer
from intake.waiting.models import WaitingPlace
from intake.waiting.places import Mailbox, find_place, reset_waiting
from intake.waiting.reading import removed_on
from intake.waiting.rules import (
    DAY_BEGINS,
    Answer,
    PlaceState,
    available_answers,
    place_state,
    removed_unless_confirmed,
)

_POST = FormPost(
    content="an answer to the waiting list",
    not_stored=gettext_lazy("The answer could not be stored. Try again in a moment."),
    not_stored_call=gettext_lazy("The answer could not be stored. Try again in a moment or call %(phone)s."),
)
_ANSWERS = (StepKind.ANSWERED_YES, StepKind.ANSWERED_STAY, StepKind.ANSWERED_NO)


def notify_of_answer(*, places: Sequence[WaitingPlace], answer: Answer, now: datetime) -> None:
    """Queue a notification to the supervisor if the latest answer, YES or NO, differs from what she knows.

    `places`: the places that the answer applies to, the shown one first. The supervisor knows the last sent
    notification about them; if none was sent since the notice of the return, she assumes NO. An unsent notification is
    replaced. If one was sent today, the next one is sent tomorrow, so that the holder of the link can't flood her
    mailbox. If possible, it is about the same enquiry as the one before. Runs in the caller's transaction, before the
    answer is recorded.
    """
    mails = _answer_mails(places)
    unsent = mails.filter(state__in=(MailState.QUEUED, MailState.FAILED))
    # An unsent notification about an enquiry to which this answer does not apply, because the supervisor has taken it
    # up meanwhile: she sees its answer on the enquiry itself.
    taken_up = unsent.exclude(enquiry__in=[place.enquiry_id for place in places]).order_by("pk").last()
    unsent.delete()
    latest = mails.order_by("pk").last()
    notified_on, notified = _read_key(latest.deduplication_key) if latest else (None, Answer.NO)
    return_notice_at = max((place.notified_at for place in places if place.notified_at), default=None)
    if latest and return_notice_at and latest.created_at < return_notice_at:
        notified = Answer.NO
    if taken_up:
        notified = _read_key(taken_up.deduplication_key)[1]
    if answer == notified:
        return
    goes_at = now
    if notified_on is not None and notified_on >= calendar_day(now):
        goes_at = datetime.combine(notified_on + timedelta(days=1), DAY_BEGINS, CALENDAR)
    about = places[0].enquiry
    if latest and (answer is Answer.NO or latest.enquiry_id in [place.enquiry_id for place in places]):
        about = enquiry_of(latest)
    elif taken_up and answer is Answer.NO:
        about = enquiry_of(taken_up)
    queue_waiting_answer(
        enquiry=about,
        is_interested=answer is Answer.YES,
        deduplication_key=_key(calendar_day(goes_at), answer),
        goes_at=goes_at,
        now=now,
    )


def _answer_mails(places: Sequence[WaitingPlace]) -> QuerySet[OutgoingMail]:
    """Return the notifications about these places, and about those that were answered together with the first.

    One notification covers all places of an address. The supervisor may have taken up the enquiry that it is about.
    """
    first = places[0]
    about = Q(enquiry__in=[place.enquiry_id for place in places])
    answered = _latest_answer(first)
    if answered is not None:
        steps = EnquiryStep.objects.filter(
            same_address("enquiry__email", first.enquiry.email),
            enquiry__waiting__mailbox_key=first.mailbox_key,
            kind=answered.kind,
            changed_at=answered.changed_at,
        )
        about |= Q(enquiry__in=steps.values("enquiry"))
    return OutgoingMail.objects.filter(about, purpose=MailPurpose.WAITING_ANSWER)


def _is_latest_notification(mail: OutgoingMail, _now: datetime) -> bool:
    """Return whether no newer notification exists.

    One may have been queued while an attempt to send this mail was failing.
    """
    newer = OutgoingMail.objects.filter(purpose=mail.purpose, pk__gt=mail.pk)
    return not newer.filter(Q(enquiry=mail.enquiry_id) | Q(enquiry__in=_answered_by(mail))).exists()


register(MailPurpose.WAITING_ANSWER, handling=Handling(addresses=to_supervisor, is_still_valid=_is_latest_notification))


def _answered_by(mail: OutgoingMail) -> QuerySet[Enquiry]:
    """Return the enquiries to which the answer of a notification applied, in the order of the list."""
    answer = _read_key(mail.deduplication_key)[1]
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id)
    return Enquiry.objects.filter(
        waiting__mailbox_key__in=own.values("mailbox_key"),
        steps__kind=StepKind.ANSWERED_YES if answer is Answer.YES else StepKind.ANSWERED_NO,
        steps__changed_at=mail.created_at,
    ).order_by("waiting__rank")


@receiver(before_removal)
def reassign_notifications(*, enquiry: Enquiry, purposes: Collection[str], now: datetime, **_signal: object) -> None:
    """Before an enquiry is removed, reassign its notifications to another enquiry that the answer applied to.

    An unsent notification names the enquiry, so a new one is queued instead. Runs in the caller's transaction, which
    holds lock_receiving().
    """
    if MailPurpose.WAITING_ANSWER not in purposes:
        return
    mails = OutgoingMail.objects.filter(enquiry=enquiry, purpose=MailPurpose.WAITING_ANSWER).order_by("pk")
    for mail in mails.defer("subject", "text", "html"):
        other = _answered_by(mail).exclude(pk=enquiry.pk).first()
        same = OutgoingMail.objects.filter(purpose=mail.purpose, deduplication_key=mail.deduplication_key)
        if other is None or same.filter(enquiry=other).exists():
            continue
        is_interested = _read_key(mail.deduplication_key)[1] is Answer.YES
        if mail.state == MailState.SENT:
            reassign_sent_answer(mail=mail, enquiry=other, is_interested=is_interested)
        elif _is_latest_notification(mail, now):
            queue_waiting_answer(
                enquiry=other,
                is_interested=is_interested,
                deduplication_key=mail.deduplication_key,
                goes_at=max(now, mail.next_attempt_at or now),
                now=mail.created_at,
            )


def _key(day: date, answer: Answer) -> str:
    return f"{day.isoformat()} {answer}"


def _read_key(deduplication_key: str) -> tuple[date, Answer]:
    day, _space, answer = deduplication_key.partition(" ")
    return date.fromisoformat(day), Answer(answer)


@dataclass(frozen=True, kw_only=True)
class PlaceView:
    """What the private page shows: the state of the address, and the possible answers.

    `places`: the places that an answer applies to, the shown one first. They are the places of the address that are on
    the list. If there are none, they are the link's own place and those that left the list together with it.
    `other_tags`: such places of the same mailbox with another +tag; YES and STAY apply to them too, because the mailbox
    is notified once. `answered`: the latest answer, unless there was a question since.
    `removable`: the places that can be removed: the link's own first, then the others in `places`.
    """

    places: list[WaitingPlace]
    other_tags: list[WaitingPlace]
    state: PlaceState
    answers: tuple[Answer, ...]
    answered: EnquiryStep | None
    removable: list[WaitingPlace]


def view_of_place(place: WaitingPlace) -> PlaceView:
    """Return what the page of this place shows. Changes nothing."""
    return _view_of(place.pk, Mailbox(place.mailbox_key))


def answer_yes(*, place_id: int, now: datetime) -> bool:
    """Answer YES: set the enquiries to new, and notify the supervisor once.

    An enquiry that she has taken off the list keeps its status, but she is notified. Returns whether anything changed;
    a repeated answer, or one that is not available (intake.waiting.rules), changes nothing. Raises
    WaitingPlace.DoesNotExist if the place does not exist.
    """
    with transaction.atomic():
        places = _open_to(Answer.YES, place_id)
        if places:
            notify_of_answer(places=places, answer=Answer.YES, now=now)
        for place in places:
            enquiry = place.enquiry
            if enquiry.status in (Status.WAITING_LIST, Status.CLOSED):
                set_status(enquiry, status=Status.NEW, now=now)
            _record(enquiry, StepKind.ANSWERED_YES, now)
    return bool(places)


def answer_stay(*, place_id: int, now: datetime) -> bool:
    """Answer STAY: wait at the same rank. Places that have left the list return to it. Otherwise like answer_yes()."""
    with transaction.atomic():
        places = [place for place in _open_to(Answer.STAY, place_id) if not _answered_stay(place)]
        months = IntakeSettings.load().waiting_months
        for place in places:
            enquiry = place.enquiry
            set_status(enquiry, status=Status.WAITING_LIST, now=now)
            reset_waiting(place, months=months, now=now)
            _record(enquiry, StepKind.ANSWERED_STAY, now)
    return bool(places)


def answer_no(*, place_id: int, now: datetime) -> bool:
    """Answer NO: close the enquiry as declined by the client. Otherwise like answer_yes()."""
    with transaction.atomic():
        places = _open_to(Answer.NO, place_id)
        if places:
            notify_of_answer(places=places, answer=Answer.NO, now=now)
        for place in places:
            enquiry = place.enquiry
            set_status(enquiry, status=Status.CLOSED, outcome=Outcome.CLIENT_DECLINED, now=now)
            _record(enquiry, StepKind.ANSWERED_NO, now)
    return bool(places)


def remove_places(*, place_id: int, references: Collection[str] = (), now: datetime) -> bool:
    """Remove the link's own enquiry, and those other removable enquiries that the person selected on the page.

    `references`: the references of the selected enquiries; several people may share a mailbox. Otherwise like
    answer_yes().
    """
    with transaction.atomic():
        view = _locked(place_id)
        for place in view.removable:
            if place.pk == place_id or place.enquiry.reference in references:
                remove_enquiry(enquiry_id=place.enquiry_id, now=now)
    return True


def _open_to(answer: Answer, place_id: int) -> list[WaitingPlace]:
    """Lock the mailbox's enquiries and return the places that this answer applies to; [] if it is not available."""
    view = _locked(place_id)
    if answer not in view.answers:
        return []
    return view.places if answer is Answer.NO else [*view.places, *view.other_tags]


def _locked(place_id: int) -> PlaceView:
    """Return the PlaceView of a link's place, with the enquiries of its mailbox locked."""
    lock_receiving()
    mailbox = Mailbox(WaitingPlace.objects.values_list("mailbox_key", flat=True).get(pk=place_id))
    mailbox.lock()
    return _view_of(place_id, mailbox)


def _view_of(place_id: int, mailbox: Mailbox) -> PlaceView:
    of_mailbox = list(mailbox.places.select_related("enquiry"))
    own = next((place for place in of_mailbox if place.pk == place_id), None)
    if own is None:
        raise WaitingPlace.DoesNotExist
    waiting = [place for place in of_mailbox if place.enquiry.status == Status.WAITING_LIST]
    on_list = [place for place in waiting if is_same_address(place.enquiry.email, own.enquiry.email)]
    together = waiting if on_list else _left_together(own, of_mailbox)
    of_address = [place for place in together if is_same_address(place.enquiry.email, own.enquiry.email)]
    other_tags = [place for place in together if place not in of_address]
    places = sorted(of_address, key=lambda place: (place.pk != place_id, place.rank))
    # A notice can be answered late, as long as the enquiry exists.
    notified = any(place.notified_at for place in [*places, *other_tags]) or bool(
        own.notified_at and own.enquiry.outcome == Outcome.NO_RESPONSE
    )
    answered = _latest_answer(places[0])
    answered_yes = answered is not None and answered.kind == StepKind.ANSWERED_YES
    enquiry = places[0].enquiry
    state = place_state(status=enquiry.status, outcome=enquiry.outcome, notified=notified, answered_yes=answered_yes)
    if state is PlaceState.WAITING and not all(_answered_stay(place) for place in places):
        answered = None
    return PlaceView(
        places=places,
        other_tags=other_tags,
        state=state,
        answers=available_answers(state, notified=notified, answered_yes=answered_yes),
        answered=answered,
        removable=[own, *(place for place in places if place.pk != place_id)],
    )


def _left_together(own: WaitingPlace, of_mailbox: list[WaitingPlace]) -> list[WaitingPlace]:
    """Return the link's own place, and the places that left the list at the same moment, by an answer or without one.

    An answer that takes back an earlier one then applies to all places of the earlier one.
    """
    left_at = _left_at(own)
    return [place for place in of_mailbox if place.pk == own.pk or (left_at is not None and _left_at(place) == left_at)]


def _left_at(place: WaitingPlace) -> datetime | None:
    """Return when a place left the list by an answer or without one; None if the supervisor ended it or took it up."""
    enquiry = place.enquiry
    if enquiry.is_closed:
        return enquiry.closed_at if enquiry.outcome in (Outcome.CLIENT_DECLINED, Outcome.NO_RESPONSE) else None
    answered = _latest_answer(place)
    is_interested = answered is not None and answered.kind == StepKind.ANSWERED_YES
    return answered.changed_at if answered and is_interested and enquiry.status == Status.NEW else None


def _latest_answer(place: WaitingPlace) -> EnquiryStep | None:
    """Return the latest answer since the last question or notice."""
    since = max(moment for moment in (place.asked_at, place.notified_at, place.joined_at) if moment)
    steps = EnquiryStep.objects.filter(enquiry_id=place.enquiry_id, kind__in=_ANSWERS, changed_at__gte=since)
    return steps.order_by("-changed_at", "-pk").first()


def _answered_stay(place: WaitingPlace) -> bool:
    """Return whether STAY is the latest answer of this place, so that a double click changes nothing."""
    latest = _latest_answer(place)
    return (
        place.enquiry.status == Status.WAITING_LIST
        and latest is not None
        and latest.kind == StepKind.ANSWERED_STAY
        and place.confirmed_at == latest.changed_at
    )


def _record(enquiry: Enquiry, kind: StepKind, now: datetime) -> None:
    """Save the changed status, and add the answer to the history, which keeps only the latest of each kind and day.

    Queued mails that are no longer true after the answer are withdrawn before they are sent (intake.mail.delivery).
    """
    today = datetime.combine(calendar_day(now), time.min, CALENDAR)
    EnquiryStep.objects.filter(enquiry=enquiry, kind=kind, changed_at__gte=today).delete()
    save_change(enquiry, kind, fields=STATUS_FIELDS, now=now)


class _Service(Protocol):
    def __call__(self, *, place_id: int, now: datetime) -> bool: ...


_SERVICES: dict[Answer, _Service] = {
    Answer.YES: answer_yes,
    Answer.STAY: answer_stay,
    Answer.NO: answer_no,
}


# No CSRF token is needed: a forger does not know the secret in the URL.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def show_or_answer(request: HttpRequest, secret: str) -> HttpResponse:
    """Show the private page; a post answers and redirects back to it (303).

    The status is 404 if the enquiry does not exist; this page is also shown right after the removal. It is 503 if
    nothing could be stored.
    """
    try:
        place = find_place(secret)
        if place is None:
            return _gone(request)
        return _answer(request, place) if request.method == "POST" else _show(request, place)
    except WaitingPlace.DoesNotExist:
        # The place was removed after it was found.
        return _gone(request)


def _answer(request: HttpRequest, place: WaitingPlace) -> HttpResponse:
    try:
        chosen = Answer(request.POST.get("answer", "") if read_post(request) else "")
    except ValueError:
        # The value is not from one of the page's buttons: show the page again.
        return see_other(request.path)

    def store() -> str:
        if chosen is Answer.REMOVE:
            # Of the other places of the address, only those selected on the page.
            remove_places(place_id=place.pk, references=request.POST.getlist("also"), now=timezone.now())
        else:
            _SERVICES[chosen](place_id=place.pk, now=timezone.now())
        return request.path

    return _POST.answer(request, store=store, show_again=lambda **shown: _show(request, place, **shown))


def _show(request: HttpRequest, place: WaitingPlace, *, status: int = 200, notice: str = "") -> HttpResponse:
    view: PlaceView = view_of_place(place)
    enquiry = view.places[0].enquiry
    is_on_list = enquiry.status == Status.WAITING_LIST
    leaves_on = removed_on(view.places[0], [*view.places, *view.other_tags]) if is_on_list else None
    context = {
        "enquiry": enquiry,
        "place": view.places[0],
        "state": view.state,
        "answers": view.answers,
        "answered": view.answered,
        "own": view.removable[0],
        "others": view.removable[1:],
        "removed_on": enquiry.remove_on,
        "kept_while_waiting": removed_unless_confirmed(leaves_on),
        "notice": notice,
    }
    return TemplateResponse(request, "intake/waiting/answer_page.html", context, status=status)


def _gone(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "intake/waiting/gone_page.html", status=404)
