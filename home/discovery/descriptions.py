"""The sentence or two under a page's name in a list of search results."""

import re
from html import unescape

from django.utils.html import strip_tags
from wagtail.models import Page

from home.editors_words import editors_html, editors_text

LONGEST = 155
# Where a page type keeps its introduction.
_INTRODUCTIONS = ("lead", "intro")
_ELLIPSIS = "…"
# Not \s: a no-break space is part of the text.
_WHITESPACE = re.compile(r"[ \t\r\n\f]+")
_ENDS_A_PART = re.compile(r"</(?:p|li|h[1-6]|ul|ol)>|<br\s*/?>", re.IGNORECASE)


def plain_lines(html: str) -> list[str]:
    """The words of rich text as the page shows them: a paragraph, heading or list item is a line."""
    lines = (_one_line(unescape(strip_tags(part))) for part in _ENDS_A_PART.split(editors_html(html)))
    return [line for line in lines if line]


def _one_line(text: str) -> str:
    return _WHITESPACE.sub(" ", text).strip(" ")


def plain_text(html: str) -> str:
    """The words of rich text, all in one line."""
    return " ".join(plain_lines(html))


def shorten(text: str, longest: int = LONGEST) -> str:
    """`text`, or its beginning of at most `longest` characters: whole sentences where they fill more than half of it,
    else whole words and "…"."""
    if len(text) <= longest:
        return text
    sentences = [match.end() for match in re.finditer(r"[.!?](?=\s)", text[: longest + 1])]
    if sentences and sentences[-1] > longest / 2:
        return text[: sentences[-1]]
    room = text[:longest]
    words = room[: room.rindex(" ")] if " " in room else room[: longest - len(_ELLIPSIS)]
    return words.rstrip(" ,;:–-") + _ELLIPSIS


def introduction(page: Page) -> str:
    """The page's visible introduction in plain words; "" when there is none."""
    return next((text for name in _INTRODUCTIONS if (text := plain_text(getattr(page, name, "")))), "")


def page_description(page: Page) -> str:
    """The editor's own description, else the beginning of the introduction, else of the first text in the body."""
    if written := _one_line(page.search_description):
        return editors_text(written)
    return shorten(introduction(page) or _first_text(page))


def _first_text(page: Page) -> str:
    texts = (plain_text(block.value["text"].source) for block in page.body if block.block_type == "text")
    return next((text for text in texts if text), "")
