"""The form of the pause in the settings: Wagtail's, but it saves through the service."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.forms import WagtailAdminModelForm

from home.day_field import DayInput
from home.models import PauseChange, PauseNotice
from home.services.pausing import EDITABLE, change_pause, put_to_rest

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
