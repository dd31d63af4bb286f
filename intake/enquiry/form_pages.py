"""What the pages of all public forms share: the notices beside a form, and how its posts are answered."""

import logging
import math
from collections.abc import Callable, Mapping
from copy import copy
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
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from home.contact_details import ContactDetails
from home.pause.wording import PauseStatus
from intake.rate_limit import Source, TooManyPosts, source_of
from intake.settings import IntakeSettings
from intake.submission import ShownTerms, ShownTexts

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

    `content`: what is posted, for the log. `not_stored` and `not_stored_call` (with the phone number): the notice to
    the visitor if the database fails. `refusals`: the status and notice for exceptions of the form's own services.
    """

    content: str
    not_stored: str | Promise
    not_stored_call: str | Promise
    refusals: Mapping[type[Exception], tuple[int, str | Promise]] = field(default_factory=dict)

    def answer(self, request: HttpRequest, *, store: Callable[[], str], show_again: ShowAgain) -> HttpResponse:
        """Call `store` and redirect to the URL that it returns; if it fails, show the form as typed.

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
    """Read a post as UTF-8. Returns False if Django refuses to read it because it is far too large."""
    if request.encoding != "utf-8":
        # No browser sends another charset, which may not even be a text encoding ("hex").
        request.encoding = "utf-8"
    try:
        return request.POST is not None
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        return False


def too_long_response(request: HttpRequest, context: dict[str, Any] | None = None) -> HttpResponse:
    """Return the page (413) for a post that read_post() could not read. Its text can't be shown again."""
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


@dataclass(frozen=True, kw_only=True)
class FormNotices:
    """The notices of one form. `privacy` is safe HTML, the others are plain text."""

    warning_heading: str
    warning_body: str
    crisis_note: str
    privacy: SafeString
    pause: str
    # The description of the waiting list, and the label of its checkbox for mail on free times; empty on other forms.
    waiting_lead: str = ""
    waiting_points: tuple[str, ...] = ()
    consent: str = ""

    def as_context(self) -> dict[str, Any]:
        return {
            "waiting_lead": self.waiting_lead,
            "waiting_points": self.waiting_points,
            "warning_heading": self.warning_heading,
            "warning_body": self.warning_body,
            "crisis_note": self.crisis_note,
            "privacy_notice": self.privacy,
        }

    def as_shown(self, *, consented: bool = False, terms: ShownTerms | None = None) -> ShownTexts:
        """Return the texts to store; the label of the checkbox only if it was ticked.

        `terms`: the terms that the form's page showed. The notice of the pause is taken from them.
        """
        return ShownTexts(
            waiting=" ".join([self.waiting_lead, *self.waiting_points]).strip(),
            consent=self.consent if consented else "",
            warning=f"{self.warning_heading}. {self.warning_body}",
            crisis_note=self.crisis_note,
            privacy=strip_tags(self.privacy),
            pause=self.pause if terms is None else terms.pause,
        )


def terms_now(*, chosen: IntakeSettings, pause: PauseStatus) -> ShownTerms:
    """Return the terms that a page shows with these settings."""
    return ShownTerms(
        retention_months=chosen.retention_months,
        spam_days=chosen.spam_days,
        waiting_months=chosen.waiting_months,
        pause=pause.text,
    )


def at_most(terms: ShownTerms | None, *, chosen: IntakeSettings) -> IntakeSettings:
    """Return the settings with no time longer than the form's page showed. The result must not be saved."""
    if terms is None:
        return chosen
    limited = copy(chosen)
    limited.retention_months = min(chosen.retention_months, terms.retention_months)
    limited.spam_days = min(chosen.spam_days, terms.spam_days)
    limited.waiting_months = min(chosen.waiting_months, terms.waiting_months)
    return limited


def form_notices(*, details: ContactDetails, pause: PauseStatus, chosen: IntakeSettings | None = None) -> FormNotices:
    """Return the current notices."""
    return FormNotices(
        warning_heading=_("Write in general terms"),
        warning_body=_(
            "Do not write personal identity codes, facts about health or other sensitive matters on the form. Do not "
            "name or describe clients, pupils, patients or colleagues so that they can be recognised. Details are "
            "talked about in confidence when you meet. If such facts are there all the same, Kati removes them."
        ),
        crisis_note=_("The form is not read around the clock. In an emergency call 112."),
        privacy=_privacy_notice((chosen or IntakeSettings.load()).retention_months, details.privacy_url),
        pause=pause.text,
    )


def _privacy_notice(months: int, privacy_url: str) -> SafeString:
    text = ngettext(
        "Kati uses your details to answer you and to map the situation. They are removed at the latest %(months)d "
        "month after the matter has ended.",
        "Kati uses your details to answer you and to map the situation. They are removed at the latest %(months)d "
        "months after the matter has ended.",
        months,
    ) % {"months": months}
    return with_privacy_link(text, privacy_url)


def with_privacy_link(text: str, privacy_url: str) -> SafeString:
    if not privacy_url:
        return format_html("<p>{}</p>", text)
    link_start = format_html('<a href="{}">', privacy_url)
    more = format_html(_("Read the {start}privacy notice{end}."), start=link_start, end=mark_safe("</a>"))
    return format_html("<p>{} {}</p>", text, more)
