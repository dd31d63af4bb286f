"""Self-contained error pages: 400, 413, 500, and 503 during maintenance.

They use an inline style and need no database, context processor or static file. The contact details come from
home.contact_details. Their policy allows that one style by its digest (CSP Level 3, section 8.2).
"""

import base64
import hashlib
import re
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from home.contact_details import cached_contact
from intake.enquiry.form_pages import read_post
from intake.mapping.private_pages import TypedAnswer, typed_answers
from intake.mapping.questions import QuestionSet

# Innermost first. Dotted paths, because aijuu_site.middleware imports this module.
_HEADER_MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "aijuu_site.middleware.SecurityHeadersMiddleware",
)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def style_sources(html: str) -> list[str]:
    """Return the CSP source `'sha256-…'` of each <style> in a page."""
    digests = (hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(html))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def plain_page(name: str, *, typed: Sequence[TypedAnswer] = ()) -> str:
    """Return the HTML of the template `name`, such as "500.html", with the text that a visitor has sent."""
    # Without a request, so that no context processor runs. lstrip(): template comments leave empty lines at the start.
    return render_to_string(name, {"contact": cached_contact(), "typed": typed}).lstrip()


def plain_response(name: str, *, status: int, typed: Sequence[TypedAnswer] = ()) -> HttpResponse:
    """Return an uncacheable response with the template `name`. Its policy allows the page's own style."""
    html = plain_page(name, typed=typed)
    response = HttpResponse(html, status=status, headers={"Cache-Control": "no-store"})
    response._csp_update = {"style-src": style_sources(html)}  # type: ignore[attr-defined]
    return response


def refused_request_page(code: int) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body for a request that the server refuses before Django sees it (413, 408, …)."""
    page = plain_response({413: "413.html", 500: "500.html"}.get(code, "400.html"), status=code)
    return _with_headers(page)


def overloaded_page(request: HttpRequest) -> tuple[list[tuple[str, str]], bytes]:
    """Return headers and body (503) for a request that no thread was free for, with the text that it contained."""
    page = plain_response("500.html", status=503, typed=_typed_words(request))
    return _with_headers(page)


def _with_headers(page: HttpResponse) -> tuple[list[tuple[str, str]], bytes]:
    request = HttpRequest()
    # Stands in for the header of a proxy, because this request object is created here.
    request.META["HTTP_X_FORWARDED_PROTO"] = urlsplit(settings.SITE_URL).scheme
    response: HttpResponseBase = page
    for middleware in map(import_string, _HEADER_MIDDLEWARE):
        response = middleware(lambda _request, inner=response: inner)(request)
    return list(response.items()), page.content


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    # Without the reason, which may repeat submitted data.
    return plain_response("400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; the status is 503 if the database did not answer.

    The page returns the text that a visitor sent, even if the database could not find the page of the form.
    """
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    return plain_response("500.html", status=503 if is_away else 500, typed=_typed_words(request))


def _typed_words(request: HttpRequest) -> Sequence[TypedAnswer]:
    if request.method != "POST" or request.path.startswith(settings.ADMIN_PATH):
        return ()
    try:
        # With an empty question set, so that the labels of questions are not read from the database.
        return typed_answers(request.POST, QuestionSet()) if read_post(request) else ()
    except (OSError, MultiPartParserError, BadRequest):
        # The POST was cut off or is not from our forms; there is no text to show.
        return ()
