"""Finnish typography for text typed with a plain keyboard: quotes, ranges, dashes, no-break spaces, soft hyphens.

Results for editors' texts are cached in the process (`remembered`).
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from itertools import pairwise
from typing import TypeVar

Result = TypeVar("Result")
# Limits of the cache (`remembered`). The whole site has some thousand texts. Longer ones than _LONGEST are rare, and
# would fill the memory.
_TEXTS = 2048
_LONGEST = 5000

NBSP = "\u00a0"
EN_DASH = "–"
# Replaces a tag or a protected piece during typesetting. A Unicode noncharacter, so no valid text contains it.
_PLACEHOLDER = "\ufdd0"
# Prevents a line break after an en dash (Unicode UAX #14, class WJ).
WORD_JOINER = "\u2060"
_ANYTHING_TO_DO = re.compile(r"[\"'\d–-]|\.\.\.")
# Text that looks like a range or a sum but is not: URLs, phone numbers, business IDs, personal IDs, codes, dates.
_ADDRESSES = r"""
      (?:https?://|www\.|mailto:|tel:)[^\s<>"\ufdd0]+
    | (?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+
    | (?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?:fi|com|org|net|eu|info)\b(?:/[^\s<>"\ufdd0]*)?
"""
_NUMBERS_AND_CODES = r"""
      (?=\d)(?<![\w,.-])(?: \d{4}-\d{2}-\d{2}(?![\d-]) | \d{7}-\d(?![\w-]) | \d{6}[-+A-FU-Y]\d{3}\w(?!\w) )
    | (?=[\d+(])(?<![\w,.-])(?<!\d[ \u00a0])(?:\+\d{1,3}[ \u00a0-]*\(?\d+\)?|\(?0\d{1,3}\)?)
      (?:[ \u00a0]?-[ \u00a0]?|[ \u00a0]?)\d{2,}(?:[ \u00a0-]\d{2,})*(?![\d,.]\d)
    | (?=[vktlnpVKTLNP])\b(?i:viite\w*|koodi\w*|tunnus\w*|tilaus\w*|laskun?|puh\.?|puhelin\w*|nro|numero\w*|versio\w*)
      [:.]?[ \u00a0](?=\S*\d)[\w+-]*-[\w-]+
"""
_MAY_HOLD_ADDRESS = re.compile(r"@|//|www\.|mailto:|tel:|\.(?:fi|com|org|net|eu|info)\b")
_NUMBER = r"\d{1,3}(?:[ \u00a0]\d{3}){1,5}|\d{1,4}(?:[.,:]\d{1,2}){0,1}"
_DAY = r"\d{1,2}\.(?:\d{1,2}\.(?:\d{4})?)?"
_BETWEEN = r"(?:-|[ \u00a0]-[ \u00a0]|[ \u00a0]?–[ \u00a0]?)"
_DAYS = re.compile(rf"(?<![\w.,:–-])({_DAY}){_BETWEEN}({_DAY})(?![\d,:–-])")
_RANGE = re.compile(
    rf"(?<![\w.,:+–-])(?<![A-ZÅÄÖ]{{2}}[ \u00a0])({_NUMBER}){_BETWEEN}({_NUMBER})"
    rf"(?![\w–]|[.,:]\d|-\d|[ \u00a0]?=)(?!-[A-ZÅÄÖ])"
)
_WEEKDAY = r"(ma|ti|ke|to|pe|la|su)"
_WEEKDAYS = re.compile(rf"(?<![\w-]){_WEEKDAY}{_BETWEEN}{_WEEKDAY}(?![\w-])", re.IGNORECASE)
# The dash stays with the word before it, so that no line begins with a dash.
_DASH = re.compile(r"(?<=[^\s\d])[ \u00a0](?:--?|–)[ ](?=\S)|(?<=\d)[ \u00a0](?:--?|–)[ ](?=[^\s\d])")
_ELLIPSIS = re.compile(r"(?<!\.)\.{3}(?!\.)")
_THOUSANDS = re.compile(r"(?<![\d.,:-])\d{1,3}(?: \d{3})+(?!\d)")
_MONTHS = "tammi|helmi|maalis|huhti|touko|kesä|heinä|elo|syys|loka|marras|joulu"
_UNITS = (
    r"min|h|t|s|sek|kk|vko|vk|pv|v|vrk|kpl|hlö|hlöä|km|m|cm|mm|kg|g|l|dl|e|snt"
    r"|[€%‰§]|°C|minuut\w+|minuuti\w+|sekun\w+|(?:ohjaus|oppi)?tun(?:ti|tia|nin|tien|teja|nissa|nista|nille)"
    r"|(?:ohjaus)?ker(?:ta|taa|ran|toja|ralla|rasta)|viik(?:ko|koa|kojen|koon)|viikon|viikossa|viikolla"
    r"|kuukau\w+|päiv(?:ä|ää|än|ässä|ästä)|vuo(?:si|tta|den|dessa|desta)|henki(?:löä|lön|lölle|lö)|henkeä"
    r"|euro(?:a|n|lla)?|sentti[äa]?|prosent\w+|kilometr\w+|metri[äa]?"
)
# Each pattern begins with the literal space, because the regex engine finds a literal start fast.
_UNIT = re.compile(rf" (?:(?<=\d )|(?<=\d{_PLACEHOLDER} ))(?={_PLACEHOLDER}?(?:{_UNITS})(?!\w))", re.IGNORECASE)
_MONTH = re.compile(rf" (?<=\d\. )(?=(?:{_MONTHS})kuu)", re.IGNORECASE)
_WORDS_BEFORE_NUMBER = (
    *("klo", "kello", "à", "nro", r"puh\.", "alv", r"s\.", r"n\."),
    *("soita", "soittaa", "numero", "numeron", "numerossa", "numeroon"),
)
_BEFORE_NUMBER = re.compile(
    rf" (?={_PLACEHOLDER}?[+\d{_PLACEHOLDER}])(?:"
    + "|".join(rf"(?<=\b{word} )" for word in _WORDS_BEFORE_NUMBER)
    + "|(?<=§ ))",
    re.IGNORECASE,
)
# Elements whose content is not typeset.
_OPAQUE = frozenset(
    {"a", "code", "pre", "kbd", "samp", "var", "script", "style", "textarea", "svg", "math", "title", "option"}
)
_INLINE = frozenset({"abbr", "b", "cite", "em", "i", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "u"})
_COMMENT = "!--"
# "<" that does not begin a tag.
_SIGNS = re.compile(r"<[^<>]*>?")
_TAG = re.compile(
    rf"""
      <{_COMMENT}
    | <(/?)([a-z][a-z0-9-]*)(?:[^<>"']|"[^"]*"|'[^']*')*>
    | {_SIGNS.pattern}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ENDS = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _OPAQUE} | {_COMMENT: re.compile("-->")}
_QUOTE_REFERENCE = re.compile(r"&(?:(quot|\#34|\#x22)|(apos|\#39|\#x27));", re.IGNORECASE)
_REFERENCE = r"&(?:[A-Za-z][A-Za-z0-9]*|\#\d+|\#[xX][0-9A-Fa-f]+);"
_RANGE_DASH = re.compile(r"(?<=[\w.])–(?=\w)")
_PHONE_NUMBER = re.compile(r"(?<![\w+.,-])(?:\+\d{1,3}|0\d{1,3}|116)(?: \d{2,4}){1,4}(?![\w.,]\d|\w)")
SOFT_HYPHEN = "\u00ad"
# Shorter words fit on one line of a heading on a phone. At least four letters stay on each side, as in the style sheet.
_LONG_WORD = re.compile(r"[^\W\d_]{18,}")
_EDGE = 4
# A syllable begins with the last consonant before a vowel (Finnish hyphenation; Kielitoimiston ohjepankki, tavutus).
_SYLLABLE = re.compile(r"(?<=.)(?=[bcdfghjklmnpqrstvwxzšž][aeiouyåäö])", re.IGNORECASE)
# A part of a compound begins a new syllable, also with a vowel: työn|ohjaus, not työ|nohjaus.
_PART = re.compile(
    r"(?<=[bcdfghjklmnpqrstvwxz])(?=ohj|aika|arvi|asema|asia|esihen|esim|osaam|oppi|opet|organi)", re.IGNORECASE
)
# A verb at the start, as in "Vastaan kahdessa päivässä", is removed: the sentence around it has one.
_VERB = re.compile(
    r"^(?:(?:kati|minä)\s+)?(?:vastaan|vastaa|vastaamme|saat\s+vastauksen)(?:\s+(?:sinulle|viestiisi))?(?:\s+|$)",
    re.IGNORECASE,
)
_AROUND = " \t\r\n\u00a0.,;:!?…\"'”“’‘"


def _protected(also: str = "") -> dict[bool, re.Pattern[str]]:
    """Return the pattern of protected text, for texts that may contain an address (slow) and for those that can't."""
    first = f"{also}|" if also else ""
    return {
        True: re.compile(f"{first}{_ADDRESSES}|{_NUMBERS_AND_CODES}", re.VERBOSE),
        False: re.compile(f"{first}{_NUMBERS_AND_CODES}", re.VERBOSE),
    }


_PROTECTED = _protected()


def remembered(function: Callable[[str], Result]) -> Callable[[str], Result]:
    """Decorator that caches results in the process. A result must be immutable and depend only on the text.

    For editors' texts only, never for a visitor's.
    """
    # `typed`: a SafeString has a result of its own.
    known = lru_cache(maxsize=_TEXTS, typed=True)(function)

    @wraps(function)
    def answer(text: str) -> Result:
        return known(text) if _is_kept(text) else function(text)

    return answer


def _is_kept(text: str) -> bool:
    return len(text) <= _LONGEST


@remembered
def finnish_text(text: str) -> str:
    """Return plain text with Finnish punctuation. URLs, addresses, phone numbers and codes are unchanged."""
    if not _ANYTHING_TO_DO.search(text) or _PLACEHOLDER in text:
        return text
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return _PLACEHOLDER

    return _fill(_typeset(_PROTECTED[_may_hold_address(text)].sub(keep, text)), kept)


_PROTECTED_OR_PLACEHOLDER = _protected(also=f"{_PLACEHOLDER}|{_REFERENCE}")


def _markup(html: str) -> Iterator[tuple[int, int, bool]]:
    """Yield the start and end of each piece of markup, and whether it ends a paragraph.

    An opaque element is one piece. A missing end tag is searched for only once, so that unclosed tags take linear time.
    """
    position = 0
    without_end: set[str] = set()
    while tag := _TAG.search(html, position):
        position = tag.end()
        name = _COMMENT if tag[0] == f"<{_COMMENT}" else (tag[2] or "").lower()
        is_whole = False
        if not tag[1] and name in _ENDS and name not in without_end:
            end = _ENDS[name].search(html, position)
            if end:
                position, is_whole = end.end(), name != _COMMENT
            else:
                without_end.add(name)
        if name in without_end and name == _COMMENT:
            position = _SIGNS.match(html, tag.start()).end()  # type: ignore[union-attr]
        # Quotations and numbers don't span paragraphs.
        yield tag.start(), position, not is_whole and name not in _INLINE


@remembered
def finnish_html(html: str) -> str:
    """Return `html` with Finnish punctuation in its text.

    Tags, attributes, comments, character references (except quotes), links and code are unchanged.
    """
    if not _ANYTHING_TO_DO.search(html) or _PLACEHOLDER in html:
        return html
    kept: list[str] = []
    paragraphs: list[str] = [""]
    position = 0
    for start, end, ends_paragraph in _markup(html):
        paragraphs[-1] += html[position:start] + _PLACEHOLDER
        kept.append(html[start:end])
        position = end
        if ends_paragraph:
            paragraphs.append("")
    paragraphs[-1] += html[position:]
    holes = iter(kept)
    return "".join(
        _paragraph(paragraph, [next(holes) for _ in range(paragraph.count(_PLACEHOLDER))]) for paragraph in paragraphs
    )


@remembered
def unbroken_text(text: str) -> str:
    """Return `text` without line breaks inside ranges (3–4) and phone numbers. Not for titles and metadata."""
    text = _PHONE_NUMBER.sub(lambda match: match.group().replace(" ", NBSP), text)
    return _RANGE_DASH.sub(EN_DASH + WORD_JOINER, text)


@remembered
def unbroken_html(html: str) -> str:
    """Do the same as unbroken_text() for the text in `html`, except in links and code."""
    parts: list[str] = []
    position = 0
    for start, end, _ends_paragraph in _markup(html):
        parts += [unbroken_text(html[position:start]), html[start:end]]
        position = end
    return "".join([*parts, unbroken_text(html[position:])])


def _paragraph(text: str, tags: list[str]) -> str:
    """Typeset a paragraph whose placeholders stand for `tags`, in order."""
    plain = _QUOTE_REFERENCE.sub(lambda match: '"' if match[1] else "'", text)
    if not _ANYTHING_TO_DO.search(plain):
        return _fill(text, tags)
    outside = iter(tags)
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(next(outside) if match.group() == _PLACEHOLDER else match.group())
        return _PLACEHOLDER

    return _fill(_typeset(_PROTECTED_OR_PLACEHOLDER[_may_hold_address(plain)].sub(keep, plain)), kept)


def _may_hold_address(text: str) -> bool:
    return _MAY_HOLD_ADDRESS.search(text) is not None


def _fill(text: str, kept: list[str]) -> str:
    parts = text.split(_PLACEHOLDER)
    return parts[0] + "".join(piece + part for piece, part in zip(kept, parts[1:], strict=True))


def _typeset(text: str) -> str:
    text = _quotes(text, '"', "”")
    text = _quotes(text, "'", "’")
    text = _DAYS.sub(rf"\1{EN_DASH}\2", text)
    text = _RANGE.sub(_range, text)
    text = _WEEKDAYS.sub(lambda match: match.group() if _same_day(match) else f"{match[1]}{EN_DASH}{match[2]}", text)
    text = _DASH.sub(f"{NBSP}{EN_DASH} ", text)
    text = _ELLIPSIS.sub("…", text)
    text = _THOUSANDS.sub(lambda match: match.group().replace(" ", NBSP), text)
    text = _UNIT.sub(NBSP, text)
    text = _MONTH.sub(NBSP, text)
    return _BEFORE_NUMBER.sub(NBSP, text)


def _quotes(text: str, straight: str, curly: str) -> str:
    """Replace straight quotes. Finnish uses the same mark on both sides; after a digit it means inches or minutes."""
    if straight not in text:
        return text
    parts = text.split(straight)
    out = parts[0]
    is_open = False
    for before, after in pairwise(parts):
        inside_word = straight == "'" and before[-1:].isalpha() and after[:1].isalpha()
        is_measure = not is_open and before[-1:].isdigit()
        out += (straight if is_measure else curly) + after
        if not inside_word and not is_measure:
            is_open = not is_open
    return out


def _range(match: re.Match[str]) -> str:
    """Use an en dash only from the smaller to the larger number: 3-2 may be a result, 50-3 a difference or a code."""
    start, end = (_value(part) for part in match.groups())
    is_short_year = len(match[1]) == 4 and len(match[2]) == 2 and match[1].isdigit() and match[1][2:] < match[2]
    return f"{match[1]}{EN_DASH}{match[2]}" if start < end or is_short_year else match.group()


def _value(number: str) -> float:
    return float(re.sub(r"[ \u00a0]", "", number).replace(",", ".").replace(":", "."))


def _same_day(match: re.Match[str]) -> bool:
    return match[1].lower() == match[2].lower()


@remembered
def soft_hyphens(text: str) -> str:
    """Return `text` with soft hyphens between the syllables of words of eighteen letters or more."""
    return _LONG_WORD.sub(lambda word: _hyphenated(word.group()), text)


def _hyphenated(word: str) -> str:
    parts = {match.start() for match in _PART.finditer(word)}
    breaks = parts | {match.start() for match in _SYLLABLE.finditer(word) if match.start() + 1 not in parts}
    inside = sorted(place for place in breaks if _EDGE <= place <= len(word) - _EDGE)
    starts, ends = [0, *inside], [*inside, len(word)]
    return SOFT_HYPHEN.join(word[start:end] for start, end in zip(starts, ends, strict=True))


@remembered
def in_sentence(phrase: str) -> str:
    """Return a phrase for the middle of a sentence: “Kahdessa arkipäivässä.” as “kahdessa arkipäivässä”."""
    text = _VERB.sub("", " ".join(phrase.split()).strip(_AROUND)).strip(_AROUND)
    # "EU:n sisällä" and "A4" keep their capitals.
    is_a_word = text[:1].isupper() and (len(text) == 1 or text[1:2].islower())
    return text[:1].lower() + text[1:] if is_a_word else text
