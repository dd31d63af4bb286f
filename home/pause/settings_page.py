"""The settings form of the pause. It saves through home.pause.services."""

from functools import cache
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import HttpResponse, QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import ObjectList, Panel
from wagtail.contrib.settings.views import EditView, PreviewOnEdit

from home.dates import DayInput, finnish_moment
from home.pause.models import EDITABLE, PauseChange, PauseNotice, PreviewAudience
from home.pause.services import PauseChangedMeanwhile, apply_elapsed_return, change_pause, undoable

CHANGE_PAUSE = "home.change_pausenotice"
# The id of the form in templates/home/pause/undo.html. A button in a message belongs to it through its `form`.
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
    """Wagtail's preview of what is not saved, also from a page that was opened before the last change."""

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
