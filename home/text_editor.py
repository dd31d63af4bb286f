"""The editor of rich text, and what becomes of the links in stored text.

Apart from home.editors_text, which the models need: from Wagtail 8 on, these can be imported only after all models.
"""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import QueryDict
from django.utils.html import escape
from draftjs_exporter.error import ExporterException
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.documents.rich_text import DocumentLinkHandler
from wagtail.rich_text import EmbedHandler
from wagtail.rich_text.pages import PageLinkHandler

from home.editors_text import Attributes, valid_id, without_invalid_references
from home.site_pages import visitor_urls

# What Wagtail's converter and exporter raise for input that the editor can't have sent.
_NO_TEXT = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, ExporterException)


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
