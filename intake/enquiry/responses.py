"""Responses shared by the public forms."""

import logging
import math
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def keep_only_empty_form(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let the browser keep the answer of a GET for its Back button, and no cache keep any other answer.

    `no-store` on the empty form makes Firefox and Safari show it anew on Back, without what had been typed into it.
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


logger = logging.getLogger(__name__)


def see_other(url: str) -> HttpResponseRedirect:
    """Return 303 (RFC 9110, 15.4.4): the next page is fetched with GET, and a reload sends nothing again."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def stored(request: HttpRequest, url: str) -> HttpResponse:
    """Answer a post that was stored, and name the page that follows: 303, or 201 to the forms' script.

    The script takes nothing but a 201 for success (static/js/form.js). A redirect can't be told from one that somebody
    else made on the way: a login, a captive portal, a renamed page.
    """
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=201, headers={"Location": url})
    return see_other(url)


def answers_not_stored(error: DatabaseError, phone: str) -> str:
    """Log the kind of a database error (its text can quote the row), and return what the visitor is told."""
    logger.error("a mapping could not be stored: %s", type(error).__name__)
    if not phone:
        return _("The answers could not be stored. Your words are still on the form – try again.")
    text = _("The answers could not be stored. Your words are still on the form – try again or call %(phone)s.")
    return text % {"phone": phone}


def sent_already() -> str:
    """Return what is told who changes a mapping that has been sent: an old tab, or another device."""
    return _(
        "The mapping has been sent already, so this change was not stored. Write to Kati if something must be added."
    )


def too_many(retry_after: timedelta, phone: str) -> str:
    """Return how long to wait before sending again."""
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
