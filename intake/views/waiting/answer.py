"""The private page of a place in the waiting list. Reading changes nothing; a post answers."""

import logging
from datetime import datetime
from typing import Protocol

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from home.models import ContactDetails
from intake.models.waiting import WaitingPlace
from intake.notices import kept_while_waiting
from intake.services.waiting import WhoWaits, answer_no, answer_stay, answer_yes, look_at, remove_places
from intake.services.waiting_links import find_place
from intake.views.refusals import see_other
from intake.waiting.answers import Answer

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
