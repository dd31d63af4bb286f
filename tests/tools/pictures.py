"""Helpers for commands that take screenshots: a browser, a new site, and PNGs with few colours."""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.people import MAKE_PEOPLE
from tests.tools.chromium import ADVICE, chromium_path
from tests.tools.running_site import ROOT, RunningSite
from tests.tools.smtp_server import SmtpServer


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Yield a Chromium. If there is none, exit with a message that says what to install."""
    path = chromium_path()
    if path is None:
        sys.exit(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def browser_and_site() -> Iterator[tuple[Browser, RunningSite]]:
    """Yield a Chromium and a new site with the supervisor's account."""
    with opened_browser() as browser, tempfile.TemporaryDirectory() as folder, SmtpServer() as smtp:
        site = RunningSite(Path(folder), smtp=smtp)
        site.start()
        try:
            site.run(MAKE_PEOPLE)
            yield browser, site
        finally:
            site.stop()


def save(picture: bytes | Image.Image, path: Path, *, largest: int, colours: int = 128) -> int:
    """Write a PNG with few colours (enough for flat areas and text); return its size in bytes.

    Raises RuntimeError if it is larger than `largest`.
    """
    image = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else picture
    path.parent.mkdir(parents=True, exist_ok=True)
    image.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    return check_size(path, largest)


def check_size(path: Path, largest: int) -> int:
    """Print and return the size of a file. Raises RuntimeError if it is larger than `largest`."""
    size = path.stat().st_size
    if size > largest:
        raise RuntimeError(f"{path.name} has {size} bytes, more than {largest}.")
    print(f"{path.relative_to(ROOT)}: {size} bytes")
    return size
