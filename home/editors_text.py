"""Editors' text as it goes out: contact details filled in, punctuation, addresses hidden from harvesters."""

import re
import unicodedata
from collections.abc import Iterator

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.email_address import address_as_sent
from home.typography import finnish_html, finnish_text

# Begins where a word begins: else each letter of a long word would be tried as a beginning.
_ADDRESS = re.compile(r"(?<![A-Za-z0-9._%+-])(?:mailto:)?[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_INNER_AT = re.compile(r'(?<!")@')


def as_references(text: str) -> SafeString:
    """Every character as a decimal character reference. Safe in HTML text and in attribute values alike."""
    return mark_safe("".join(f"&#{ord(character)};" for character in text))  # noqa: S308


def email_link(address: str) -> SafeString:
    """`<a href="mailto:…">…</a>`; "" for no address."""
    if not address:
        return mark_safe("")
    try:
        linked = address_as_sent(address)
    except ValueError:
        linked = address
    return format_html('<a href="{}">{}</a>', as_references(f"mailto:{linked}"), as_references(address))


def hide_emails(html: str) -> str:
    """`html` with the addresses in its text and links rewritten as references; everything else as it was."""
    return _ADDRESS.sub(lambda match: as_references(match.group()), html)


def hide_emails_in_json(text: str) -> str:
    """JSON of the same meaning, whose addresses have no "@" to be found by. Keys such as "@type" stay.

    Only that sign: the letters before it may belong to an escape ("\\n" and "kati@…" stand side by side).
    """
    return _INNER_AT.sub(r"\\u0040", text)


# In whatever spelling; what stands in braces otherwise is left as it was typed.
_MARK = re.compile(r"\{\s*([^{}<>]{1,30}?)\s*\}")
_PHONE, _EMAIL, _NAME = "phone", "email", "person_name"
_FACTS = {
    "puhelin": _PHONE,
    "puhelinnumero": _PHONE,
    "sähköposti": _EMAIL,
    "sähköpostiosoite": _EMAIL,
    "nimi": _NAME,
}
# In a link the words only, since a link can't hold another; in a tag nothing is replaced.
_TAGS = re.compile(r"(<a\b[^>]*>.*?</a\s*>|<[^>]*>)", re.IGNORECASE | re.DOTALL)
_IS_LINK = re.compile(r"<a\b", re.IGNORECASE)
_TAG = re.compile(r"(<[^>]*>)")


def editors_text(text: str) -> str:
    """Plain text of an editor's as it is shown."""
    return finnish_text(_MARK.sub(_plain, text) if "{" in text else text)


def editors_html(html: str) -> str:
    """Likewise for HTML: a phone number and an address become links."""
    return finnish_html(_with_facts(html) if "{" in html else html)


def unresolved_placeholders(text: str) -> Iterator[str]:
    """The words in braces that stand for nothing: an unknown one, or one whose fact is not filled."""
    details = ContactDetails.load() if _MARK.search(text) else None
    for match in _MARK.finditer(text):
        fact = _fact(match)
        if fact is None or not getattr(details, fact):
            yield match.group()


def _with_facts(html: str) -> str:
    parts = _TAGS.split(html)
    # Every second one is a tag, or a whole link.
    parts[::2] = [_MARK.sub(_linked, text) for text in parts[::2]]
    parts[1::2] = [_in_link(part) if _IS_LINK.match(part) else part for part in parts[1::2]]
    return "".join(parts)


def _in_link(html: str) -> str:
    parts = _TAG.split(html)
    parts[::2] = [_MARK.sub(lambda match: escape(_plain(match)), text) for text in parts[::2]]
    return "".join(parts)


def _fact(match: re.Match[str]) -> str | None:
    return _FACTS.get(unicodedata.normalize("NFC", match[1]).casefold())


def _plain(match: re.Match[str]) -> str:
    fact = _fact(match)
    if fact is None:
        return match.group()
    details = ContactDetails.load()
    return (details.phone_display if fact == _PHONE else str(getattr(details, fact))) or _missing(fact)


def _linked(match: re.Match[str]) -> str:
    fact = _fact(match)
    if fact == _PHONE and (details := ContactDetails.load()).phone_uri:
        return format_html('<a href="{}">{}</a>', details.phone_uri, details.phone_display)
    if fact == _EMAIL and (address := ContactDetails.load().email):
        return email_link(address)
    return escape(_plain(match))


def _missing(fact: str) -> str:
    """What stands for a fact that is not filled, so that the sentence round it stays one."""
    return {
        _PHONE: _("(no phone number)"),
        _EMAIL: _("(no e-mail address)"),
        _NAME: _("(no name)"),
    }[fact]
