"""Finding a Finnish personal identity code in free text, so that it can be refused."""

import re
import unicodedata

# Form and check character: Digital and Population Data Services Agency, including the separators of 2023.
_CANDIDATE = re.compile(
    r"\b(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+YXWVUABCDEF]\d{3}[0-9A-FHJ-NPR-Y]\b", re.IGNORECASE
)
_CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


def contains_henkilotunnus(text: str) -> bool:
    """Return whether `text` has a code whose check character is right (a wrong one is just a number)."""
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES)
    return any(_check_character_is_right(match.group()) for match in _CANDIDATE.finditer(plain))


def _check_character_is_right(code: str) -> bool:
    number = int(code[:6] + code[7:10])
    return _CHECK_CHARACTERS[number % 31] == code[10].upper()
