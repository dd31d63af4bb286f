"""The pause in the admin: card, buttons, history."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from html import unescape
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Field
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse_lazy
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from wagtail import hooks
from wagtail.admin import messages
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.components import Component
from wagtail.fields import RichTextField

from home.contact_details import ContactDetails
from home.dates import finnish_day
from home.pause.models import EDITABLE, PauseAction, PauseChange, PauseNotice, settings_from_snapshot
from home.pause.rules import (
    FormMode,
    PauseSettings,
    PauseState,
    TimelineEntry,
    announced_pause,
    calendar_day,
    last_welcome_day,
    pause_state,
    periods,
)
from home.pause.services import (
    NothingToUndo,
    PauseChangedMeanwhile,
    apply_elapsed_return,
    begin_pause,
    end_pause,
    set_full,
    undo_last,
    undoable,
)
from home.pause.settings_page import (
    PausePreview,
    PauseSettingsView,
    may_change,
    may_preview,
    message_with_undo,
    preview,
)
from home.pause.wording import past_days

_CONTACT_PAGE: dict[FormMode, str | Promise] = {
    FormMode.AS_USUAL: gettext_lazy("The contact page takes messages as usual."),
    FormMode.WAITING_LIST: gettext_lazy("The contact page takes people on the waiting list."),
    FormMode.CONTACT_DETAILS: gettext_lazy("The contact page shows the contact details and a way to the form."),
}
_CHANGED = gettext_lazy("The pause has been changed elsewhere since you opened this page. Check below how it is now.")
_DONE_ALREADY = gettext_lazy("This had been done already.")
# The URL arguments of Wagtail's settings views, for our views at the same URLs.
_SETTING = {"app_name": "home", "model_name": "pausenotice"}
# A function of home.pause.services that changes the pause.
PauseService = Callable[..., PauseNotice]
IsDone = Callable[[PauseSettings, datetime], bool]


def _timeline(notice: PauseNotice, changes: Iterable[PauseChange]) -> list[TimelineEntry]:
    """Return the settings over time, oldest first. `changes` come in any order; undone ones are left out."""
    ordered = sorted(changes, key=lambda change: change.version)
    if not ordered:
        return [TimelineEntry(notice.settings, None)]
    entries = [TimelineEntry(settings_from_snapshot(ordered[0].before), None)]
    undone: TimelineEntry | None = None
    for change in ordered:
        if change.action != PauseAction.UNDONE:
            entries.append(TimelineEntry(settings_from_snapshot(change.after), change.changed_at))
            undone = None
        elif undone is not None:
            # Undoing an undo redoes the change.
            entries.append(undone)
            undone = None
        elif len(entries) > 1:
            undone = entries.pop()
    return entries


@dataclass(frozen=True, slots=True)
class Button:
    """A button of the card. `url_name` names a view that takes a POST with the version."""

    url_name: str
    label: str
    is_main: bool = True


class PauseCard(Component):
    """The dashboard card, for users who may change the pause."""

    name = "pause"
    template_name = "home/pause/card.html"
    # Between the enquiries and the checklist.
    order = 55

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        notice = PauseNotice.load()
        changes = list(PauseChange.objects.all())
        status = notice.status(now=now, facebook_url=ContactDetails.load().facebook_url)
        settings = notice.settings
        since = next((period.begins_on for period in periods(_timeline(notice, changes), now)[-1:]), None)
        change = undoable(notice, now=now)
        apply_elapsed_return(notice, now=now)
        return {
            "notice": notice,
            "pause": status,
            "sentences": state_sentences(notice.settings, since, now),
            # No warning for the day on which the pause began, nor for days in a notice of the return: they may be past.
            "past_days": ", ".join(past_days(status.html, now=now, since=since))
            if status.state is not PauseState.RESUMED
            else "",
            "overdue_day": finnish_day(settings.returns_on) if status.state is PauseState.OVERDUE else "",
            "contact_page": _CONTACT_PAGE[status.form_mode],
            "buttons": buttons(notice.settings, now),
            "undoable": change,
            "today": calendar_day(now),
            "csrf_token": get_token(parent_context["request"]),
        }


def buttons(settings: PauseSettings, now: datetime) -> list[Button]:
    """Return the button for the pause and, except during a pause, the button for being full."""
    state = pause_state(settings, now)
    if state.is_paused:
        return [Button("pause_end", _("Open Aijuu"))]
    if announced_pause(settings, now) is not None:
        pause = Button("pause_end", _("Call off the announced pause"))
    else:
        pause = Button("pause_begin", _("Begin a pause now"))
    if state is PauseState.FULL:
        return [Button("pause_room", _("Take new people again")), replace(pause, is_main=False)]
    return [pause, Button("pause_full", _("Aijuu is full now"), is_main=False)]


def state_sentences(settings: PauseSettings, since: date | None, now: datetime) -> list[str]:
    """Describe the state with its days. `since` is the day on which the current pause began, if known."""
    state = pause_state(settings, now)
    announced = []
    if begins_on := announced_pause(settings, now):
        begins = _("A pause has been announced: it begins on %(day)s.") % {"day": finnish_day(begins_on)}
        announced = [begins, _return_day(settings)]
    if state is PauseState.FULL:
        return [_("Aijuu is full: no new work supervision is started."), *announced]
    if state is PauseState.RESUMED:
        return [_("Aijuu is open again."), *_return_notice_end(settings)]
    if not state.is_paused:
        return [_("Aijuu is open."), *announced]
    sentences = [_("Aijuu is on a pause.")]
    if since is not None:
        sentences = [_("Aijuu has been on a pause since %(day)s.") % {"day": finnish_day(since)}]
    if state is not PauseState.OVERDUE:
        sentences.append(_return_day(settings))
    if settings.full and not settings.opens_by_itself:
        sentences.append(_("After the pause Aijuu is still full, unless you untick that in the settings."))
    return sentences


def _return_day(settings: PauseSettings) -> str:
    if settings.returns_on is None:
        return _("No day of return has been announced.")
    sentence = (
        _("On %(day)s Aijuu opens by itself.")
        if settings.opens_by_itself
        else _("The announced day of return is %(day)s. Nothing opens by itself then: you are reminded.")
    )
    return sentence % {"day": finnish_day(settings.returns_on)}


def _return_notice_end(settings: PauseSettings) -> list[str]:
    if settings.ended_on is None:
        return []
    last = last_welcome_day(settings.ended_on, settings.welcome_days)
    return [_("The return is told on the site up to %(day)s.") % {"day": finnish_day(last)}]


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    message = gettext_lazy("Aijuu is on a pause. Visitors see the notice from the next page on.")
    return _run(request, begin_pause, message, is_done=lambda settings, now: pause_state(settings, now).is_paused)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    was = PauseNotice.load().settings
    message = gettext_lazy("Aijuu is open. Visitors see it from the next page on.")
    if announced_pause(was, timezone.now()) is not None:
        message = gettext_lazy("The announced pause was called off.")
    elif was.full:
        message = gettext_lazy("The pause has ended, and Aijuu is full. Visitors see it from the next page on.")
    return _run(request, end_pause, message, is_done=_has_no_pause)


def _has_no_pause(settings: PauseSettings, now: datetime) -> bool:
    return announced_pause(settings, now) is None and not pause_state(settings, now).is_paused


@require_POST
def fill(request: HttpRequest) -> HttpResponse:
    message = gettext_lazy("Aijuu is full. Visitors see it from the next page on, and can join the waiting list.")
    return _run(request, partial(set_full, full=True), message, is_done=lambda settings, _now: settings.full)


@require_POST
def make_room(request: HttpRequest) -> HttpResponse:
    message = gettext_lazy("Aijuu takes new people again. Visitors see it from the next page on.")
    return _run(request, partial(set_full, full=False), message, is_done=lambda settings, _now: not settings.full)


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    return _run(request, undo_last, gettext_lazy("The change was undone: all is again as it was before it."))


def _run(
    request: HttpRequest, service: PauseService, message: str | Promise, *, is_done: IsDone | None = None
) -> HttpResponse:
    """Call `service` and redirect with `message` or an error. `is_done` returns whether nothing is left to change."""
    user = request.user
    if not isinstance(user, get_user_model()) or not may_change(user):
        raise PermissionDenied
    now = timezone.now()
    try:
        _refuse_another_state(request, now)
        service(version=_version(request), by=user, now=now)
    except PauseChangedMeanwhile:
        # A button pressed twice is no conflict between two tabs.
        if is_done is not None and is_done(PauseNotice.load().settings, now):
            messages.info(request, _DONE_ALREADY)
        else:
            messages.error(request, _CHANGED)
    except NothingToUndo:
        messages.error(request, gettext_lazy("The last change can no longer be undone. Change the settings instead."))
    else:
        messages.success(request, message_with_undo(message))
    if request.POST.get("from") == "settings":
        return redirect("wagtailsettings:edit", "home", "pausenotice")
    return redirect("wagtailadmin_home")


def _refuse_another_state(request: HttpRequest, now: datetime) -> None:
    """Raise PauseChangedMeanwhile where a day has changed the state since the page with the button was shown."""
    shown = request.POST.get("state")
    if shown and shown != pause_state(PauseNotice.load().settings, now):
        raise PauseChangedMeanwhile


def _version(request: HttpRequest) -> int:
    """Return the version that the page showed; 0, which no notice has, where it is missing or invalid."""
    typed = request.POST.get("version", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A changed field: its label, and its new value in words."""

    label: str
    now: str


@dataclass(frozen=True, slots=True)
class Line:
    """A change in the history, with its differences."""

    change: PauseChange
    differences: list[FieldChange]


@never_cache
@require_safe
def history(request: HttpRequest) -> TemplateResponse:
    if not may_change(request.user):
        raise PermissionDenied
    changes = list(PauseChange.objects.select_related("changed_by"))
    pauses = periods(_timeline(PauseNotice.load(), changes), timezone.now())
    context = {
        "lines": [Line(change, differences(change.before, change.after)) for change in changes],
        "pauses": pauses[::-1],
    }
    return TemplateResponse(request, "home/pause/history.html", context)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[FieldChange]:
    """Return the fields whose values in words differ. `active` is left out, because the action states it."""
    return [
        FieldChange(capfirst(str(_field(name).verbose_name)), _in_words(name, after[name]))
        for name in EDITABLE
        if name != "active" and _in_words(name, before[name]) != _in_words(name, after[name])
    ]


def _field(name: str) -> Field[Any, Any]:
    return next(field for field in PauseNotice._meta.concrete_fields if field.name == name)


def _in_words(name: str, value: Any) -> str:
    field = _field(name)
    if isinstance(field, RichTextField):
        return _("“%(words)s”") % {"words": words} if (words := _plain(value)) else _("the usual wording")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if value is None:
        return _("no day")
    day = parse_date(value) if isinstance(value, str) else None
    return finnish_day(day) or str(value)


def _plain(html: str) -> str:
    return " ".join(unescape(strip_tags(html.replace("</p>", " ").replace("<br/>", " "))).split())


# Before Wagtail's URLs: its view for every setting has the same URL.
@hooks.register("register_admin_urls", order=-1)
def register_pause_urls() -> list[URLPattern]:
    return [
        path("tauko/aloita/", begin, name="pause_begin"),
        path("tauko/avaa/", end, name="pause_end"),
        path("tauko/taynna/", fill, name="pause_full"),
        path("tauko/vapaata/", make_room, name="pause_room"),
        path("tauko/kumoa/", undo, name="pause_undo"),
        path("tauko/esikatselu/", preview, name="pause_preview"),
        path("tauko/historia/", history, name="pause_history"),
        path("settings/home/pausenotice/<int:pk>/", PauseSettingsView.as_view(), _SETTING),
        path("settings/home/pausenotice/<int:pk>/preview/", PausePreview.as_view(), _SETTING),
    ]


@hooks.register("construct_homepage_panels", order=-1)
def add_pause_card(request: HttpRequest, panels: list[Any]) -> None:
    if may_change(request.user):
        panels.append(PauseCard())


class PreviewMenuItem(MenuItem):
    """The preview for users without the card, where `preview_audience` allows it."""

    def is_shown(self, request: HttpRequest) -> bool:
        return not may_change(request.user) and may_preview(request.user, PauseNotice.load(request))


@hooks.register("register_help_menu_item")
def preview_menu_item() -> MenuItem:
    return PreviewMenuItem(
        gettext_lazy("Preview of the pause"),
        reverse_lazy("pause_preview"),
        name="pause-preview",
        icon_name="view",
        order=160,
    )
