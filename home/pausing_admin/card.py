"""The pause on the first page of the admin: how it stands, what visitors see, and one button."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.components import Component

from home.models import ContactDetails, PauseChange, PauseNotice
from home.pause import FormMode, PauseSettings, PauseState, calendar_day, last_welcome_day
from home.pause.periods import periods
from home.pausing_admin.timeline import timeline
from home.services.pausing import put_to_rest, undoable

_CONTACT_PAGE: dict[FormMode, str | Promise] = {
    FormMode.AS_USUAL: gettext_lazy("The contact page takes messages as usual."),
    FormMode.WAITING_LIST: gettext_lazy("The contact page takes people on the waiting list."),
    FormMode.CONTACT_DETAILS: gettext_lazy("The contact page shows the contact details and a way to the form."),
}


@dataclass(frozen=True, slots=True)
class Button:
    """`address` is the name of a view that takes a POST with the version."""

    address: str
    label: str


class PauseCard(Component):
    """For those who may change the pause. Between the enquiries and the checklist."""

    name = "pause"
    template_name = "home/pausing/card.html"
    order = 55

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        notice = PauseNotice.load()
        changes = list(PauseChange.objects.all())
        status = notice.status(now=now, facebook_url=ContactDetails.load().facebook_url)
        settings = notice.settings
        since = next((period.begins_on for period in periods(timeline(notice, changes), now)[-1:]), None)
        change = undoable(notice, now=now)
        put_to_rest(notice, now=now)
        return {
            "notice": notice,
            "pause": status,
            "sentences": standing(status.state, notice.settings, since),
            "overdue_day": date_format(settings.returns_on, "j.n.Y")
            if status.state is PauseState.OVERDUE and settings.returns_on
            else "",
            "contact_page": _CONTACT_PAGE[status.form_mode],
            "button": button(status.state),
            "undoable": change,
            "today": calendar_day(now),
            "csrf_token": get_token(parent_context["request"]),
        }


def button(state: PauseState) -> Button:
    """The one deed that the state calls for."""
    if state is PauseState.UPCOMING:
        return Button("pause_end", _("Call off the announced pause"))
    if state.is_paused:
        return Button("pause_end", _("Open Aijuu"))
    return Button("pause_begin", _("Begin a pause now"))


def standing(state: PauseState, settings: PauseSettings, since: date | None) -> list[str]:
    """The state in sentences with its days. `since` is the day on which the pause that stands began, if known."""
    if state is PauseState.OPEN:
        return [_("Aijuu is open.")]
    if state is PauseState.RESUMED:
        return [_("Aijuu is open again."), *_welcome(settings)]
    if state is PauseState.UPCOMING:
        begins = _("Aijuu is open. A pause has been announced: it begins on %(day)s.")
        return [begins % {"day": _day(settings.begins_on)}, _return(settings)]
    paused = _("Aijuu is on a pause.")
    if since is not None:
        paused = _("Aijuu has been on a pause since %(day)s.") % {"day": _day(since)}
    return [paused] if state is PauseState.OVERDUE else [paused, _return(settings)]


def _return(settings: PauseSettings) -> str:
    if settings.returns_on is None:
        return _("No day of return has been announced.")
    told = (
        _("On %(day)s Aijuu opens by itself.")
        if settings.opens_by_itself
        else _("The announced day of return is %(day)s. Nothing opens by itself then: you are reminded.")
    )
    return told % {"day": _day(settings.returns_on)}


def _welcome(settings: PauseSettings) -> list[str]:
    if settings.ended_on is None:
        return []
    last = last_welcome_day(settings.ended_on, settings.welcome_days)
    return [_("The return is told on the site up to %(day)s.") % {"day": _day(last)}]


def _day(day: date | None) -> str:
    return date_format(day, "j.n.Y") if day else ""
