"""The rich text editor with its link handlers, and the content checks of a page.

Must be imported after all models: Wagtail 8 requires that for link handlers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.core.exceptions import BadRequest
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.html import escape, strip_tags
from django.utils.translation import gettext_lazy as _
from draftjs_exporter.error import ExporterException
from wagtail import blocks
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.admin.userbar import ContentCheckerItem
from wagtail.documents.rich_text import DocumentLinkHandler
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.rich_text import EmbedHandler
from wagtail.rich_text.pages import PageLinkHandler

from home.editors_text import (
    Attributes,
    has_unfilled_placeholder,
    linked_page_ids,
    unresolved_placeholders,
    valid_id,
    without_invalid_references,
)
from home.seo import LONGEST_DESCRIPTION
from home.site_pages import visitor_urls

# The exceptions that Wagtail's converter and exporter raise for malformed input. The editor never sends such input.
_NO_TEXT = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, ExporterException)


def _with_known_ids(attrs_list: list[Attributes]) -> list[dict[str, int | None]]:
    return [{"id": valid_id(attrs.get("id"))} for attrs in attrs_list]


class PageLink(PageLinkHandler):  # type: ignore[misc]
    """Page links in rich text. A link to a missing or unpublished page becomes plain text."""

    @classmethod
    def expand_db_attributes_many(cls, attrs_list: list[Attributes]) -> list[str]:
        urls = visitor_urls([valid_id(attrs.get("id")) for attrs in attrs_list])
        return [f'<a href="{escape(url)}">' if url else "<a>" for url in urls]

    @classmethod
    def extract_references(cls, attrs: Attributes) -> Iterator[tuple[Any, ...]]:
        if valid_id(attrs.get("id")) is not None:
            yield from super().extract_references(attrs)


class DocumentLink(DocumentLinkHandler):  # type: ignore[misc]
    """Document links in rich text. A link to a missing document becomes plain text."""

    @classmethod
    def get_many(cls, attrs_list: list[Attributes]) -> list[models.Model | None]:
        documents: list[models.Model | None] = super().get_many(_with_known_ids(attrs_list))
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
    """Wagtail's editor. It can't open a text with an invalid reference: they are removed before and after editing."""

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


# Search engines truncate a title at about this many characters, including the name of the site.
LONGEST_TITLE = 60
# Not after a digit, where the mark may mean inches.
_STRAIGHT = re.compile(r"(?<!\d)(?:[\"']|&quot;|&#x27;|&#39;)")
ATTRIBUTE = "data-findings"
# A check that is true for every element. A rule with it in `none` reports each element that its selector matches.
_ALWAYS_TRUE = {"id": "home-always", "evaluate": "matches-definition-evaluate", "options": {"matcher": {}}}
# Wagtail's rule. It checks <meta name="description">, which a preview does not have (page_head), so it never reports
# anything. DESCRIPTION_MISSING checks the field instead.
_REPLACED = "empty-meta-description"


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind of finding.

    `key` identifies it in the page and in axe. `name` says what is wrong, `help_text` what to do, and `selector` which
    element of the page is marked.
    """

    key: str
    name: Promise
    help_text: Promise
    selector: str = "h1"


DESCRIPTION_MISSING = Finding(
    key="home-description-missing",
    name=_("The description for search engines is missing"),
    help_text=_("Write one or two sentences about the page under “For search engines”."),
)
DESCRIPTION_LONG = Finding(
    key="home-description-long",
    name=_("The description for search engines is long"),
    help_text=_("Search engines cut it. About 155 characters fit."),
)
TITLE_LONG = Finding(
    key="home-title-long",
    name=_("The title is long"),
    help_text=_("Search engines show about 60 characters. Shorten it, or write a shorter title for search engines."),
)
STRAIGHT_QUOTES = Finding(
    key="home-straight-quotes",
    name=_("There are straight quotation marks in the text"),
    help_text=_("You need not do anything: the site shows them to visitors as Finnish ones (”like this”)."),
)
BROKEN_LINK = Finding(
    key="home-dead-link",
    name=_("A link leads to a page that visitors can't see"),
    help_text=_("The page is hidden or gone. Visitors see the words without a link: choose another page for it."),
)
PLACEHOLDER_EMPTY = Finding(
    key="home-fact-missing",
    name=_("A mark in braces stands for nothing"),
    help_text=_(
        "In a text, {puhelin}, {sähköposti} and {nimi} show what the contact details say. Check how the mark is "
        "written, and whether the contact details have the fact."
    ),
)


def page_findings(page: Page) -> list[Finding]:
    """Return the findings of `page`, the most important first."""
    found = {
        BROKEN_LINK: has_broken_link(page),
        PLACEHOLDER_EMPTY: _has_empty_placeholder(page),
        DESCRIPTION_MISSING: not (page.search_description or "").strip(),
        DESCRIPTION_LONG: len(page.search_description or "") > LONGEST_DESCRIPTION,
        TITLE_LONG: len(page.seo_title or page.title or "") > LONGEST_TITLE,
        STRAIGHT_QUOTES: any(_STRAIGHT.search(text) for text in _texts(page)),
    }
    return [finding for finding, is_found in found.items() if is_found]


FINDINGS = (
    *(BROKEN_LINK, PLACEHOLDER_EMPTY, DESCRIPTION_MISSING),
    *(DESCRIPTION_LONG, TITLE_LONG, STRAIGHT_QUOTES),
)


def _has_empty_placeholder(page: Page) -> bool:
    unresolved = (mark for text in _texts(page) for mark in unresolved_placeholders(unescape(text)))
    return any(unresolved) or any(has_unfilled_placeholder(html) for html in _rich_texts(page))


def has_broken_link(page: Page) -> bool:
    """Return whether a text or a button links to a page that is deleted or unpublished."""
    chosen = [value for block, value in _values(page) if isinstance(block, blocks.PageChooserBlock)]
    linked = {number for html in _rich_texts(page) for number in linked_page_ids(html)}
    return not all(visitor_urls([*(one.pk if one else None for one in chosen), *linked]))


def _rich_texts(page: Page) -> Iterator[str]:
    for field in page._meta.get_fields():
        if isinstance(field, RichTextField):
            yield getattr(page, field.name) or ""
    yield from (value.source for block, value in _values(page) if isinstance(block, blocks.RichTextBlock))


def _texts(page: Page) -> Iterator[str]:
    """Yield every text of the page, without tags."""
    yield from (strip_tags(html) for html in _rich_texts(page))
    yield from (getattr(page, field.name) or "" for field in page._meta.get_fields() if _is_plain_text(field))
    for block, value in _values(page):
        if isinstance(block, blocks.CharBlock | blocks.TextBlock):
            yield value


def _is_plain_text(field: Any) -> bool:
    is_text = isinstance(field, models.CharField | models.TextField)
    return is_text and field.editable and not field.choices and not isinstance(field, RichTextField | models.SlugField)


def _values(page: Page) -> Iterator[tuple[blocks.Block, Any]]:
    for field in page._meta.get_fields():
        if isinstance(field, StreamField):
            for child in getattr(page, field.name):
                yield from _inside(child.block, child.value)


def _inside(block: blocks.Block, value: Any) -> Iterator[tuple[blocks.Block, Any]]:
    if isinstance(block, blocks.StructBlock):
        for name, child in block.child_blocks.items():
            yield from _inside(child, value.get(name))
    elif isinstance(block, blocks.ListBlock):
        for item in value or ():
            yield from _inside(block.child_block, item)
    elif value is not None:
        yield block, value


class SiteContentChecker(ContentCheckerItem):
    """Wagtail's content checker with the findings of this module as additional axe rules."""

    def get_axe_run_only(self, request: HttpRequest) -> list[str]:
        theirs = [rule for rule in super().get_axe_run_only(request) if rule != _REPLACED]
        return [*theirs, *(finding.key for finding in FINDINGS)]

    def get_axe_custom_rules(self, request: HttpRequest) -> list[dict[str, Any]]:
        theirs = [rule for rule in super().get_axe_custom_rules(request) if rule["id"] != _REPLACED]
        ours = [
            {
                "id": finding.key,
                "impact": "moderate",
                "selector": f"body[{ATTRIBUTE}~='{finding.key}'] {finding.selector}",
                "tags": ["best-practice"],
                "none": [_ALWAYS_TRUE["id"]],
                "enabled": True,
            }
            for finding in FINDINGS
        ]
        return [*theirs, *ours]

    def get_axe_custom_checks(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [*super().get_axe_custom_checks(request), _ALWAYS_TRUE]

    def get_axe_messages(self, request: HttpRequest) -> dict[str, dict[str, Any]]:
        ours = {finding.key: {"error_name": finding.name, "help_text": finding.help_text} for finding in FINDINGS}
        return {**super().get_axe_messages(request), **ours}
