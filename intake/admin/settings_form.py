"""The form of the enquiry settings: Wagtail's, but a shorter time asks before it removes anything."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail.admin.forms import WagtailAdminModelForm

from intake.models.settings import IntakeSettings
from intake.services.shortening import Times, is_shorter, removed_by


class IntakeSettingsForm(WagtailAdminModelForm):
    """Asks for a tick where a shorter time would remove stored enquiries; the tick holds for the number it named."""

    data: Any
    removes_at_most = forms.IntegerField(required=False, widget=forms.HiddenInput)
    removal_confirmed = forms.BooleanField(
        required=False,
        label=_("Yes, remove them"),
        help_text=_(
            "Asked only when a shorter time would remove stored enquiries. They go a day after saving at the earliest; "
            "until then you can set the old time again."
        ),
    )

    # Whether the tick is asked for: the page shows it only then.
    asks_to_confirm = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        new = self._times(cleaned)
        if new is None or not is_shorter(new, self._stored_times()):
            return cleaned
        removed = removed_by(new, now=timezone.now())
        confirmed = cleaned.get("removal_confirmed") and (cleaned.get("removes_at_most") or 0) >= removed
        if removed and not confirmed:
            self.asks_to_confirm = True
            # What is confirmed is this number, and no tick of an earlier one.
            self.data = self.data.copy()
            self.data["removes_at_most"] = str(removed)
            self.data.pop("removal_confirmed", None)
            self.add_error(
                "removal_confirmed",
                ngettext(
                    "With this time %(count)d enquiry is removed in a day. Tick the box if that is what you want, "
                    "and save again.",
                    "With this time %(count)d enquiries are removed in a day. Tick the box if that is what you want, "
                    "and save again.",
                    removed,
                )
                % {"count": removed},
            )
        return cleaned

    def save(self, commit: bool = True) -> IntakeSettings:
        new = self._times(self.cleaned_data)
        if new is not None and is_shorter(new, self._stored_times()):
            self.instance.shortened_at = timezone.now()
        saved: IntakeSettings = super().save(commit=commit)
        return saved

    def _times(self, values: dict[str, Any]) -> Times | None:
        """Return the times of the form; None where one of them is not valid."""
        times = {name: values.get(name) for name in Times.__dataclass_fields__}
        return Times(**times) if all(value is not None for value in times.values()) else None  # type: ignore[arg-type]

    def _stored_times(self) -> Times:
        # Not the instance: the form has written the new times into it.
        stored = IntakeSettings.objects.get(pk=self.instance.pk)
        return Times(**{name: getattr(stored, name) for name in Times.__dataclass_fields__})
