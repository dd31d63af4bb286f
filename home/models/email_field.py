"""The practice's own e-mail addresses, read by the same rule as visitors'."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from home.email_address import LONGEST_ADDRESS, address_as_sent, readable_address

NOT_AN_ADDRESS = _("Check the e-mail address. The right form is for example nimi@esimerkki.fi.")


def readable_or_refused(text: str) -> str:
    """`text` as people read an address. Raises ValidationError where mail can't be sent to it."""
    try:
        return readable_address(address_as_sent(text))
    except ValueError as error:
        raise ValidationError(NOT_AN_ADDRESS, code="invalid") from error


class AddressFormField(forms.CharField):
    """A form's field for an address of this rule, where no model asks for it: of an account in the admin."""

    widget = forms.EmailInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": LONGEST_ADDRESS, **kwargs})

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value) or ""
        return readable_or_refused(text) if text else text


class EmailAddressField(models.EmailField):
    """An address of home.email_address, kept as people read it: it stands on pages. A mail gets the form as sent."""

    default_validators: list[Any] = []

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return readable_or_refused(text) if text else text

    def formfield(self, **kwargs: Any) -> Any:
        # Django's own form field would refuse what is pasted with a name before this rule sees it.
        return models.CharField.formfield(self, **{"form_class": forms.CharField, "widget": forms.EmailInput, **kwargs})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """A plain EmailField for migrations: the column is the same, and they need not know where this class stands."""
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.EmailField", arguments, options
