"""From what a content file says to what the database stores: links, pictures and blocks."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from wagtail import blocks
from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.images.blocks import ImageBlock
from wagtail.images.models import AbstractImage
from wagtail.models import Page
from wagtail.rich_text import features as feature_registry

from home.content_files import ContentError

_PAGE_LINK = re.compile(r'<a href="sivu:(?P<path>/[^"#]*)(?:#(?P<anchor>[^"]+))?">(?P<words>.*?)</a>', re.DOTALL)
# Not \s: a no-break space is part of the text.
_WHITESPACE = re.compile(r"[ \t\r\n]+")
_BETWEEN_BLOCKS = re.compile(r" *(</?(?:p|ul|ol|li|h3|h4)>) *")


@dataclass(frozen=True, slots=True)
class ContentLookup:
    """Where a piece finds the others: by path (None for a page that was deleted) and by file (likewise)."""

    find_page: Callable[[str], Page | None]
    find_image: Callable[[str], AbstractImage | None]


def rich_text(html: str, *, features: list[str] | None, own_path: str | None, lookup: ContentLookup) -> str:
    """Rich text as the editor with these features stores it.

    `sivu:/path/` becomes a page link that follows the page when it moves; with an #anchor it becomes a plain address,
    since Wagtail's page links have no anchors. A link to a page that is no longer there leaves its words.
    """

    def page_link(match: re.Match[str]) -> str:
        path, anchor, words = match.group("path"), match.group("anchor"), match.group("words")
        if anchor and path == own_path:
            return f'<a href="#{anchor}">{words}</a>'
        page = lookup.find_page(path)
        if page is None:
            return words
        if anchor:
            return f'<a href="{page.url}#{anchor}">{words}</a>'
        return f'<a linktype="page" id="{page.pk}">{words}</a>'

    tidy = _BETWEEN_BLOCKS.sub(r"\1", _WHITESPACE.sub(" ", html)).strip()
    linked = _PAGE_LINK.sub(page_link, tidy)
    if "sivu:" in linked:
        raise ContentError('a page link must be written as <a href="sivu:/path/">')
    return _as_edited(linked, features)


def _as_edited(html: str, features: list[str] | None) -> str:
    """Go the way of the editor's form, which gives keys to the paragraphs: opened there, the text is unchanged."""
    converter = ContentstateConverter(features or feature_registry.get_default_features())
    edited: str = converter.to_database_format(converter.from_database_format(html))
    return edited


def body_blocks(
    tables: list[dict[str, Any]], block: blocks.StreamBlock, *, own_path: str | None, lookup: ContentLookup
) -> list[dict[str, Any]]:
    """The raw value of a StreamField from the `[[body]]` tables of a file. ContentError for an unknown block or key."""
    raw = []
    for table in tables:
        fields = dict(table)
        name = fields.pop("block", None)
        child = block.child_blocks.get(name)
        if child is None:
            raise ContentError(f"there is no block {name!r}")
        raw.append(
            {"type": name, "id": str(uuid4()), "value": _raw_value(fields, child, own_path=own_path, lookup=lookup)}
        )
    return raw


def _raw_value(value: Any, block: blocks.Block, *, own_path: str | None, lookup: ContentLookup) -> Any:
    if isinstance(block, ImageBlock):
        image = lookup.find_image(value["file"])
        alt = value.get("alt", "")
        return {"image": image and image.pk, "alt_text": alt, "decorative": not alt}
    if isinstance(block, blocks.StructBlock):
        unknown = value.keys() - block.child_blocks.keys()
        if unknown:
            raise ContentError(f"unknown in a block: {', '.join(sorted(unknown))}")
        return {
            name: _raw_value(value[name], child, own_path=own_path, lookup=lookup)
            for name, child in block.child_blocks.items()
            if name in value
        }
    if isinstance(block, blocks.ListBlock):
        return [
            {
                "type": "item",
                "id": str(uuid4()),
                "value": _raw_value(item, block.child_block, own_path=own_path, lookup=lookup),
            }
            for item in value
        ]
    if isinstance(block, blocks.RichTextBlock):
        return rich_text(value, features=block.features, own_path=own_path, lookup=lookup)
    if isinstance(block, blocks.PageChooserBlock):
        page = lookup.find_page(value)
        return page and page.pk
    return value
