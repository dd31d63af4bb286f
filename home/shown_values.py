"""Digests of the stored values that a form showed: with them, an old form does not undo a change made elsewhere."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

# The hidden field with the digests.
SEEN = "seen"


class SeenValues(forms.ModelForm):
    """A form that carries a digest of each stored value that it showed.

    A field that was not changed on the form keeps the value that has been stored meanwhile. A field that was changed
    both here and elsewhere is refused once; its error names the stored value. A post without digests is saved as it is.
    """

    data: Any
    seen = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only fields of the model have a stored value. Kept here, since validation sets posted values on self.instance.
        self._stored = {name: value for name, value in self.initial.items() if name in self.fields}
        self.initial[SEEN] = digests_text({name: digest(value) for name, value in self._stored.items()})

    def clean(self) -> dict[str, Any]:
        super().clean()
        seen = read_digests(self.cleaned_data.get(SEEN, ""))
        if not seen:
            return self.cleaned_data
        self.data = self.data.copy()
        shown = dict(seen)
        # A field with a validation error keeps its digest: it is compared once it has been corrected.
        for name in self._stored.keys() & seen.keys() & self.cleaned_data.keys():
            stored, posted = digest(self._stored[name]), digest(self.cleaned_data[name])
            if stored not in (seen[name], posted):
                if posted == seen[name]:
                    self._keep(name)
                else:
                    self.add_error(name, ValidationError(self._refusal(name), code="changed_elsewhere"))
            shown[name] = stored
        # If the form is shown again because of this or another error, it has shown what is stored now.
        self.data[self.add_prefix(SEEN)] = digests_text(shown)
        return self.cleaned_data

    def _keep(self, name: str) -> None:
        """Replace the posted value by the stored one, also in the form's data: the form may be shown again."""
        self.cleaned_data[name] = self._stored_value(name)
        shown = self[name].field.prepare_value(self._stored[name])
        listed = shown if isinstance(shown, list) else ["" if shown is None else shown]
        # A checkbox accepts "True" and "False", too.
        self.data.setlist(self.add_prefix(name), [str(one) for one in listed])

    def _stored_value(self, name: str) -> Any:
        """Return the stored value as cleaned_data has it: the related object, where self.initial has only its key."""
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
        """Return the stored value as the form shows it; "" for an empty one.

        Never called for a checkbox: if it was changed in both windows, it has the same value in both.
        """
        field, value = self.fields[name], self._stored_value(name)
        if isinstance(field, forms.ModelChoiceField):
            objects = value if isinstance(value, list) else [value]
            return ", ".join(field.label_from_instance(one) for one in objects if one is not None)
        shown = field.prepare_value(value)
        return "" if shown is None else str(shown)


def digest(value: Any) -> str:
    """Return a digest of `value`. An equal stored value and cleaned value have the same digest."""
    return sha256(json.dumps(_plain(value), default=str).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, list | QuerySet):
        return sorted(one.pk for one in value)
    return value


def digests_text(digests: Mapping[str, str]) -> str:
    """Return digests by name as text for a hidden field."""
    return " ".join(f"{name}={digest}" for name, digest in digests.items())


def read_digests(text: str) -> dict[str, str]:
    """Return the digests by name in a text of digests_text(). Any other text yields names that no field has."""
    parts = (part.rpartition("=") for part in text.split())
    return {name: digest for name, _sign, digest in parts}


def changed_elsewhere(*, seen: Mapping[str, str], posted: Mapping[str, str], stored: Mapping[str, str]) -> set[str]:
    """Return the names whose posted value is the one that the page showed (`seen`), but not the one stored by now.

    All three arguments are digests by name. For the returned names, the stored value holds and not the posted one.
    """
    return {key for key in {*seen, *stored} if posted.get(key) == seen.get(key) != stored.get(key)}
