"""Typing one's e-mail address anew, so that links in mails may lead to what has been answered."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from intake.forms.fields import TypedEmailField
from intake.typed_text import without_invisible


class ConfirmAddressForm(forms.Form):
    """The one field of the thank-you page."""

    use_required_attribute = False

    email = TypedEmailField(
        label=_("E-mail address"),
        help_text=_("Type it once more, as in your message."),
        error_messages={"required": _("Write your e-mail address.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(self, data: QueryDict | None = None, **kwargs: Any) -> None:
        super().__init__(data=without_invisible(data) if data is not None else None, **kwargs)
