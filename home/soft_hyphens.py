"""Soft hyphens for the long compounds of Finnish headings.

Browsers hyphenate Finnish by themselves, except those built on Chromium, which have no Finnish patterns; there a
heading's long word would break anywhere. Running text is left to the browser.
"""

import re

SOFT_HYPHEN = "\u00ad"

# Shorter words fit on a phone's line at the size of a heading. Four letters stay on either side, as in the style sheet.
_LONG_WORD = re.compile(r"[^\W\d_]{18,}")
_EDGE = 4

# A syllable begins with the last consonant before a vowel (Finnish hyphenation; Kielitoimiston ohjepankki, tavutus).
_SYLLABLE = re.compile(r"(?<=.)(?=[bcdfghjklmnpqrstvwxzšž][aeiouyåäö])", re.IGNORECASE)

# A part of a compound begins a syllable of its own, whatever letter it begins with: työn|ohjaus and not työ|nohjaus.
_PART = re.compile(
    r"(?<=[bcdfghjklmnpqrstvwxz])(?=ohj|aika|arvi|asema|asia|esihen|esim|osaam|oppi|opet|organi)", re.IGNORECASE
)


def soft_hyphens(text: str) -> str:
    """`text` with a soft hyphen at the syllables of every word of eighteen letters or more."""
    return _LONG_WORD.sub(lambda word: _hyphenated(word.group()), text)


def _hyphenated(word: str) -> str:
    parts = {match.start() for match in _PART.finditer(word)}
    breaks = parts | {match.start() for match in _SYLLABLE.finditer(word) if match.start() + 1 not in parts}
    inside = sorted(place for place in breaks if _EDGE <= place <= len(word) - _EDGE)
    starts, ends = [0, *inside], [*inside, len(word)]
    return SOFT_HYPHEN.join(word[start:end] for start, end in zip(starts, ends, strict=True))
