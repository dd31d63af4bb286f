"""Invisible characters, which come along when text is copied and make equal-looking strings differ."""

import re
import unicodedata

# Default_Ignorable_Code_Point of the Unicode Character Database (DerivedCoreProperties.txt, 16.0); the standard
# library does not have the property. What is not listed here is a format or control character by its category.
_DEFAULT_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def is_invisible(character: str) -> bool:
    """Return whether a character is invisible and no whitespace."""
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
