"""Cleaning of what a person typed: the words stay, what can't be seen and only does harm goes."""

import re
import unicodedata

from django.http import QueryDict

# Control characters except tab and line feed; the invisible marks that reorder text (UAX #9) or hide in it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def without_invisible(data: QueryDict) -> QueryDict:
    """Return a copy of a posted form without control and reordering characters: what can be shown again."""
    copy = data.copy()
    for name, values in data.lists():
        copy.setlist(name, [_INVISIBLE.sub("", value) for value in values])
    return copy


def clean_lines(text: str) -> str:
    """Return `text` in Unicode NFC with plain line feeds and without control or reordering characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", text).strip()


def clean_line(text: str) -> str:
    """Return `text` cleaned as `clean_lines` does, on one line: no header of a mail can be broken with it."""
    return re.sub(r"\s+", " ", clean_lines(text))
