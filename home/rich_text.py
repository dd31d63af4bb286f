"""Rich text: the editor's features, and what stored text refers to by id."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import QueryDict
from django.utils.html import escape
from draftjs_exporter.error import ExporterException
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.documents.rich_text import DocumentLinkHandler
from wagtail.rich_text import EmbedHandler, expand_db_html
from wagtail.rich_text.pages import PageLinkHandler
from wagtail.rich_text.rewriters import FIND_A_TAG, FIND_EMBED_TAG, extract_attrs

from home.site_pages import visitor_urls

# h2 is the heading field of a block, so that the outline of a page has no gaps (WCAG 1.3.1).
PROSE_FEATURES = ["h3", "h4", "bold", "italic", "link", "ol", "ul"]
SHORT_FEATURES = ["bold", "italic", "link"]
_LARGEST = 2**63 - 1
# What Wagtail's converter and exporter raise for input that the editor can't have sent.
_NO_TEXT = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, ExporterException)
Attributes = dict[str, str]
# Wagtail renders a link to a missing page as a tag without attributes.
_EMPTY_LINK = re.compile(r"<a>(.*?)</a>", re.DOTALL)


def valid_id(value: object) -> int | None:
    """Return `value` as a possible primary key; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_LARGEST)):
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= _LARGEST else None  # type: ignore[operator, return-value]


def _with_known_ids(attrs_list: list[Attributes]) -> list[dict[str, int | None]]:
    return [{"id": valid_id(attrs.get("id"))} for attrs in attrs_list]


class PageLink(PageLinkHandler):  # type: ignore[misc]
    """Page links in rich text. A link to a missing or unpublished page becomes its text."""

    @classmethod
    def expand_db_attributes_many(cls, attrs_list: list[Attributes]) -> list[str]:
        urls = visitor_urls([valid_id(attrs.get("id")) for attrs in attrs_list])
        return [f'<a href="{escape(url)}">' if url else "<a>" for url in urls]

    @classmethod
    def extract_references(cls, attrs: Attributes) -> Iterator[tuple[Any, ...]]:
        if valid_id(attrs.get("id")) is not None:
            yield from super().extract_references(attrs)


class DocumentLink(DocumentLinkHandler):  # type: ignore[misc]
    """Document links in rich text. A link to a missing document becomes its text."""

    @classmethod
    def get_many(cls, attrs_list: list[Attributes]) -> list[Model | None]:
        documents: list[Model | None] = super().get_many(_with_known_ids(attrs_list))
        return documents

    @classmethod
    def extract_references(cls, attrs: Attributes) -> Iterator[tuple[Any, ...]]:
        if valid_id(attrs.get("id")) is not None:
            yield from super().extract_references(attrs)


class RemovedEmbed(EmbedHandler):  # type: ignore[misc]
    """Images inside rich text are removed: images belong in blocks, which have alternative text and renditions."""

    identifier = "image"

    @staticmethod
    def expand_db_attributes(attrs: Attributes) -> str:
        return ""


class TextEditor(DraftailRichTextArea):  # type: ignore[misc]
    """Wagtail's editor. It can't open a text with an invalid reference, so these are removed on the way in and out."""

    def format_value(self, value: str | None) -> str:
        shown: str = super().format_value(without_invalid_references(value or ""))
        return shown

    def value_from_datadict(self, data: QueryDict, files: Any, name: str) -> str | None:
        html: str | None = self._as_html(data, files, name)
        return html if html is None else without_invalid_references(html)

    def _as_html(self, data: QueryDict, files: Any, name: str) -> str | None:
        try:
            html: str | None = super().value_from_datadict(data, files, name)
        except _NO_TEXT as error:
            # Wagtail's converter does not validate its input. The editor never sends this.
            raise BadRequest("no text of the editor's") from error
        return html


def linked_page_ids(html: str) -> Iterator[int | None]:
    """Yield the ids of the pages that rich text links to; None for an invalid id."""
    for match in FIND_A_TAG.finditer(html):
        attrs = extract_attrs(match[1])
        if attrs.get("linktype") == "page":
            yield valid_id(attrs.get("id"))


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
