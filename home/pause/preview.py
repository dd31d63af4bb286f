"""Preview of the site in another state of the pause, or at another time. Nothing is stored or sent."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from wagtail.models import Page

from home.contact_details import ContactDetails
from home.dates import DayFormField, finnish_moment
from home.pause.models import PREVIEW_STATES, PauseNotice, previewed_pages
from home.pause.rules import CALENDAR, PauseState, settings_for_state
from home.pause.selectors import preview_attributes
from home.pause.settings_page import NOT_A_DAY, may_preview
from home.pause.wording import PauseStatus, pause_status

_NOON = time(12)
# The frame runs no scripts, and the console would report each one.
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)


class MomentForm(forms.Form):
    """Which state or time to preview."""

    prefix = "preview"
    state = forms.ChoiceField(label=gettext_lazy("State"), choices=[("", ""), *PREVIEW_STATES], required=False)
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
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """Show the front page and the contact page with the saved settings. Answers 422, without pages, to invalid input.

    What is not saved has Wagtail's own preview beside the form (`PauseNotice.serve_preview`).
    """
    notice = PauseNotice.load()
    if not may_preview(request.user, notice):
        raise PermissionDenied
    chosen = MomentForm(request.GET)
    context: dict[str, Any] = {"chosen": chosen, "states": PREVIEW_STATES}
    if chosen.is_valid():
        status, words = _chosen_status(request, notice, chosen.cleaned_data)
        context |= {"pause": status, "words": words, "frames": _frames(request, status)}
    response = TemplateResponse(request, "home/pause/preview.html", context, status=200 if chosen.is_valid() else 422)
    response["X-Robots-Tag"] = "noindex"
    return response


def _chosen_status(request: HttpRequest, notice: PauseNotice, chosen: dict[str, Any]) -> tuple[PauseStatus, str]:
    """Return the state to preview, and words that say which state or time it is."""
    facebook_url = ContactDetails.load(request).facebook_url
    now = timezone.now()
    if chosen["state"]:
        settings = settings_for_state(notice.settings, PauseState(chosen["state"]), now)
        return pause_status(settings, words=notice.words, facebook_url=facebook_url, now=now), str(
            dict(PREVIEW_STATES)[chosen["state"]]
        )
    if chosen["day"]:
        now = datetime.combine(chosen["day"], chosen["clock"] or _NOON, CALENDAR)
        words = _("On %(moment)s") % {"moment": finnish_moment(now)}
    else:
        words = _("Now")
    return notice.status(now=now, facebook_url=facebook_url), words


def _frames(request: HttpRequest, status: PauseStatus) -> list[Frame]:
    return [Frame(str(title), _html(request, page, status)) for _key, title, page in previewed_pages()]


def _html(request: HttpRequest, page: Page, status: PauseStatus) -> str:
    """Return the page as a visitor would get it, without scripts; links open outside the frame."""
    answer = page.make_preview_request(
        request, page.default_preview_mode, extra_request_attrs=preview_attributes(status)
    )
    html = _SCRIPT.sub("", answer.content.decode())
    return html.replace("<head>", '<head><base target="_blank">', 1)
