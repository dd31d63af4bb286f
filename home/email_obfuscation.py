"""E-mail addresses as character references: browsers show, copy and tap them, simple harvesters find nothing."""

import re

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from home.email_address import address_as_sent

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
