"""Rich text: the features that the editor offers, and what stored text refers to by id."""

import re
from collections.abc import Iterator
from html import unescape

from django.utils.html import strip_tags
from wagtail.rich_text import expand_db_html
from wagtail.rich_text.rewriters import FIND_A_TAG, FIND_EMBED_TAG, extract_attrs

from home.text_input import strip_invisible

# h2 is the heading field of a block, so that the outline of a page has no gaps (WCAG 1.3.1).
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
    """Return whether rich text shows a letter: an editor leaves empty paragraphs and invisible characters behind."""
    return bool(strip_invisible(unescape(strip_tags(html))).strip())


def expanded(rich_text: str) -> str:
    """Return stored rich text as HTML. Links to missing pages become their text."""
    return without_empty_links(expand_db_html(rich_text))


def without_empty_links(html: str) -> str:
    return _EMPTY_LINK.sub(r"\1", html)


def without_invalid_references(html: str) -> str:
    """Return stored rich text without references by an invalid id; the text of links stays."""

    def link(match: re.Match[str]) -> str:
        attrs = extract_attrs(match[1])
        return "<a>" if "linktype" in attrs and valid_id(attrs.get("id")) is None else match[0]

    return FIND_EMBED_TAG.sub("", FIND_A_TAG.sub(link, html))
