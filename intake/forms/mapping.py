"""The first step of the mapping: the same contact facts as on the contact form."""

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.forms.contact import ContactFactsForm
from intake.submission import ContactFacts


class MappingFactsForm(ContactFactsForm):
    """Contact facts, without a message: the questions follow."""

    # Kept from people and from autofill, as on the contact form.
    extra_line = forms.Field(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    form_token = forms.Field(required=False, widget=forms.HiddenInput)

    def facts(self) -> ContactFacts:
        """Return what was written. Only for a valid form."""
        cleaned = self.cleaned_data
        return ContactFacts(
            **{
                name: cleaned[name]
                for name in ("name", "email", "phone", "organisation", "supervision_form", "preferred_contact")
            },
            delivery_modes=tuple(cleaned["delivery_modes"]),
        )
