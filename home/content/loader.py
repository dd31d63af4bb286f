"""Load the first content of the site. Each file is loaded once."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.files import File
from django.db import models, transaction
from wagtail.fields import RichTextField, StreamField
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage
from wagtail.models import Page, Site

from home.content.files import (
    CONTENT_DIR,
    IMAGE_TYPE,
    ContentError,
    ContentLookup,
    Piece,
    body_blocks,
    image_key,
    read_pieces,
    rich_text,
)
from home.models import LoadedContent
from home.pages import BasePage

_PAGE_ATTRIBUTES = ("title", "seo_title", "search_description", "show_in_menus")
_KNOWN_KEYS = {*_PAGE_ATTRIBUTES, "path", "fields", "body"}


class Action(StrEnum):
    """LOADED: stored now. KEPT: loaded before. LEFT_ALONE: an editor had put something there already."""

    LOADED = "loaded"
    KEPT = "kept"
    LEFT_ALONE = "left alone"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one content file."""

    key: str
    action: Action


def load_content(directory: Path = CONTENT_DIR) -> Iterator[Outcome]:
    """Load the files that were never loaded, each in its own transaction. Raises ContentError at the first problem."""
    pieces = read_pieces(directory)
    declared = {piece.path for piece in pieces if piece.path}
    for piece in pieces:
        try:
            with transaction.atomic():
                # The mark is created before loading, so that a concurrent run waits here and then finds it.
                mark, is_new = LoadedContent.objects.get_or_create(key=piece.key)
                action = _load(piece, mark, declared) if is_new else Action.KEPT
        except (ContentError, ValidationError) as error:
            raise ContentError(f"{piece.source.name}: {error}") from error
        yield Outcome(piece.key, action)


def unmark_missing_pages(directory: Path = CONTENT_DIR) -> None:
    """Delete the marks of deleted pages and of an empty front page, so that the next run loads these pages again."""
    for piece in read_pieces(directory):
        if piece.path is None:
            continue
        page = _page_at(piece.path)
        if page is None or (piece.path == "/" and page.latest_revision_id is None):
            LoadedContent.objects.filter(key=piece.key).delete()


def link_settings_to_pages(directory: Path = CONTENT_DIR) -> None:
    """Set the page links of the settings to the pages of the content where they are empty."""
    pieces = read_pieces(directory)
    lookup = ContentLookup(
        find_page=partial(_find_page, declared={piece.path for piece in pieces if piece.path}), find_image=_find_image
    )
    for piece in pieces:
        if piece.path is not None or piece.type == IMAGE_TYPE:
            continue
        row = apps.get_model(piece.type).load()  # type: ignore[attr-defined]
        for name, value in piece.data.get("fields", {}).items():
            field = row._meta.get_field(name)
            leads_to_page = isinstance(field, models.ForeignKey) and issubclass(field.related_model, Page)
            if (leads_to_page or field.one_to_many) and not _current(row, name):
                setattr(row, name, _field_value(field, value, piece, lookup))
                row.save()


def _load(piece: Piece, mark: LoadedContent, declared: set[str]) -> Action:
    if piece.type == IMAGE_TYPE:
        return _load_image(piece, mark)
    try:
        model = apps.get_model(piece.type)
    except LookupError as error:
        raise ContentError(f"there is no {piece.type}") from error
    lookup = ContentLookup(find_page=lambda path: _find_page(path, declared), find_image=_find_image)
    if piece.path is None:
        return _load_setting(piece, model, lookup)
    if not issubclass(model, BasePage):
        raise ContentError(f"{piece.type} is not a page with a body")
    if piece.path == "/":
        return _fill_front_page(piece, model, lookup)
    return _add_page(piece, model, piece.path, lookup)


def _load_image(piece: Piece, mark: LoadedContent) -> Action:
    image_model: type[AbstractImage] = get_image_model()
    if not piece.image_file.is_file():
        raise ContentError(f"there is no picture {piece.image_file.name}")
    with piece.image_file.open("rb") as handle:
        image = image_model(
            title=piece.data["title"],
            description=piece.data.get("alt", ""),
            is_decorative=piece.data.get("decorative", False),
            file=File(handle, name=piece.image_file.name),
        )
        image.full_clean()
        image.save()
    mark.image = image
    mark.save()
    return Action.LOADED


def _load_setting(piece: Piece, model: type[Any], lookup: ContentLookup) -> Action:
    row = model.load()
    fields = _field_values(piece, model, lookup)
    if any(_was_chosen(row, name, value) for name, value in fields.items()):
        return Action.LEFT_ALONE
    for name, value in fields.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()
    return Action.LOADED


def _was_chosen(row: models.Model, name: str, value: Any) -> bool:
    """Return whether the field holds neither its default nor the value of the content file."""
    current = _current(row, name)
    untouched = (None, "", _current(type(row)(), name))
    return current not in untouched and current != value


def _current(row: models.Model, name: str) -> Any:
    """Return the value of a field; for a one-to-many relation, such as the links of the footer, a list of objects."""
    value = getattr(row, name)
    return list(value.all()) if isinstance(value, models.Manager) else value


def _fill_front_page(piece: Piece, model: type[BasePage], lookup: ContentLookup) -> Action:
    page = _front_page().specific
    if not isinstance(page, model):
        raise ContentError(f"the front page is not a {piece.type}")
    # Only a page that an editor has saved has a revision.
    if page.latest_revision_id is not None:
        return Action.LEFT_ALONE
    _write(page, piece, lookup)
    _publish(page)
    return Action.LOADED


def _add_page(piece: Piece, model: type[BasePage], path: str, lookup: ContentLookup) -> Action:
    *above, slug = path.strip("/").split("/")
    parent = _page_at("/".join(["", *above, ""]))
    if parent is None:
        raise ContentError(f"there is no page above {piece.path}")
    if parent.get_children().filter(slug=slug).exists():
        return Action.LEFT_ALONE
    page = model(slug=slug)
    _write(page, piece, lookup)
    parent.add_child(instance=page)
    _publish(page)
    return Action.LOADED


def _write(page: BasePage, piece: Piece, lookup: ContentLookup) -> None:
    unknown = piece.data.keys() - _KNOWN_KEYS
    if unknown:
        raise ContentError(f"unknown: {', '.join(sorted(unknown))}")
    for name in _PAGE_ATTRIBUTES:
        if name in piece.data:
            setattr(page, name, piece.data[name])
    page.draft_title = page.title
    for name, value in _field_values(piece, type(page), lookup).items():
        setattr(page, name, value)
    tables = piece.data.get("body", [])
    if tables:
        block = type(page).body.field.stream_block
        raw = body_blocks(tables, block, own_path=piece.path, lookup=lookup)
        # Validated like the editor's form, so that a loaded page can be saved there unchanged.
        page.body = block.clean(block.to_python(raw))


def _publish(page: Page) -> None:
    # With a revision, so that the editor shows the published text and it appears in the history.
    page.save_revision(log_action=True).publish()


def _field_values(piece: Piece, model: type[models.Model], lookup: ContentLookup) -> dict[str, Any]:
    values = {}
    for name, value in piece.data.get("fields", {}).items():
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise ContentError(f"{piece.type} has no field {name}") from error
        values[name] = _field_value(field, value, piece, lookup)
    return values


def _field_value(field: Any, value: Any, piece: Piece, lookup: ContentLookup) -> Any:
    if field.one_to_many:
        return _page_rows(field.related_model, value, lookup)
    if isinstance(field, RichTextField):
        return rich_text(value, features=field.features, own_path=piece.path, lookup=lookup)
    if isinstance(field, StreamField):
        block = field.stream_block
        # The same rules as the editor's form, as for the body.
        return block.clean(block.to_python(body_blocks(value, block, own_path=piece.path, lookup=lookup)))
    if isinstance(field, models.ForeignKey):
        if issubclass(field.related_model, AbstractImage):
            return lookup.find_image(value)
        if issubclass(field.related_model, Page):
            return lookup.find_page(value)
        raise ContentError(f"{field.name} can't be set from a file")
    return value


def _page_rows(model: type[Any], tables: list[dict[str, str]], lookup: ContentLookup) -> list[Any]:
    """Return unsaved rows that link to the pages of `tables`, in that order. A deleted page gets no row."""
    pages = [lookup.find_page(table["page"]) for table in tables]
    return [model(page=page, sort_order=number) for number, page in enumerate(pages) if page is not None]


def _front_page() -> Page:
    site = Site.objects.filter(is_default_site=True).select_related("root_page").first()
    if site is None:
        raise ContentError("there is no default site: run the migrations first")
    return site.root_page


def _page_at(path: str) -> Page | None:
    front = _front_page()
    url_path = front.url_path + path.lstrip("/")
    return Page.objects.descendant_of(front, inclusive=True).filter(url_path=url_path).first()


def _find_page(path: str, declared: set[str]) -> Page | None:
    """Return the page at `path`; None where an editor has moved or deleted it.

    Raises ContentError for a path that no file declares, or that is loaded later.
    """
    page = _page_at(path)
    if page is None and path not in declared:
        raise ContentError(f"there is no page {path}")
    if page is None and not LoadedContent.objects.filter(key=f"page:{path}").exists():
        raise ContentError(f"the page {path} must be loaded before a link to it: rename the files")
    return page


def _find_image(file: str) -> AbstractImage | None:
    """Return the image that was loaded from `file`; None where an editor has deleted it.

    Raises ContentError where it was never loaded.
    """
    mark = LoadedContent.objects.filter(key=image_key(file)).select_related("image").first()
    if mark is None:
        raise ContentError(f"the picture {file} must be loaded first: it needs a file of its own")
    return mark.image
