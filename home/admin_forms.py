"""Forms of the admin: moments as Finns write and read them, and changes of another window that are not undone."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Model, QuerySet
from django.template.defaultfilters import yesno
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.compare import FieldComparison, register_comparison_class
from wagtail.admin.forms.models import register_form_field_override
from wagtail.admin.panels import FieldPanel, PublishingPanel
from wagtail.admin.widgets import AdminDateTimeInput

from home.dates import ImplausibleYear, OtherWeekday, day_error_message, finnish_moment, parse_moment


class MomentInput(AdminDateTimeInput):  # type: ignore[misc]
    """Wagtail's picker of day and time, without its replacing of unreadable input by this moment."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "validateOnBlur": False}


class MomentFormField(forms.DateTimeField):
    widget = MomentInput
    default_error_messages = {
        "invalid": gettext_lazy("Write the day and the time of day, for example 1.2.2027 klo 8.00.")
    }

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value not in self.empty_values:
            try:
                value = parse_moment(value, today=timezone.localdate())
            except ValueError as error:
                is_a_day = isinstance(error, ImplausibleYear | OtherWeekday)
                raise ValidationError(
                    day_error_message(error) if is_a_day else self.error_messages["invalid"], code="invalid"
                ) from error
        return super().to_python(value)


register_form_field_override(models.DateTimeField, override={"form_class": MomentFormField, "widget": MomentInput})


class SchedulePanel(PublishingPanel):  # type: ignore[misc]
    """Wagtail's panel with this input: it names the widgets of its fields itself."""

    def __init__(self, **options: Any) -> None:
        children = [FieldPanel(own.field_name, widget=_moment_input(own.widget)) for own in PublishingPanel().children]
        super().__init__(**{"children": children, **options})


def _moment_input(own: AdminDateTimeInput) -> MomentInput:
    return MomentInput(attrs=own.attrs, js_overlay_parent_selector=own.js_overlay_parent_selector)


class _InWords(FieldComparison):  # type: ignore[misc]
    """What differs, in words: Wagtail shows a moment and a tick as Python prints them."""

    def __init__(self, field: Any, obj_a: models.Model, obj_b: models.Model) -> None:
        super().__init__(field, obj_a, obj_b)
        self.val_a = _in_words(field.value_from_object(obj_a))
        self.val_b = _in_words(field.value_from_object(obj_b))


def _in_words(value: datetime | bool | None) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return finnish_moment(value)


for _field in (models.DateTimeField, models.BooleanField):
    register_comparison_class(_field, comparison_class=_InWords)


SEEN = "seen"


class SeenValues(forms.ModelForm):
    """Carries a digest of each stored value that it showed.

    A field that was left as it was shown doesn't replace what has been stored meanwhile. One that was changed here as
    well is refused once, with what is stored now. A post without digests is taken as it is.
    """

    data: Any
    seen = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only fields of the model have a stored value. self.instance has the posted ones after validation.
        self._stored = {name: value for name, value in self.initial.items() if name in self.fields}
        self.initial[SEEN] = digests_text({name: digest(value) for name, value in self._stored.items()})

    def clean(self) -> dict[str, Any]:
        super().clean()
        seen = read_digests(self.cleaned_data.get(SEEN, ""))
        if not seen:
            return self.cleaned_data
        self.data = self.data.copy()
        shown = dict(seen)
        # A faulty field keeps its digest: it is judged when it has been mended.
        for name in self._stored.keys() & seen.keys() & self.cleaned_data.keys():
            stored, posted = digest(self._stored[name]), digest(self.cleaned_data[name])
            if stored not in (seen[name], posted):
                if posted == seen[name]:
                    self._keep(name)
                else:
                    self.add_error(name, ValidationError(self._refusal(name), code="changed_elsewhere"))
            shown[name] = stored
        # If the form comes back, for this or for another mistake, it has shown what is stored now.
        self.data[self.add_prefix(SEEN)] = digests_text(shown)
        return self.cleaned_data

    def _keep(self, name: str) -> None:
        """Put what is stored in the place of what was posted, on the page too if the form comes back."""
        self.cleaned_data[name] = self._stored_value(name)
        shown = self[name].field.prepare_value(self._stored[name])
        listed = shown if isinstance(shown, list) else ["" if shown is None else shown]
        # A checkbox reads "True" and "False" as well.
        self.data.setlist(self.add_prefix(name), [str(one) for one in listed])

    def _stored_value(self, name: str) -> Any:
        """Return what is stored as cleaned_data would hold it: self.initial has the key of a related object."""
        field, value = self.fields[name], self._stored[name]
        if isinstance(field, forms.ModelChoiceField) and not isinstance(value, list):
            return field.to_python(value)
        return value

    def _refusal(self, name: str) -> str:
        words = self._words(name)
        if not words:
            return _(
                "This was changed in another window. Now it is empty. Save again if you want to put yours in its place."
            )
        return _("This was changed in another window. Now it is: “%(stored)s”. Save again to replace it.") % {
            "stored": words
        }

    def _words(self, name: str) -> str:
        """Return what is stored as the form shows it; "" for nothing."""
        field, value = self.fields[name], self._stored_value(name)
        if isinstance(value, bool):
            return str(yesno(value))
        if isinstance(field, forms.ModelChoiceField):
            objects = value if isinstance(value, list) else [value]
            return ", ".join(field.label_from_instance(one) for one in objects if one is not None)
        shown = field.prepare_value(value)
        return "" if shown is None else str(shown)


def digest(value: Any) -> str:
    """Return a digest by which a stored value and a cleaned one are found to be the same."""
    return sha256(json.dumps(_plain(value), default=str).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, list | QuerySet):
        return sorted(one.pk for one in value)
    return value


def digests_text(digests: Mapping[str, str]) -> str:
    return " ".join(f"{name}={digest}" for name, digest in digests.items())


def read_digests(text: str) -> dict[str, str]:
    """Return the digests of digests_text(); whatever else was posted is of no field."""
    parts = (part.partition("=") for part in text.split())
    return {name: digest for name, _sign, digest in parts}
