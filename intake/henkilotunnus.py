"""Finding a Finnish personal identity code in free text, so that it can be refused."""

import re
import unicodedata

from home.unseen_characters import without_unseen

_CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_DASHES = str.maketrans(dict.fromkeys("\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212", "-"))

# Form and check character: Digital and Population Data Services Agency, including the separators of 2023.
_DAY, _MONTH, _NUMBER = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])", r"\d{3}"
# As they are typed and copied: in groups, as a date, with a line break or a sign too many. A few, not any number.
_GAP = r"[\s.,:;/\\|_*=~·•()-]{0,4}"
_SEPARATOR = rf"{_GAP}[-+YXWVUABCDEF]{_GAP}"
# The year of birth is written in full, too.
_CENTURY = r"(?:1[89]|20)?"
# The check character is one of these or a digit.
_LETTER = "A-FHJ-NPR-Y"
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"

# Telephone numbers come in odd groups of digits too. So where the check character is a digit, a gap stands only
# between the parts of a code; where it is a letter, anywhere, and the separator may be missing. In its own form a code
# is one beside letters as well ("hetu131052-308T").
_FORMS = tuple(
    re.compile(rf"(?=({form}))", re.IGNORECASE)
    for form in (
        rf"(?<!\d){_DAY}{_MONTH}\d\d[-+YXWVUABCDEF]{_NUMBER}[\d{_LETTER}](?!\d)",
        rf"{_BEFORE}{_DAY}[\s.]?{_MONTH}[\s.]?{_CENTURY}\d\d{_SEPARATOR}{_NUMBER}\s?[\d{_LETTER}]{_AFTER}",
        rf"{_BEFORE}(?:\d{_GAP}){{4}}{_CENTURY}(?:\d{_GAP}){{2}}(?:[-+YXWVUABCDEF]{_GAP})?(?:\d{_GAP}){{3}}[{_LETTER}]{_AFTER}",
    )
)
_SIGNS = re.compile(r"[\W_]")
_CODE = re.compile(rf"({_DAY}{_MONTH}){_CENTURY}(\d\d)[YXWVUABCDEF]?({_NUMBER})([0-9{_LETTER}])", re.IGNORECASE)


def contains_henkilotunnus(text: str) -> bool:
    """Return whether `text` has a code whose check character is right (a wrong one is just a number)."""
    # A soft hyphen, where a code was broken at the end of a line, reads as the hyphen that it looked like.
    plain = without_unseen(unicodedata.normalize("NFKC", text.translate(_DASHES)).translate(_DASHES))
    # Looked for at every place: one may begin inside what looks like another.
    candidates = (match[1] for form in _FORMS for match in form.finditer(plain))
    return any(_check_character_is_right(candidate) for candidate in candidates)


def _check_character_is_right(candidate: str) -> bool:
    code = _CODE.fullmatch(_SIGNS.sub("", candidate))
    return code is not None and _CHECK_CHARACTERS[int(code[1] + code[2] + code[3]) % 31] == code[4].upper()
