"""The forms beside an enquiry in the admin."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.choices import Outcome, Status
from intake.forms.fields import OwnWordsField

NOTE_LIMIT = 5000


def version_field() -> forms.IntegerField:
    """What the enquiry's version was when the page was made. Without an id: several forms of one page have it."""
    return forms.IntegerField(widget=forms.HiddenInput(attrs={"id": False}))


class HandlingForm(forms.Form):
    """Where the handling stands, how it ended, and the supervisor's own note: saved together.

    `stored_outcome` is the enquiry's own, which may stand there while it is reopened.
    """

    version = version_field()
    status = forms.ChoiceField(
        label=_("Status"),
        choices=Status.choices,
        help_text=_(
            "When you mark a matter closed, its day of removal is computed by itself. When you put it on the waiting "
            "list, it becomes the last one there, and you contact the sender yourself: without having asked for mail "
            "nobody gets any. Who was there before returns to the old place."
        ),
    )
    outcome = forms.ChoiceField(
        label=_("How did it end?"),
        required=False,
        choices=[("", _("— chosen when the matter is closed —")), *Outcome.choices],
    )
    note = OwnWordsField(
        label=_("Note"),
        required=False,
        max_length=NOTE_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_(
            "Practical matters only. Write so that the sender may read this: "
            "people have the right to see their details."
        ),
    )

    def __init__(self, *args: Any, stored_outcome: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_outcome = stored_outcome

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        status, outcome = cleaned.get("status"), cleaned.get("outcome")
        if status == Status.CLOSED and not outcome and "outcome" not in self.errors:
            self.add_error("outcome", _("Choose how the matter ended."))
        elif status and status != Status.CLOSED and outcome and outcome != self._stored_outcome:
            self.add_error(
                "outcome", _("You chose how the matter ended. Choose the status “Closed” too, or leave this empty.")
            )
        return cleaned


class PreparationForm(forms.Form):
    """The supervisor's notes for the first meeting."""

    version = version_field()
    preparation_notes = OwnWordsField(
        label=_("Notes for the first meeting"),
        required=False,
        max_length=NOTE_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_(
            "Not printed on the sender's copy, but part of the details that the sender has the right to see on "
            "request. Practical matters only; what is said in supervision does not belong here."
        ),
    )


class VersionForm(forms.Form):
    """A button that acts on the enquiry as it was shown."""

    version = version_field()
