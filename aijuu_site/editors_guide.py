"""The editor's guide in the admin, rendered from docs/sivuston-opas.md."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from PIL import Image
from wagtail import hooks
from wagtail.admin.menu import MenuItem

PICTURES = "opas/"
_NOT_LETTERS = re.compile(r"[^\w\s-]")
SOURCE: Path = settings.BASE_DIR / "docs" / "sivuston-opas.md"
PICTURES_FOLDER: Path = settings.BASE_DIR / "docs" / "opas"


@dataclass(frozen=True)
class Chapter:
    """A second-level heading and everything below it, as HTML."""

    title: str
    anchor: str
    html: SafeString


@dataclass(frozen=True)
class Guide:
    """The title, the HTML between it and the first chapter, and the chapters."""

    title: str
    introduction: SafeString
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class PictureFile:
    """The URL of a picture and its size in pixels, which prevents a layout shift."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A picture in the source: its relative path and its alternative text."""

    path: str
    alt: str


def anchor_of(heading: str) -> str:
    """Return the id of a heading: "Tauko päälle" becomes "tauko-paalle"."""
    return slugify(_NOT_LETTERS.sub(" ", heading))


class _Renderer(RendererHTML):
    """Adds size and URL to images (`picture_file` of the environment)."""

    def image(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        file: PictureFile = env["picture_file"](str(token.attrs["src"]).removeprefix(PICTURES))
        size = f'width="{file.width}" height="{file.height}"'
        return f'<img src="{escape(file.address)}" alt="{escape(token.content)}" {size} loading="lazy">'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.use(anchors_plugin, min_level=2, max_level=6, slug_func=anchor_of)


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def read_guide(source: str, *, picture_file: Callable[[str], PictureFile]) -> Guide:
    """Parse the guide's Markdown. `picture_file` takes a file name. Raises ValueError without a title."""
    parser = _parser()
    tokens = parser.parse(source)
    if not tokens or tokens[0].tag != "h1":
        raise ValueError("The guide must begin with its title, a heading of the first level.")
    starts = [place for place, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    env = {"picture_file": picture_file}

    def html(first: int, last: int) -> SafeString:
        # Safe: the renderer escapes all text.
        return mark_safe(parser.renderer.render(tokens[first:last], parser.options, env))  # noqa: S308

    chapters = []
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        anchor = str(tokens[start].attrs["id"])
        chapters.append(Chapter(_plain(tokens[start + 1]), anchor, html(start + 3, end)))
    return Guide(_plain(tokens[1]), html(3, starts[0] if starts else len(tokens)), tuple(chapters))


def _inline_tokens(source: str) -> list[Token]:
    return [child for token in _parser().parse(source) for child in token.children or []]


def pictures_of(source: str) -> list[Picture]:
    """Return the pictures in the guide, in order."""
    return [Picture(str(t.attrs["src"]), t.content) for t in _inline_tokens(source) if t.type == "image"]


def labels_of(source: str) -> list[str]:
    """Return the bold texts of the guide, in order: labels of the admin."""
    tokens = _inline_tokens(source)
    labels: list[str] = []
    inside = False
    for token in tokens:
        if token.type in ("strong_open", "strong_close"):
            inside = token.type == "strong_open"
            if inside:
                labels.append("")
        elif inside:
            labels[-1] += token.content
    return labels


@require_safe
def guide(request: HttpRequest) -> TemplateResponse:
    """Show the guide on one page, so that the browser can search and print all of it."""
    source = SOURCE.read_text(encoding="utf-8")
    context = {"guide": read_guide(source, picture_file=_file)}
    return TemplateResponse(request, "editors_guide/guide.html", context)


def _file(name: str) -> PictureFile:
    with Image.open(PICTURES_FOLDER / name) as image:
        return PictureFile(reverse("editors_guide_picture", args=[name]), image.width, image.height)


@require_safe
def picture(request: HttpRequest, name: str) -> FileResponse:
    """Serve a picture of the guide. `name` contains no slash (URL pattern)."""
    path = PICTURES_FOLDER / name
    if path.suffix != ".png" or path.parent != PICTURES_FOLDER or not path.is_file():
        raise Http404
    return FileResponse(path.open("rb"), content_type="image/png")


@hooks.register("register_admin_urls")
def register_guide_urls() -> list[URLPattern]:
    return [
        path("opas/", guide, name="editors_guide"),
        path("opas/<str:name>", picture, name="editors_guide_picture"),
    ]


@hooks.register("register_help_menu_item")
def guide_menu_item() -> MenuItem:
    return MenuItem(
        _("Editor's guide"), reverse_lazy("editors_guide"), name="editors-guide", icon_name="help", order=100
    )
