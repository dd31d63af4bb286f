"""From the guide's Markdown to a page.

CommonMark and nothing more; HTML in the source is shown as text. A heading of the second level begins a chapter. Its
address is its name (`anchor_of`), and so is that of a third-level heading.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

PICTURES = "opas/"
_NOT_LETTERS = re.compile(r"[^\w\s-]")


@dataclass(frozen=True)
class Chapter:
    """A heading of the second level and all below it, as HTML."""

    title: str
    anchor: str
    html: SafeString


@dataclass(frozen=True)
class Guide:
    """The first heading, the HTML between it and the first chapter, and the chapters."""

    title: str
    introduction: SafeString
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class PictureFile:
    """Where a picture is fetched, and its size in pixels: the page does not jump when it comes."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A picture that the source names: its path beside the source, and its alternative text."""

    path: str
    alt: str


def anchor_of(heading: str) -> str:
    """Return a heading's address: "Tauko päälle" becomes "tauko-paalle"."""
    return slugify(_NOT_LETTERS.sub(" ", heading))


class _Renderer(RendererHTML):
    """HTML with addresses on headings and, for a picture, what `picture_file` tells of the file of its name."""

    def heading_open(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        if token.tag != "h1":
            token.attrSet("id", anchor_of(_plain(tokens[index + 1])))
        return str(self.renderToken(tokens, index, options, env))

    def image(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        token = tokens[index]
        file: PictureFile = env["picture_file"](str(token.attrs["src"]).removeprefix(PICTURES))
        size = f'width="{file.width}" height="{file.height}"'
        return f'<img src="{escape(file.address)}" alt="{escape(token.content)}" {size} loading="lazy">'


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def read_guide(source: str, *, picture_file: Callable[[str], PictureFile]) -> Guide:
    """Read the guide's Markdown. `picture_file` is given a file's name. ValueError without a first heading."""
    parser = _parser()
    tokens = parser.parse(source)
    if not tokens or tokens[0].tag != "h1":
        raise ValueError("The guide must begin with its title, a heading of the first level.")
    starts = [place for place, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    env = {"picture_file": picture_file}

    def html(first: int, last: int) -> SafeString:
        # Made by the renderer from text that it escapes.
        return mark_safe(parser.renderer.render(tokens[first:last], parser.options, env))  # noqa: S308

    chapters = []
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        title = _plain(tokens[start + 1])
        chapters.append(Chapter(title, anchor_of(title), html(start + 3, end)))
    return Guide(_plain(tokens[1]), html(3, starts[0] if starts else len(tokens)), tuple(chapters))


def _inline_tokens(source: str) -> list[Token]:
    return [child for token in _parser().parse(source) for child in token.children or []]


def pictures_of(source: str) -> list[Picture]:
    """Return the pictures that the guide names, in its order."""
    return [Picture(str(t.attrs["src"]), t.content) for t in _inline_tokens(source) if t.type == "image"]


def labels_of(source: str) -> list[str]:
    """Return what the guide sets in bold: words as they stand on the screen, in the guide's order."""
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
