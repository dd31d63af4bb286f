"""Screenshots of all views, and an index page to browse them."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, PdfMargins, ViewportSize

from tests.tools.public_views.stage import View

Scheme = Literal["light", "dark"]

SIZES: tuple[ViewportSize, ...] = (
    {"width": 320, "height": 640},
    {"width": 390, "height": 844},
    {"width": 768, "height": 1024},
    {"width": 1280, "height": 900},
    {"width": 1920, "height": 1080},
)
# In dark mode two sizes are enough, since colours don't depend on the size.
DARK_WIDTHS = (390, 1280)
# A4 at 96 dpi, minus Chromium's margins of 1 cm.
_PAPER: ViewportSize = {"width": 718, "height": 1047}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Every view</title>
<style>
  body { font: 1rem/1.4 sans-serif; margin: 1.5rem; background: #eee; color: #111 }
  h2 { font-size: 1rem; margin: 1.5rem 0 .4rem }
  ul { display: flex; gap: .75rem; overflow-x: auto; margin: 0; padding: 0 0 .5rem; list-style: none }
  img { display: block; height: 22rem; width: auto; max-width: 30rem; object-fit: cover; object-position: top;
        border: 1px solid #999; background: #fff }
</style>
<h1>Every view</h1>
"""


def looks(view: View) -> list[tuple[ViewportSize, Scheme]]:
    """Return the sizes and colour schemes in which `make screenshots` captures `view`."""
    sizes = [size for size in SIZES if view.exists_at(size["width"])]
    dark: list[tuple[ViewportSize, Scheme]] = [(size, "dark") for size in sizes if size["width"] in DARK_WIDTHS]
    return [(size, "light") for size in sizes] + dark


def empty_folder(folder: Path, view: View) -> Path:
    """Return the folder for the view's screenshots, emptied."""
    own = folder / view.name
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    return own


def take_picture(page: Page, own: Path, size: ViewportSize, scheme: Scheme) -> None:
    """Save a screenshot of the whole page."""
    page.screenshot(path=own / f"{size['width']:04}-{scheme}.png", full_page=True, scale="css")


@contextmanager
def on_paper(page: Page) -> Iterator[None]:
    """Switch to the print layout, with the width of the paper. The window keeps that size afterwards."""
    page.emulate_media(media="print", color_scheme="light")
    page.set_viewport_size(_PAPER)
    yield
    page.emulate_media(media="screen")


def take_print(page: Page, own: Path) -> None:
    """Save the page, which is in print layout, as a PDF and as a screenshot."""
    margin: PdfMargins = {"top": "1cm", "right": "1cm", "bottom": "1cm", "left": "1cm"}
    page.pdf(path=own / "print.pdf", format="A4", margin=margin)
    page.screenshot(path=own / "print.png", full_page=True, scale="css")


def write_index(folder: Path, views: Iterable[View]) -> Path:
    """Write index.html for the existing screenshots, and remove those of views that no longer exist.

    The file is replaced atomically: several test processes write it, and the last one finds all screenshots.
    """
    names = [view.name for view in views]
    for other in folder.iterdir():
        if other.is_dir() and other.name not in names:
            shutil.rmtree(other, ignore_errors=True)
    parts = [_PAGE]
    for name in names:
        pictures = sorted((folder / name).glob("*.png"))
        if not pictures:
            continue
        parts.append(f'<h2 id="{escape(name)}">{escape(name)}</h2>\n<ul>\n')
        for picture in pictures:
            target = picture.with_suffix(".pdf") if picture.stem == "print" else picture
            parts.append(
                f'<li><a href="{name}/{target.name}"><img loading="lazy" src="{name}/{picture.name}" alt=""> '
                f"{picture.stem}</a></li>\n"
            )
        parts.append("</ul>\n")
    draft = folder / f"index.{os.getpid()}"
    draft.write_text("".join(parts), encoding="utf-8")
    index = folder / "index.html"
    draft.replace(index)
    return index
