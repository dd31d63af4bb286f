"""Preview of the site in another state of the pause, or at another time. Nothing is stored or sent."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from wagtail.models import Page, Site

from home.contact_details import ContactDetails
from home.dates import DayFormField, finnish_moment
from home.pause.models import PauseNotice
from home.pause.rules import CALENDAR, PauseState, settings_for_state
from home.pause.selectors import preview_attributes
from home.pause.settings_page import NOT_A_DAY, may_change, may_preview, pause_form_class
from home.pause.wording import PauseStatus, pause_status

STATES: list[tuple[str, str | Promise]] = [
    (PauseState.OPEN, gettext_lazy("Aijuu open")),
    (PauseState.UPCOMING, gettext_lazy("Pause announced")),
    (PauseState.PAUSED, gettext_lazy("On a pause")),
    (PauseState.OVERDUE, gettext_lazy("The announced day has passed")),
    (PauseState.RESUMED, gettext_lazy("Returned")),
]
_NOON = time(12)
# The frame runs no scripts, and the console would report each one.
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)


class MomentForm(forms.Form):
    """Which state or time to preview. Its prefix keeps it apart from the unsaved settings in the same POST."""

    prefix = "preview"
    state = forms.ChoiceField(label=gettext_lazy("State"), choices=[("", ""), *STATES], required=False)
    day = DayFormField(
        label=gettext_lazy("Day"),
        required=False,
        widget=forms.DateInput(attrs={"placeholder": "1.2.2027", "autocomplete": "off"}),
        error_messages={"invalid": NOT_A_DAY},
    )
    clock = forms.TimeField(
        label=gettext_lazy("Time of day"),
        required=False,
        widget=forms.TimeInput(format="%H.%M", attrs={"placeholder": "12.00", "autocomplete": "off"}),
        error_messages={"invalid": gettext_lazy("Write the time of day as 12.00.")},
        input_formats=["%H.%M", "%H:%M", "%H"],
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """A page of the site in the preview, as the HTML that a visitor would get."""

    title: str
    html: str


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest) -> HttpResponse:
    """Show the front page and the contact page: GET with the saved settings, POST with the unsaved form.

    Answers 422 with the form's errors, and without pages, where the input is invalid.
    """
    notice = PauseNotice.load()
    if not may_preview(request.user, notice):
        raise PermissionDenied
    data = request.POST if request.method == "POST" else request.GET
    chosen = MomentForm(data)
    is_unsaved = request.method == "POST"
    method = "post" if is_unsaved else "get"
    context: dict[str, Any] = {"chosen": chosen, "states": STATES, "is_unsaved": is_unsaved, "method": method}
    status_code = 200
    if is_unsaved:
        if not may_change(request.user):
            raise PermissionDenied
        form = pause_form_class()(data, instance=notice, for_user=request.user, check_version=False)
        context |= {"form": form, "carried": _unsaved_fields(data)}
        if not form.is_valid():
            return _answer(request, context, status=422)
        notice = form.instance
    if chosen.is_valid():
        status, words = _chosen_status(request, notice, chosen.cleaned_data)
        context |= {"pause": status, "words": words, "frames": _frames(request, status)}
    else:
        status_code = 422
    return _answer(request, context, status=status_code)


def _answer(request: HttpRequest, context: dict[str, Any], *, status: int) -> HttpResponse:
    response = TemplateResponse(request, "home/pause/preview.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    return response


def _chosen_status(request: HttpRequest, notice: PauseNotice, chosen: dict[str, Any]) -> tuple[PauseStatus, str]:
    """Return the state to preview, and words that say which state or time it is."""
    facebook_url = ContactDetails.load(request).facebook_url
    now = timezone.now()
    if chosen["state"]:
        settings = settings_for_state(notice.settings, PauseState(chosen["state"]), now)
        return pause_status(settings, words=notice.words, facebook_url=facebook_url, now=now), str(
            dict(STATES)[chosen["state"]]
        )
    if chosen["day"]:
        now = datetime.combine(chosen["day"], chosen["clock"] or _NOON, CALENDAR)
        words = _("On %(moment)s") % {"moment": finnish_moment(now)}
    else:
        words = _("Now")
    return notice.status(now=now, facebook_url=facebook_url), words


def _frames(request: HttpRequest, status: PauseStatus) -> list[Frame]:
    site = Site.find_for_request(request)
    contact_page = ContactDetails.load(request).contact_page
    pages: list[tuple[str, Page | None]] = [
        (_("The front page"), site.root_page if site else None),
        (_("The contact page"), contact_page if contact_page and contact_page.live else None),
    ]
    return [Frame(title, _html(request, page.specific, status)) for title, page in pages if page is not None]


def _html(request: HttpRequest, page: Page, status: PauseStatus) -> str:
    """Return the page as a visitor would get it, without scripts; links open outside the frame."""
    answer = page.make_preview_request(
        request, page.default_preview_mode, extra_request_attrs=preview_attributes(status)
    )
    html = _SCRIPT.sub("", answer.content.decode())
    return html.replace("<head>", '<head><base target="_blank">', 1)


def _unsaved_fields(data: QueryDict) -> list[tuple[str, str]]:
    """Return the unsaved settings as hidden fields, to be sent again when another state is chosen."""
    ours = ("csrfmiddlewaretoken", *(f"preview-{name}" for name in MomentForm.base_fields))
    return [(name, value) for name, values in data.lists() if name not in ours for value in values]
