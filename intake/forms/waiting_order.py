"""The form that moves somebody to the head of the waiting list."""

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.forms.review import version_field
from intake.services.waiting_order import REASON_LIMIT, clean_reason


class MoveAheadForm(forms.Form):
    """Why one goes before the others. Too long a reason comes back whole, to be shortened."""

    version = version_field()
    reason = forms.CharField(
        label=_("Reason"),
        strip=False,
        required=False,
        widget=forms.TextInput(attrs={"maxlength": REASON_LIMIT, "autocomplete": "off"}),
        help_text=_(
            "It stands in the list for you to read. Write so that the sender may read this: people have the right to "
            "see their details."
        ),
    )

    def clean_reason(self) -> str:
        return clean_reason(self.cleaned_data["reason"])
