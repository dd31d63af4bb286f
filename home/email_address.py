"""E-mail addresses: one rule for visitors, the practice and outgoing mail."""

import re
import unicodedata
from typing import Any
from urllib.parse import unquote

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from home.invisible_characters import is_invisible, normalize_width, strip_invisible

# RFC 5321, 4.5.3.1: octets of a local part, and of a path without its angle brackets.
_LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254
# Nothing that an address is pasted with is longer; what is goes unread.
_LONGEST_PASTED = 1000
# RFC 5322 dot-atom. A quoted local part is refused: nobody has one, and programs read it differently.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# RFC 2047: mail programs would decode it, and write to another mailbox.
_ENCODED_WORD = "=?"
# IANA, Special-Use Domain Names (RFC 2606, 6761, 6762, 7686, 8375, 9476), and ICANN's name for inner networks: kept for
# examples, for one machine or one house, or outside the DNS. No mail reaches them.
_WITHOUT_MAIL = frozenset({"localhost", "local", "internal", "invalid", "test", "example", "onion", "alt", "arpa"})
# "Maija Meikäläinen <maija@esimerkki.fi>", and as one mail program writes it: "Maija [mailto:maija@esimerkki.fi]".
_IN_BRACKETS = re.compile(r"([^<>\[\]]*)(?:<([^<>]*)>|\[(mailto:[^\[\]]*)\])", re.IGNORECASE)
_WRAPPED = re.compile(r"\((.*)\)|\"(.*)\"|'(.*)'|[”“„](.*)[”“]|[’‘](.*)[’‘]|«(.*)»|»(.*)»")
_JOINERS = "\u200c\u200d"


def address_as_sent(text: str) -> str:
    """The address that `text` names, as it stands on the wire. Raises ValueError where mail can't be sent to it.

    What is pasted along goes: `mailto:`, angle brackets with a name before them, a full stop or comma at the end, and
    what can't be seen. `address_as_sent` of what it returned is the same.
    """
    if len(text) > _LONGEST_PASTED:
        raise ValueError("too long for an address")
    # A sign that joins letters may be a letter's part in a domain; there IDNA decides.
    seen = "".join(one for one in text if one in _JOINERS or not is_invisible(one))
    local, at, domain = _unwrapped(normalize_width(seen)).rpartition("@")
    local = strip_invisible(local)
    if not at or _ENCODED_WORD in local or len(local) > _LONGEST_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        raise ValueError("no local part that mail can be sent to")
    address = f"{local}@{_domain_as_sent(domain)}"
    if len(address) > LONGEST_ADDRESS:
        raise ValueError("too long for an address")
    return address


def readable_address(sent: str) -> str:
    """An address of `address_as_sent` with its domain as people write it. What is none stays as it is."""
    local, at, domain = sent.rpartition("@")
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except UnicodeError:
        return sent


def _unwrapped(text: str) -> str:
    """The bare address in what was pasted."""
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
        # RFC 6068: subject and the like follow the question mark; the address is percent-encoded.
        bare = unquote(bare[7:].partition("?")[0], errors="strict").strip()
    return bare.rstrip(".,;:")


def _domain_as_sent(domain: str) -> str:
    """A-labels of IDNA 2008 after the mapping of RFC 5895: lower case, plain widths, composed, one kind of dot."""
    # Letter by letter, as browsers do: in a whole word Python would choose another letter for a final sigma.
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
