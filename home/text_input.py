"""Typed or pasted e-mail addresses and phone numbers. Forms, settings and mail share one rule for each.

Copied text often has invisible characters, which make equal-looking strings differ. The rules remove them.
"""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote

import idna
import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

# Default_Ignorable_Code_Point of the Unicode Character Database (DerivedCoreProperties.txt, 16.0); the standard
# library does not have the property. is_invisible() finds other format and control characters by their category.
_DEFAULT_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def is_invisible(character: str) -> bool:
    """Return whether a character is invisible, whitespace excepted."""
    if _DEFAULT_IGNORABLE.match(character):
        return True
    return unicodedata.category(character) in ("Cf", "Cc") and not character.isspace()


def strip_invisible(text: str, *, keep: str = "") -> str:
    """Return `text` without invisible characters other than those in `keep`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one for one in text if one in keep or not is_invisible(one))


def normalize_pasted(text: str, *, keep: str = "") -> str:
    """Return strip_invisible(text) with full-width and half-width characters (East Asian keyboards) as plain ones.

    NFKC for these characters only: "²" and "™" stay.
    """
    seen = strip_invisible(text, keep=keep)
    return seen if seen.isascii() else "".join(_narrow(one) for one in seen)


def _narrow(character: str) -> str:
    kind = unicodedata.decomposition(character).partition(" ")[0]
    return unicodedata.normalize("NFKC", character) if kind in ("<wide>", "<narrow>") else character


# RFC 5321, 4.5.3.1: octets of a local part, and of a path without its angle brackets.
_LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
# Longer input is refused without parsing.
_LONGEST_PASTED = 1000
# RFC 5322 dot-atom. A quoted local part is refused: nobody has one, and programs parse it differently.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# Begins an encoded word (RFC 2047). Mail programs would decode it and send to another mailbox.
_ENCODED_WORD = "=?"
# Special-use domain names (IANA; RFC 2606, 6761, 6762, 7686, 8375, 9476) and ICANN's "internal": they receive no mail.
_WITHOUT_MAIL = frozenset({"localhost", "local", "internal", "invalid", "test", "example", "onion", "alt", "arpa"})
# "Maija Meikäläinen <maija@esimerkki.fi>", and as one mail program writes it: "Maija [mailto:maija@esimerkki.fi]".
_IN_BRACKETS = re.compile(r"([^<>\[\]]*)(?:<([^<>]*)>|\[(mailto:[^\[\]]*)\])", re.IGNORECASE)
_WRAPPED = re.compile(r"\((.*)\)|\"(.*)\"|'(.*)'|[”“„](.*)[”“]|[’‘](.*)[’‘]|«(.*)»|»(.*)»")
_JOINERS = "\u200c\u200d"
NOT_AN_ADDRESS = _("Check the e-mail address. The right form is for example nimi@esimerkki.fi.")


def address_as_sent(text: str) -> str:
    """Return the address in `text` as SMTP takes it (IDNA domain). Raises ValueError for an invalid one. Idempotent.

    Removes what is often copied along with an address: `mailto:`, a name with angle brackets, a full stop or comma at
    the end, and invisible characters.
    """
    if len(text) > _LONGEST_PASTED:
        raise ValueError("too long for an address")
    # A joiner may be a valid part of a domain, so _domain_as_sent() decides which joiners to keep.
    local, at, domain = _unwrapped(normalize_pasted(text, keep=_JOINERS)).rpartition("@")
    local = strip_invisible(local)
    if not at or _ENCODED_WORD in local or len(local) > _LONGEST_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        raise ValueError("no local part that mail can be sent to")
    address = f"{local}@{_domain_as_sent(domain)}"
    if len(address) > LONGEST_ADDRESS:
        raise ValueError("too long for an address")
    return address


def readable_address(sent: str) -> str:
    """Return an address of address_as_sent() with a Unicode domain. Anything else is returned unchanged."""
    local, at, domain = sent.rpartition("@")
    if "xn--" not in domain:
        return sent
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except UnicodeError:
        return sent


def _unwrapped(text: str) -> str:
    """Return the bare address in pasted text. Raises ValueError for two addresses."""
    bare = text.strip().rstrip(".,;: \t\r\n\u00a0")
    if match := _IN_BRACKETS.fullmatch(bare):
        name, *addresses = match.groups()
        bare = next(one for one in addresses if one is not None)
        if "@" in name and name.strip("\"' ") != bare:
            raise ValueError("two addresses")
    elif match := _WRAPPED.fullmatch(bare):
        bare = next(part for part in match.groups() if part is not None)
    bare = bare.strip()
    if bare[:7].lower() == "mailto:":
        # RFC 6068: the address is percent-encoded, and headers follow the question mark.
        bare = unquote(bare[7:].partition("?")[0], errors="strict").strip()
    return bare.rstrip(".,;:")


def _domain_as_sent(domain: str) -> str:
    """Return the domain in A-labels (IDNA 2008, after the mapping of RFC 5895). Raises ValueError."""
    # Letter by letter, as browsers do: lower() of a whole word would change a final sigma.
    mapped = "".join(one.lower() for one in domain)
    joined = "".join(
        one for place, one in enumerate(mapped) if one not in _JOINERS or idna.valid_contextj(mapped, place)
    )
    try:
        sent = idna.encode(unicodedata.normalize("NFC", joined)).decode("ascii")
    except UnicodeError as error:
        raise ValueError("no domain of IDNA 2008") from error
    *_below, top = labels = sent.split(".")
    if len(labels) < 2 or len(top) < 2 or top.isdecimal() or top in _WITHOUT_MAIL:
        raise ValueError("no domain that mail can be sent to from anywhere")
    return sent


def readable_or_refused(text: str) -> str:
    """Return the address with a Unicode domain. Raises ValidationError for an invalid one."""
    try:
        return readable_address(address_as_sent(text))
    except ValueError as error:
        raise ValidationError(NOT_AN_ADDRESS, code="invalid") from error


class AddressFormField(forms.CharField):
    """A form field for an address, for forms without EmailAddressField (accounts in the admin)."""

    widget = forms.EmailInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": LONGEST_ADDRESS, **kwargs})

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value) or ""
        return readable_or_refused(text) if text else text


class EmailAddressField(models.EmailField):
    """A model field for an address. Stored with a Unicode domain, as pages show it."""

    default_validators: list[Any] = []

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return readable_or_refused(text) if text else text

    def formfield(self, **kwargs: Any) -> Any:
        # Django's form field would refuse an address pasted with a name before to_python() of this field runs.
        return models.CharField.formfield(self, **{"form_class": forms.CharField, "widget": forms.EmailInput, **kwargs})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        # Migrations use Django's EmailField: the column is the same, and this class may move.
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.EmailField", arguments, options


HOME_REGION = "FI"
_FINLAND = 358

# A label before the number, as on cards and in signatures.
_LABEL = re.compile(r"^(?:(?:puh(?:elin(?:numero)?)?|p|tel|gsm|matk(?:apuhelin)?|mob(?:ile)?)[.:]*\s*)+", re.I)
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_AREA_CODE = re.compile(r"^(\(?0\d{1,3}\)?)\s?/\s?(?=\d)")
_ONE_NUMBER = re.compile(r"\(?\+?[\d\s().-]+")
# "1234-5" and "1234567–68" are ranges; "1234567 (8)" has an extension.
_RANGE = re.compile(r"(?:\d{4}\s?-\s?\d{1,2}|-\s?\d)[\s).-]*$|\(\s*\d+\s*\)[\s.-]*$")
_LONGEST_NUMBER = 60


class MoreThanANumber(ValueError):
    """The text contains more than one number: words, an extension, a range, a second number."""


def read_phone(text: str) -> phonenumbers.PhoneNumber:
    """Return the number that `text` consists of, dialled from Finland.

    Raises MoreThanANumber where there is anything else in `text`, ValueError where there is no number. Finnish numbers
    must be in use. Foreign numbers need only a possible length, because numbering plans change.
    """
    written = _written(text)
    if len(written) > _LONGEST_NUMBER or not re.search(r"\d", written):
        raise ValueError("not a phone number")
    if not _ONE_NUMBER.fullmatch(written) or _RANGE.search(written):
        raise MoreThanANumber("more than a phone number")
    try:
        number = phonenumbers.parse(written, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not a phone number") from error
    digits = "".join(one for one in written if one.isdecimal())
    if not digits.endswith(phonenumbers.national_significant_number(number)):
        # The library reads letters as digits, drops extensions, and rewrites numbers of some countries.
        raise ValueError("not the digits that were typed")
    exists = phonenumbers.is_valid_number if number.country_code == _FINLAND else phonenumbers.is_possible_number
    if not exists(number):
        raise ValueError("no such phone number")
    return number


def parse_phone(text: str) -> phonenumbers.PhoneNumber:
    """Return the number as read_phone() does, for the practice's own: a foreign one must be in use, too.

    Raises ValueError.
    """
    number = read_phone(text)
    if not phonenumbers.is_valid_number(number):
        raise ValueError("no such phone number is in use")
    return number


def _written(text: str) -> str:
    """Return `text` without a label, with ASCII digits and hyphens."""
    plain = _DASHES.sub("-", normalize_pasted(text)).strip().rstrip(",;: ")
    digits = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in plain)
    return _AREA_CODE.sub(r"\1 ", _LABEL.sub("", digits, count=1), count=1)


def phone_uri(number: phonenumbers.PhoneNumber) -> str:
    """Return the URI of RFC 3966: `tel:+358505348567`."""
    return "tel:" + phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_display(number: phonenumbers.PhoneNumber) -> str:
    """Return `050 534 8567`, or a foreign number in international format.

    The library formats Finnish numbers as "050 5348567"; the last part is split as it is read aloud.
    """
    if number.country_code != _FINLAND:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    area, _space, rest = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL).partition(" ")
    if rest.isdigit() and len(rest) >= 6:
        rest = f"{rest[:3]} {rest[3:]}"
    return f"{area} {rest}".rstrip()
