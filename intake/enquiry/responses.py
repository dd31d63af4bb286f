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

logger = logging.getLogger(__name__)


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


def answers_not_stored_message(error: DatabaseError, phone: str) -> str:
    """Log the type of a database error (its text can quote the row), and return a message for the visitor."""
    logger.error("a mapping could not be stored: %s", type(error).__name__)
    if not phone:
        return _("The answers could not be stored. Your words are still on the form – try again.")
    text = _("The answers could not be stored. Your words are still on the form – try again or call %(phone)s.")
    return text % {"phone": phone}


def already_sent_message() -> str:
    """Return the message for a change to a mapping that was already sent, from an old tab or another device."""
    return _(
        "The mapping has been sent already, so this change was not stored. Write to Kati if something must be added."
    )


def rate_limit_message(retry_after: timedelta, phone: str) -> str:
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
