"""What a form has shown of the stored values: a change of another window is not undone by one that did not see it."""

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
        """Return what is stored as the form shows it; "" for nothing.

        A tick never comes here: where both windows have changed it, it is the same in both.
        """
        field, value = self.fields[name], self._stored_value(name)
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
    """Return the digests for a hidden field, by the names of what they are of."""
    return " ".join(f"{name}={digest}" for name, digest in digests.items())


def read_digests(text: str) -> dict[str, str]:
    """Return the digests of digests_text(); whatever else was posted is of nothing."""
    parts = (part.rpartition("=") for part in text.split())
    return {name: digest for name, _sign, digest in parts}


def changed_elsewhere(*, seen: Mapping[str, str], posted: Mapping[str, str], stored: Mapping[str, str]) -> set[str]:
    """Return the names that a post left as its page showed them (`seen`), though another value is stored by now.

    All three are digests by name. The stored value then counts, not the posted one.
    """
    return {key for key in {*seen, *stored} if posted.get(key) == seen.get(key) != stored.get(key)}
