"""E-mail addresses: one rule for forms, settings and outgoing mail."""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from home.invisible_characters import normalize_pasted, strip_invisible

# RFC 5321, 4.5.3.1: octets of a local part, and of a path without its angle brackets.
_LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
# Longer input is refused without parsing.
_LONGEST_PASTED = 1000
# RFC 5322 dot-atom. A quoted local part is refused: nobody has one, and programs parse it differently.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# RFC 2047: mail programs would decode it and send to another mailbox.
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

    Removes what comes along when an address is pasted: `mailto:`, a name with angle brackets, a full stop or comma at
    the end, and invisible characters.
    """
    if len(text) > _LONGEST_PASTED:
        raise ValueError("too long for an address")
    # A joiner may be a valid part of a domain: IDNA decides.
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
    mapped = "".join(one.lower() for one in domain).replace("\u3002", ".")
    joined = "".join(
        one for place, one in enumerate(mapped) if one not in _JOINERS or idna.valid_contextj(mapped, place)
    )
    try:
        sent = idna.encode(unicodedata.normalize("NFC", joined), strict=True).decode("ascii")
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
