"""The settings form of the pause, saved through the service."""

from functools import cache
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import ObjectList, Panel
from wagtail.contrib.settings.views import EditView

from home.dates import DayInput
from home.pause.models import PauseChange, PauseNotice, PreviewAudience
from home.pause.services import EDITABLE, PauseChangedMeanwhile, change_pause, put_to_rest, undoable

CHANGE_PAUSE = "home.change_pausenotice"


def may_change(user: User | AnonymousUser) -> bool:
    """Whether `user` may change the pause and read its history."""
    return user.has_perm(CHANGE_PAUSE)


def may_preview(user: User | AnonymousUser, notice: PauseNotice) -> bool:
    """Whether `user` may see the site as it is in another state: as Kati has chosen in `notice`."""
    if may_change(user):
        return True
    return notice.preview_audience == PreviewAudience.EVERYBODY and user.has_perm("wagtailadmin.access_admin")


# The form beside the card (templates/home/pause/undo.html), so that the message needs no form of its own.
UNDO_FORM = "pause-undo"


def said_with_undo(words: str | Promise) -> SafeString:
    """`words` and a button that undoes what they tell. The page that shows them has the undo form on it."""
    return format_html(
        '{} <button type="submit" form="{}" class="button button-small button-secondary">{}</button>',
        words,
        UNDO_FORM,
        _("Undo"),
    )


MOMENT = r"j.n.Y \k\l\o\ G.i"
NOT_A_DAY = gettext_lazy("Check the day. Write it as 1.2.2027.")


class PauseForm(WagtailAdminModelForm):
    """Knows which version it was opened on. From an old tab the words come back, with what has happened meanwhile.

    `check_version=False` is for a preview, which stores nothing. save() raises PauseChangedMeanwhile for a change of
    the same instant.
    """

    data: Any
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, check_version: bool = True, **kwargs: Any) -> None:
        self.check_version = check_version
        notice: PauseNotice = kwargs["instance"]
        # A pause that opened by itself last night is over, whether or not the worker has written it down yet.
        put_to_rest(notice, now=timezone.now())
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
        """Say that the pause has changed; saved once more, knowing that, the form holds."""
        notice = PauseNotice.objects.get(pk=self.instance.pk)
        self.data = self.data.copy()
        self.data["seen_version"] = str(notice.version)
        self.add_error(None, changed_meanwhile(notice))

    def save(self, commit: bool = True) -> PauseNotice:
        values = {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}
        self.instance = change_pause(
            values=values, version=self.cleaned_data["seen_version"], by=self.for_user, now=timezone.now()
        )
        return self.instance


def changed_meanwhile(notice: PauseNotice) -> str:
    """What to tell whoever saves over a change that they have not seen."""
    told = _("The pause has been changed elsewhere since you opened this page.")
    if change := PauseChange.objects.filter(version=notice.version).first():
        moment = date_format(timezone.localtime(change.changed_at), MOMENT)
        told += " " + _("Last: %(deed)s (%(moment)s).") % {"deed": change.get_deed_display(), "moment": moment}
    return told + " " + _("What you wrote is still here. Check it, and save again if it should hold.")


@cache
def _panel() -> Panel:
    return ObjectList(PauseNotice.panels, base_form_class=PauseForm).bind_to_model(PauseNotice)


def pause_form_class() -> type[PauseForm]:
    """The form with all the fields that the page has."""
    form_class: type[PauseForm] = _panel().get_form_class()
    return form_class


class PauseSettingsView(EditView):
    """Wagtail's page of a setting, with a preview of what is not saved yet, and a way back after a change."""

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
        return said_with_undo(gettext_lazy("The pause was saved. Visitors see it so from the next page on."))

    def form_valid(self, form: PauseForm) -> HttpResponse:
        try:
            return super().form_valid(form)
        except PauseChangedMeanwhile:
            form.refuse_old_version()
            self.produced_error_message = self.get_error_message()
            return self.form_invalid(form)
