"""Typed text: cleaning it, parsing phone numbers, finding a Finnish personal identity code, and form fields for it."""

import re
import unicodedata
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from home.text_input import (
    HOME_REGION,
    LONGEST_ADDRESS,
    NOT_AN_ADDRESS,
    MoreThanANumber,
    address_as_sent,
    phone_display,
    read_phone,
    strip_invisible,
)

# Control characters except tab and line feed; invisible characters that reorder text (UAX #9) or hide in it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
# The most combining marks in a row, and the character that breaks a longer run (UAX #15, section 13: Stream-Safe Text
# Format).
_MOST_MARKS = 30
_JOINER = "\u034f"
# One character decomposes into at most this many (NFD). So a text of more than limit * this many characters is still
# longer than the limit after composition.
_LONGEST_DECOMPOSITION = 4

_CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_DASHES = str.maketrans(dict.fromkeys("\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212", "-"))
# Format and check character as published by the Digital and Population Data Services Agency, including the separators
# added in 2023.
_DAY, _MONTH, _NUMBER = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])", r"\d{3}"
# What may stand between the parts of a typed or copied code: a few spaces, line breaks or other signs.
_GAP = r"[\s.,:;/\\|_*=~·•()-]{0,4}"
_SEPARATOR = rf"{_GAP}[-+YXWVUABCDEF]{_GAP}"
# The year of birth may be written in full.
_CENTURY = r"(?:1[89]|20)?"
# The check character is one of these letters or a digit.
_LETTER = "A-FHJ-NPR-Y"
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"
# Six digits of the date of birth and three of the individual number. The check character may be a letter.
_FEWEST_DIGITS_OF_A_CODE = 9
# Telephone numbers are written in groups of digits too. So gaps are accepted only between the parts of a code if its
# check character is a digit; if it is a letter, gaps may be anywhere and the separator may be missing. The standard
# form is also found next to letters ("hetu131052-308T").
_FORMS = tuple(
    re.compile(rf"(?=({form}))", re.IGNORECASE)
    for form in (
        rf"(?<!\d){_DAY}{_MONTH}\d\d[-+YXWVUABCDEF]{_NUMBER}[\d{_LETTER}](?!\d)",
        rf"{_BEFORE}{_DAY}[\s.]?{_MONTH}[\s.]?{_CENTURY}\d\d{_SEPARATOR}{_NUMBER}\s?[\d{_LETTER}]{_AFTER}",
        rf"{_BEFORE}(?:\d{_GAP}){{4}}{_CENTURY}(?:\d{_GAP}){{2}}(?:[-+YXWVUABCDEF]{_GAP})?(?:\d{_GAP}){{3}}[{_LETTER}]{_AFTER}",
    )
)
_SIGNS = re.compile(r"[\W_]")
_CODE = re.compile(rf"({_DAY}{_MONTH}){_CENTURY}(\d\d)[YXWVUABCDEF]?({_NUMBER})([0-9{_LETTER}])", re.IGNORECASE)

# A search for fewer digits would match nearly every phone number.
_FEWEST_DIGITS = 3
# A phone number in a text: groups of digits, separated by spaces, hyphens, dots, slashes or brackets. Digits inside a
# word or an e-mail address do not match.
_WRITTEN = re.compile(r"(?<!\w)\d(?:[\s()./\u2010-\u2015\u2212-]*\d){2,}(?![\w@])")


class TooLong(ValueError):
    """The text has more characters than it may have. `length` does not count invisible ones."""

    def __init__(self, length: int) -> None:
        super().__init__("too long")
        self.length = length


class HasHenkilotunnus(ValueError):
    """The text contains a personal identity code."""


def without_invisible(data: QueryDict) -> QueryDict:
    """Return a copy of a posted form without control and reordering characters, safe to show again."""
    copy = data.copy()
    for name, values in data.lists():
        copy.setlist(name, [_INVISIBLE.sub("", value) for value in values])
    return copy


def read_typed(text: str, *, limit: int, several_lines: bool) -> str:
    """Return a visitor's text, cleaned as by clean_lines() or clean_line().

    Raises TooLong for more than `limit` characters, and HasHenkilotunnus. A far too long text is rejected before its
    normalisation, which is slow.
    """
    plain = _without_harm(text) if several_lines else _on_one_line(text)
    if len(plain) > limit * _LONGEST_DECOMPOSITION:
        raise TooLong(len(plain))
    words = _composed(plain)
    if len(words) > limit:
        raise TooLong(len(words))
    if contains_henkilotunnus(words):
        raise HasHenkilotunnus
    return words


def clean_lines(text: str) -> str:
    """Return `text` in Unicode NFC with plain line feeds and without control or reordering characters."""
    return _composed(_without_harm(text))


def clean_line(text: str) -> str:
    """Return `text` cleaned as by clean_lines(), on one line, so that it can't inject a mail header."""
    return _composed(_on_one_line(text))


def _on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", _without_harm(text))


def _without_harm(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text)).strip()


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", _stream_safe(text)).strip()


def _stream_safe(text: str) -> str:
    """Return `text` with each run of combining marks broken after 30: NFC takes quadratic time for a long run."""
    if text.isascii():
        return text
    safe, run = [], 0
    for character in text:
        marks = [unicodedata.combining(part) != 0 for part in unicodedata.normalize("NFD", character)]
        leading = marks.index(False) if False in marks else len(marks)
        if run + leading > _MOST_MARKS:
            safe.append(_JOINER)
            run = 0
        run = run + leading if leading == len(marks) else marks[::-1].index(False)
        safe.append(character)
    return "".join(safe)


def contains_henkilotunnus(text: str) -> bool:
    """Return whether `text` contains a code with a correct check character."""
    # A soft hyphen at the end of a line is read as a hyphen.
    dashed = unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES)
    if sum(map(str.isdecimal, dashed)) < _FEWEST_DIGITS_OF_A_CODE:
        return False
    plain = strip_invisible(dashed)
    # The patterns are lookaheads: candidates may overlap.
    candidates = (match[1] for form in _FORMS for match in form.finditer(plain))
    return any(_check_character_is_right(candidate) for candidate in candidates)


def _check_character_is_right(candidate: str) -> bool:
    code = _CODE.fullmatch(_SIGNS.sub("", candidate))
    return code is not None and _CHECK_CHARACTERS[int(code[1] + code[2] + code[3]) % 31] == code[4].upper()


def e164_phone(text: str) -> str:
    """Return a number as stored, in E.164 ("+358505348567"). Raises ValueError if it is not one phone number."""
    return phonenumbers.format_number(read_phone(text), phonenumbers.PhoneNumberFormat.E164)


def phone_parts(text: str) -> set[str]:
    """Return the digits to search for in stored numbers ("050 534-85" -> {"5053485"}).

    Leading zeros ("00" for abroad, "0" of the area code) are not stored, nor is the zero in "+358 (0)50".
    """
    runs = (re.sub(r"\D", "", match.group()) for match in _WRITTEN.finditer(text.replace("(0)", "")))
    parts = {re.sub(r"^3580+", "358", run.lstrip("0")) for run in runs}
    return {part for part in parts if len(part) >= _FEWEST_DIGITS}


def readable_phone(e164: str) -> str:
    """Return a stored number for reading: "050 534 8567", foreign "+46 70 123 45 67"; "" for ""."""
    return phone_display(phonenumbers.parse(e164, HOME_REGION)) if e164 else ""


def dialled_phone(e164: str) -> str:
    """Return a stored number as dialled in Finland, digits and spaces only: "00 46 70 123 45 67".

    A leading plus sign would start a formula in a spreadsheet.
    """
    return readable_phone(e164).replace("+", "00 ", 1)


class TypedTextField(forms.Field):
    """Free text of at most `limit` characters, counted after cleaning; a line break counts as one.

    A far too long text is rejected before its normalisation, which is slow.
    """

    widget: Any = forms.TextInput
    default_error_messages = {
        "too_long": _("Shorten the text: now %(length)d characters, at most %(limit)d."),
        "henkilotunnus": _("There seems to be a personal identity code in the text. Remove it before sending."),
    }

    def __init__(self, *, limit: int, several_lines: bool = False, **kwargs: Any) -> None:
        self.limit, self.several_lines = limit, several_lines
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        try:
            return "" if value is None else read_typed(str(value), limit=self.limit, several_lines=self.several_lines)
        except TooLong as error:
            params = {"length": error.length, "limit": self.limit}
            raise ValidationError(self.error_messages["too_long"], code="too_long", params=params) from error
        except HasHenkilotunnus as error:
            raise ValidationError(self.error_messages["henkilotunnus"], code="henkilotunnus") from error


class SupervisorTextField(forms.CharField):
    """Text by the supervisor: cleaned before it is counted, so that a line break counts as one character."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return clean_lines(super().to_python(value) or "")


class TypedEmailField(TypedTextField):
    """An e-mail address that mail can be sent to, stored in its encoded form (home.text_input)."""

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
    """A phone number, stored in E.164."""

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
