"""Parse and validate the content files, and convert their values to database values."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from wagtail import blocks
from wagtail.admin.rich_text.converters.contentstate import ContentstateConverter
from wagtail.images.blocks import ImageChooserBlock
from wagtail.images.models import AbstractImage
from wagtail.models import Page
from wagtail.rich_text import features as feature_registry

CONTENT_DIR = Path(__file__).resolve().parent
IMAGE_TYPE = "home.Picture"
_PAGE_LINK = re.compile(r'<a href="sivu:(?P<path>/[^"#]*)(?:#(?P<anchor>[^"]+))?">(?P<words>.*?)</a>', re.DOTALL)
# Not \s: a no-break space is part of the text.
_WHITESPACE = re.compile(r"[ \t\r\n]+")
_BETWEEN_BLOCKS = re.compile(r" *(</?(?:p|ul|ol|li|h3|h4)>) *")


class ContentError(Exception):
    """A content file is invalid. The message names the file and the problem."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A content file: a page (with a `path`), an image (type home.Picture, with a `file`), or a setting.

    `key` identifies it in LoadedContent.
    """

    source: Path
    type: str
    data: dict[str, Any]

    @property
    def path(self) -> str | None:
        return self.data.get("path")

    @property
    def key(self) -> str:
        if self.type == IMAGE_TYPE:
            return image_key(self.data["file"])
        return f"page:{self.path}" if self.path else f"setting:{self.type}"

    @property
    def image_file(self) -> Path:
        return self.source.parent / "images" / str(self.data["file"])


def image_key(file: str) -> str:
    """Return the key of an image file in home/content/images/."""
    return f"image:{file}"


def read_pieces(directory: Path) -> list[Piece]:
    """Return all content files, sorted by name. Raises ContentError for an invalid one."""
    pieces = [_read_piece(source) for source in sorted(directory.glob("*.toml"))]
    if not pieces:
        raise ContentError(f"{directory}: no content files")
    return pieces


def _read_piece(source: Path) -> Piece:
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContentError(f"{source.name}: {error}") from error
    content_type = data.pop("type", None)
    if not isinstance(content_type, str) or content_type.count(".") != 1:
        raise ContentError(f'{source.name}: "type" must be app.Model')
    if content_type == IMAGE_TYPE and not data.get("file"):
        raise ContentError(f'{source.name}: a picture needs a "file"')
    path = data.get("path")
    if path is not None and not (isinstance(path, str) and path.startswith("/") and path.endswith("/")):
        raise ContentError(f'{source.name}: "path" must start and end with a slash')
    return Piece(source=source, type=content_type, data=data)


@dataclass(frozen=True, slots=True)
class ContentLookup:
    """Look-ups of loaded pages by path and images by file; None for one that an editor has deleted."""

    find_page: Callable[[str], Page | None]
    find_image: Callable[[str], AbstractImage | None]


def rich_text(html: str, *, features: list[str] | None, own_path: str | None, lookup: ContentLookup) -> str:
    """Return rich text as the editor with these features stores it.

    `sivu:/path/` becomes a page link by id. With an #anchor it becomes a URL, because Wagtail's page links have no
    anchors. A link to a deleted page becomes plain text. Raises ContentError for a malformed link.
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
    # The editor's converter adds keys to paragraphs. With them, saving the page in the editor changes nothing.
    converter = ContentstateConverter(features or feature_registry.get_default_features())
    edited: str = converter.to_database_format(converter.from_database_format(html))
    return edited


def body_blocks(
    tables: list[dict[str, Any]], block: blocks.StreamBlock, *, own_path: str | None, lookup: ContentLookup
) -> list[dict[str, Any]]:
    """Return the raw value of a StreamField for the `[[body]]` tables. Raises ContentError for an unknown name."""
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
    if isinstance(block, ImageChooserBlock):
        image = lookup.find_image(value)
        return image and image.pk
    return value
