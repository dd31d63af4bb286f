"""The settings form of the pause, which saves through home.pause.services, and the preview of another state or time."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import ObjectList, Panel
from wagtail.contrib.settings.views import EditView, PreviewOnEdit
from wagtail.models import Page

from home.contact_details import ContactDetails
from home.dates import DayFormField, DayInput, finnish_moment
from home.pause.models import (
    EDITABLE,
    PREVIEW_STATES,
    PauseChange,
    PauseNotice,
    PreviewAudience,
    preview_attributes,
    previewed_pages,
)
from home.pause.rules import CALENDAR, PauseState, settings_for_state
from home.pause.services import PauseChangedMeanwhile, apply_elapsed_return, change_pause, undoable
from home.pause.wording import PauseStatus, pause_status

CHANGE_PAUSE = "home.change_pausenotice"
# The id of the form in templates/home/pause/undo.html. A button in a message submits it by its `form` attribute.
UNDO_FORM = "pause-undo"
NOT_A_DAY = gettext_lazy("Check the day. Write it as 1.2.2027.")


def may_change(user: PermissionsMixin | AnonymousUser) -> bool:
    """Return whether `user` may change the pause and read its history."""
    return user.has_perm(CHANGE_PAUSE)


def may_preview(user: PermissionsMixin | AnonymousUser, notice: PauseNotice) -> bool:
    """Return whether `user` may preview the site in another state (`preview_audience` of `notice`)."""
    if may_change(user):
        return True
    return notice.preview_audience == PreviewAudience.EVERYBODY and user.has_perm("wagtailadmin.access_admin")


def message_with_undo(message: str | Promise) -> SafeString:
    """Return `message` with an "undo" button. The page that shows it must contain the form UNDO_FORM."""
    return format_html(
        '{} <button type="submit" form="{}" class="button button-small button-secondary">{}</button>',
        message,
        UNDO_FORM,
        _("Undo"),
    )


class PauseForm(WagtailAdminModelForm):
    """The settings form. It refuses to save over a version that the user has not seen, and keeps what was typed.

    `check_version=False` is for a preview, which saves with `commit=False` and stores nothing. save() raises
    PauseChangedMeanwhile where the pause was changed after is_valid().
    """

    data: Any
    instance: PauseNotice
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, check_version: bool = True, **kwargs: Any) -> None:
        self.check_version = check_version
        notice: PauseNotice = kwargs["instance"]
        # A pause that has opened by itself is over, even where the worker has not recorded it yet.
        apply_elapsed_return(notice, now=timezone.now())
        kwargs["initial"] = {**(kwargs.get("initial") or {}), "seen_version": notice.version}
        super().__init__(*args, **kwargs)
        for name in ("begins_on", "returns_on"):
            field = self.fields[name]
            field.widget = DayInput(attrs=field.widget.attrs)
            field.error_messages["invalid"] = NOT_A_DAY

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if self.check_version and cleaned.get("seen_version") != self.instance.version:
            self.refuse_old_version()
        return cleaned

    def refuse_old_version(self) -> None:
        """Add an error, and set `seen_version` to the current one, so that saving again succeeds."""
        notice = PauseNotice.objects.get(pk=self.instance.pk)
        self.data = self.data.copy()
        self.data["seen_version"] = str(notice.version)
        self.add_error(None, changed_meanwhile(notice))

    def save(self, commit: bool = True) -> PauseNotice:
        if not commit:
            return self.instance
        values = {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}
        self.instance = change_pause(
            values=values, version=self.cleaned_data["seen_version"], by=self.for_user, now=timezone.now()
        )
        return self.instance


def changed_meanwhile(notice: PauseNotice) -> str:
    """Return the error message for saving over an unseen change."""
    message = _("The pause has been changed elsewhere since you opened this page.")
    if change := PauseChange.objects.filter(version=notice.version).first():
        message += " " + _("Last: %(action)s (%(moment)s).") % {
            "action": change.get_action_display(),
            "moment": finnish_moment(change.changed_at),
        }
    return message + " " + _("What you wrote is still here. Check it, and save again if it should hold.")


@cache
def _panel() -> Panel:
    return ObjectList(PauseNotice.panels, base_form_class=PauseForm).bind_to_model(PauseNotice)


class PausePreview(PreviewOnEdit):
    """Wagtail's preview of unsaved settings. It also works on a page that was opened before the last change."""

    def get_form(self, query_dict: QueryDict) -> PauseForm:
        form_class: type[PauseForm] = _panel().get_form_class()
        return form_class(query_dict or None, instance=self.object, for_user=self.request.user, check_version=False)


class PauseSettingsView(EditView):
    """Wagtail's settings page with an undo button."""

    template_name = "home/pause/settings.html"
    error_message = gettext_lazy("The pause could not be saved. Check what is marked.")

    def get_panel(self) -> Panel:
        return _panel()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "undoable": undoable(PauseNotice.objects.get(pk=self.object.pk), now=timezone.now()),
        }

    def get_success_message(self) -> str:
        return message_with_undo(gettext_lazy("The settings were saved. Visitors see it so from the next page on."))

    def form_valid(self, form: PauseForm) -> HttpResponse:
        try:
            return super().form_valid(form)
        except PauseChangedMeanwhile:
            form.refuse_old_version()
            self.produced_error_message = self.get_error_message()
            return self.form_invalid(form)


_NOON = time(12)
# The frame blocks scripts, and the browser's console would report each one.
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

    Unsaved settings have Wagtail's own preview beside the form (`PauseNotice.serve_preview`).
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
    """Return the status to preview, and the name of the chosen state or time."""
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
