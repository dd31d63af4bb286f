"""Cleaning of what a person typed: the words stay, what can't be seen and only does harm goes."""

import re
import unicodedata

from django.http import QueryDict

# Control characters except tab and line feed; the invisible marks that reorder text (UAX #9) or hide in it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")

# UAX #15, section 13 (Stream-Safe Text Format).
_MOST_MARKS = 30
_JOINER = "\u034f"
# The longest that one character becomes in NFD: what is this many times too long stays too long when composed.
_LONGEST_DECOMPOSITION = 4


class TooLong(ValueError):
    """The text is far past its limit, so it was not cleaned; `length` is counted without what can't be seen."""

    def __init__(self, length: int) -> None:
        super().__init__("too long to be cleaned")
        self.length = length


def without_invisible(data: QueryDict) -> QueryDict:
    """Return a copy of a posted form without control and reordering characters: what can be shown again."""
    copy = data.copy()
    for name, values in data.lists():
        copy.setlist(name, [_INVISIBLE.sub("", value) for value in values])
    return copy


def clean_lines(text: str, *, limit: int | None = None) -> str:
    """Return `text` in Unicode NFC with plain line feeds and without control or reordering characters.

    What can't come down to `limit` characters raises TooLong before the costly part.
    """
    return _composed(_without_harm(text), limit)


def clean_line(text: str, *, limit: int | None = None) -> str:
    """Return `text` cleaned as `clean_lines` does, on one line: no header of a mail can be broken with it."""
    return _composed(re.sub(r"\s+", " ", _without_harm(text)), limit)


def _without_harm(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text)).strip()


def _composed(text: str, limit: int | None) -> str:
    if limit is not None and len(text) > limit * _LONGEST_DECOMPOSITION:
        raise TooLong(len(text))
    return unicodedata.normalize("NFC", _stream_safe(text)).strip()


def _stream_safe(text: str) -> str:
    """Return `text` with every run of combining marks broken after 30: sorting a long one takes its length squared."""
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
