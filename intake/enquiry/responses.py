"""How the posts of public forms are answered."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any, Protocol

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from home.contact_details import ContactDetails
from intake.rate_limit import Source, TooManyPosts, source_of

logger = logging.getLogger(__name__)


class PostRefused(Exception):
    """A post is not stored. Its form is shown again as typed, with this status and notice."""

    def __init__(self, status: int, notice: str = "") -> None:
        super().__init__(f"refused with {status}")
        self.status, self.notice = status, notice


class ShowAgain(Protocol):
    """Return the page with the form as typed and a notice ("" for none)."""

    def __call__(self, *, status: int, notice: str) -> HttpResponse: ...


@dataclass(frozen=True, kw_only=True)
class FormPost:
    """How the posts of one form are answered.

    `content`: what is posted, for the log. `not_stored` and `not_stored_call` (with the phone number): what a visitor
    is told if the database fails. `refusals`: the status and notice for exceptions of the form's own services.
    """

    content: str
    not_stored: str | Promise
    not_stored_call: str | Promise
    refusals: Mapping[type[Exception], tuple[int, str | Promise]] = field(default_factory=dict)

    def answer(self, request: HttpRequest, *, store: Callable[[], str], show_again: ShowAgain) -> HttpResponse:
        """Call `store`, which returns the URL of the next page, and lead there; else show the form as typed.

        The status is then that of PostRefused or `refusals`, 429 over the rate limit, 503 if the database failed.
        """
        headers = {}
        try:
            return stored_response(request, store())
        except PostRefused as refusal:
            status, notice = refusal.status, refusal.notice
        except tuple(self.refusals) as refusal:
            status, notice = self.refusals[type(refusal)][0], str(self.refusals[type(refusal)][1])
        except TooManyPosts as refusal:
            status, notice = 429, _rate_limit_message(refusal.retry_after, ContactDetails.load(request).phone_display)
            headers["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        except DatabaseError as error:
            # Only the type is logged: the text of a database error can quote the row.
            logger.error("%s could not be stored: %s", self.content, type(error).__name__)
            phone = ContactDetails.load(request).phone_display
            status, notice = 503, str(self.not_stored_call) % {"phone": phone} if phone else str(self.not_stored)
        response = show_again(status=status, notice=notice)
        for name, value in headers.items():
            response[name] = value
        return response


def read_post(request: HttpRequest) -> bool:
    """Read a post as UTF-8. Returns False if it is far past any letter, so that Django refuses to read it."""
    if request.encoding != "utf-8":
        # No browser sends another charset, which may not even be a text encoding ("hex").
        request.encoding = "utf-8"
    try:
        return request.POST is not None
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        return False


def too_long_response(request: HttpRequest, context: dict[str, Any] | None = None) -> HttpResponse:
    """Return the page (413) on a post that read_post() could not read, so that its words can't be shown again."""
    return render(request, "intake/contact/too_long.html", context, status=413)


def require_own_source(request: HttpRequest) -> bool:
    """Return whether the form was sent from this site; False if the browser does not tell.

    Raises PostRefused for a form on another site's page.
    """
    source = source_of(request)
    if source is Source.FOREIGN:
        notice = _("The form was sent from another site’s page. Your words are still here: check them and send again.")
        raise PostRefused(403, notice)
    return source is Source.OWN


def cache_only_empty_form(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the browser cache the response to a successful GET, and forbid caching all others.

    With `no-store` on the empty form, Firefox and Safari reload it on Back and lose what was typed.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if request.method in ("GET", "HEAD") and response.status_code == 200:
            response["Cache-Control"] = "private, no-cache"
        else:
            add_never_cache_headers(response)
        return response

    return answer


def see_other(url: str) -> HttpResponseRedirect:
    """Return a 303 redirect (RFC 9110, 15.4.4): the next page is fetched with GET, so a reload does not resend."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def stored_response(request: HttpRequest, url: str) -> HttpResponse:
    """Return the response to a stored post, with the URL of the next page: 303, or 201 for the forms' script.

    The script accepts only a 201 as success (static/js/form.js): a redirect could also come from a captive portal, a
    login or a renamed page.
    """
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=201, headers={"Location": url})
    return see_other(url)


def _rate_limit_message(retry_after: timedelta, phone: str) -> str:
    """Return the message that says how long to wait before sending again."""
    minutes = max(1, math.ceil(retry_after.total_seconds() / 60))
    if not phone:
        text = ngettext(
            "The form has been sent many times in a short time, so sending is paused. Your words are still here. "
            "Wait %(minutes)d minute and try again.",
            "The form has been sent many times in a short time, so sending is paused. Your words are still here. "
            "Wait %(minutes)d minutes and try again.",
            minutes,
        )
        return text % {"minutes": minutes}
    text = ngettext(
        "The form has been sent many times in a short time, so sending is paused. Your words are still here. "
        "Wait %(minutes)d minute and try again, or call %(phone)s.",
        "The form has been sent many times in a short time, so sending is paused. Your words are still here. "
        "Wait %(minutes)d minutes and try again, or call %(phone)s.",
        minutes,
    )
    return text % {"minutes": minutes, "phone": phone}
