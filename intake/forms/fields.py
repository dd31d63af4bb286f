"""Form fields that clean what was typed, say what is wrong in plain Finnish, and refuse a henkilötunnus."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from home.email_address import LONGEST_ADDRESS, address_as_sent
from home.models.email_field import NOT_AN_ADDRESS
from home.phone_numbers import MoreThanANumber
from intake.henkilotunnus import contains_henkilotunnus
from intake.phone import e164_phone
from intake.typed_text import TooLong, clean_line, clean_lines


class TypedTextField(forms.Field):
    """Free text of at most `limit` characters, counted after cleaning; line breaks count as one.

    What is far past it is refused before it is cleaned: no length of text takes more than reading it once.
    """

    widget: Any = forms.TextInput
    default_error_messages = {
        "too_long": _("Shorten the text: now %(length)d characters, at most %(limit)d."),
        "henkilotunnus": _("There seems to be a personal identity code in the text. Remove it before sending."),
    }

    def __init__(self, *, limit: int, several_lines: bool = False, **kwargs: Any) -> None:
        self.limit = limit
        self._clean_text = clean_lines if several_lines else clean_line
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        try:
            return "" if value is None else self._clean_text(str(value), limit=self.limit)
        except TooLong as error:
            raise self._too_long(error.length) from error

    def validate(self, value: str) -> None:
        super().validate(value)
        if len(value) > self.limit:
            raise self._too_long(len(value))
        if contains_henkilotunnus(value):
            raise ValidationError(self.error_messages["henkilotunnus"], code="henkilotunnus")

    def _too_long(self, length: int) -> ValidationError:
        return ValidationError(
            self.error_messages["too_long"], code="too_long", params={"length": length, "limit": self.limit}
        )


class OwnWordsField(forms.CharField):
    """The supervisor's own words: cleaned before they are counted, so that a line break counts as one."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return clean_lines(super().to_python(value) or "")


class TypedEmailField(TypedTextField):
    """An e-mail address that mail can be sent to, kept as it is sent (home.email_address)."""

    widget = forms.EmailInput
    default_error_messages = {"invalid": NOT_AN_ADDRESS}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(limit=LONGEST_ADDRESS, **kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return address_as_sent(text)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class TypedPhoneField(TypedTextField):
    """A phone number, kept in E.164."""

    default_error_messages = {
        "invalid": _("Check the phone number. The right form is for example 050 123 4567."),
        "more": _("Write one phone number here, with no other words: for example 050 123 4567."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(limit=40, **kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return e164_phone(text)
        except MoreThanANumber as error:
            raise ValidationError(self.error_messages["more"], code="more") from error
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
