"""Editors' text: the features of rich text, its references by id, and its rendering.

Rendering fills in placeholders, makes punctuation Finnish, and hides e-mail addresses from harvesters.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import unescape

from django.utils.html import escape, format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from wagtail.rich_text import expand_db_html
from wagtail.rich_text.rewriters import FIND_A_TAG, FIND_EMBED_TAG, extract_attrs

from home.contact_details import ContactDetails
from home.site_pages import current_request
from home.text_input import address_as_sent, strip_invisible
from home.typography import finnish_html, finnish_text, remembered

# No h2: it is the heading field of a block. So the outline of a page has no gaps (WCAG 1.3.1).
PROSE_FEATURES = ["h3", "h4", "bold", "italic", "link", "ol", "ul"]
SHORT_FEATURES = ["bold", "italic", "link"]
_LARGEST = 2**63 - 1
Attributes = dict[str, str]
# Wagtail renders a link to a missing page as a tag without attributes.
_EMPTY_LINK = re.compile(r"<a>(.*?)</a>", re.DOTALL)


def valid_id(value: object) -> int | None:
    """Return `value` as a possible primary key; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_LARGEST)):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= _LARGEST else None  # type: ignore[operator, return-value]


def linked_page_ids(html: str) -> Iterator[int | None]:
    """Yield the ids of the pages that rich text links to; None for an invalid id."""
    for match in FIND_A_TAG.finditer(html):
        attrs = extract_attrs(match[1])
        if attrs.get("linktype") == "page":
            yield valid_id(attrs.get("id"))


def has_visible_text(html: str) -> bool:
    """Return whether rich text has a visible character. An emptied editor may leave tags and invisible characters."""
    return bool(strip_invisible(unescape(strip_tags(html))).strip())


def expanded(rich_text: str) -> str:
    """Return stored rich text as HTML. Links to missing pages become plain text."""
    return without_empty_links(expand_db_html(rich_text))


def without_empty_links(html: str) -> str:
    return _EMPTY_LINK.sub(r"\1", html)


def without_invalid_references(html: str) -> str:
    """Return stored rich text without embeds, and with links by an invalid id as tags without attributes."""

    def link(match: re.Match[str]) -> str:
        attrs = extract_attrs(match[1])
        return "<a>" if "linktype" in attrs and valid_id(attrs.get("id")) is None else match[0]

    return FIND_EMBED_TAG.sub("", FIND_A_TAG.sub(link, html))


# The lookbehind lets a match begin only at the start of a word: otherwise each letter of a long word would be tried.
_ADDRESS = re.compile(r"(?<![\w.%+-])(?:mailto:)?[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
_INNER_AT = re.compile(r'(?<!")@')
# A placeholder such as {puhelin}. Unknown ones are left as typed.
_PLACEHOLDER = re.compile(r"\{\s*([^{}<>]{1,30}?)\s*\}")
_PHONE, _EMAIL, _NAME = "phone", "email", "person_name"
_FACTS = {
    "puhelin": _PHONE,
    "puhelinnumero": _PHONE,
    "sähköposti": _EMAIL,
    "sähköpostiosoite": _EMAIL,
    "nimi": _NAME,
}
# A whole link, or a tag. In a link, placeholders become plain text, since links can't nest. In a tag, they are left.
_TAGS = re.compile(r"(<a\b[^>]*>.*?</a\s*>|<[^>]*>)", re.IGNORECASE | re.DOTALL)
_IS_LINK = re.compile(r"<a\b", re.IGNORECASE)
_TAG = re.compile(r"(<[^>]*>)")
# Braces that may have bold or italic tags inside: {<b>puhelin</b>}.
_BRACES = re.compile(r"\{((?:[^{}<>]|</?(?:b|strong|i|em)\b[^<>]*>){1,200})\}", re.IGNORECASE)


def as_references(text: str) -> SafeString:
    """Return every character as a decimal character reference: safe in HTML text and attribute values."""
    return mark_safe("".join(f"&#{ord(character)};" for character in text))  # noqa: S308


@remembered
def email_link(address: str) -> SafeString:
    """Return `<a href="mailto:…">…</a>`; "" for an empty address."""
    if not address:
        return mark_safe("")
    try:
        linked = address_as_sent(address)
    except ValueError:
        linked = address
    return format_html('<a href="{}">{}</a>', as_references(f"mailto:{linked}"), as_references(address))


@remembered
def hide_emails(html: str) -> str:
    """Return `html` with the e-mail addresses in its text and links written as character references."""
    return _ADDRESS.sub(lambda match: as_references(match.group()), html)


def hide_emails_in_json(text: str) -> str:
    """Return the same JSON with "@" escaped inside strings. Keys such as "@type" stay.

    Only the "@" is escaped: the letters before it may belong to another escape, as in "\\nkati@…".
    """
    return _INNER_AT.sub(r"\\u0040", text)


def editors_text(text: str) -> str:
    """Return an editor's plain text with placeholders filled in and Finnish punctuation."""
    return finnish_text(_PLACEHOLDER.sub(_plain, text) if "{" in text else text)


def editors_html(html: str) -> str:
    """Do the same as editors_text() for HTML. A phone number and an e-mail address become links."""
    return finnish_html(_with_facts(html) if "{" in html else html)


def unresolved_placeholders(text: str) -> Iterator[str]:
    """Yield the placeholders in `text` that are unknown, or whose field is empty."""
    details = ContactDetails.load(current_request()) if _PLACEHOLDER.search(text) else None
    for match in _PLACEHOLDER.finditer(text):
        fact = _fact(match)
        if fact is None or not getattr(details, fact):
            yield match.group()


def has_unfilled_placeholder(html: str) -> bool:
    """Return whether rendered rich text would still show a placeholder, for example because a tag splits it."""
    return "{" in html and _PLACEHOLDER.search(strip_tags(_with_facts(html))) is not None


def _with_facts(html: str) -> str:
    parts = _TAGS.split(_BRACES.sub(_tags_outside, html))
    # Odd indexes hold the tags and links.
    parts[::2] = [_PLACEHOLDER.sub(_linked, text) for text in parts[::2]]
    parts[1::2] = [_in_link(part) if _IS_LINK.match(part) else part for part in parts[1::2]]
    return "".join(parts)


def _tags_outside(match: re.Match[str]) -> str:
    """Return the placeholder with the tags inside its braces moved around it: <b>{puhelin}</b>."""
    parts = _TAG.split(match[1])
    if len(parts) == 1:
        return match[0]
    first = next((number for number, part in enumerate(parts) if not number % 2 and part.strip()), 0)
    before, after = "".join(parts[1:first:2]), "".join(parts[first + 1 :][::2])
    return f"{before}{{{''.join(parts[::2])}}}{after}"


def _in_link(html: str) -> str:
    parts = _TAG.split(html)
    parts[::2] = [_PLACEHOLDER.sub(lambda match: escape(_plain(match)), text) for text in parts[::2]]
    return "".join(parts)


def _fact(match: re.Match[str]) -> str | None:
    return _FACTS.get(unicodedata.normalize("NFC", match[1]).casefold())


def _plain(match: re.Match[str]) -> str:
    fact = _fact(match)
    if fact is None:
        return match.group()
    details = ContactDetails.load(current_request())
    return (details.phone_display if fact == _PHONE else str(getattr(details, fact))) or _missing(fact)


def _linked(match: re.Match[str]) -> str:
    fact = _fact(match)
    if fact == _PHONE and (details := ContactDetails.load(current_request())).phone_uri:
        return format_html('<a href="{}">{}</a>', details.phone_uri, details.phone_display)
    if fact == _EMAIL and (address := ContactDetails.load(current_request()).email):
        return email_link(address)
    return escape(_plain(match))


def _missing(fact: str) -> str:
    """Return the text for an empty field, which keeps the sentence around it readable."""
    return {
        _PHONE: _("(no phone number)"),
        _EMAIL: _("(no e-mail address)"),
        _NAME: _("(no name)"),
    }[fact]
