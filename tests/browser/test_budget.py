"""The budget of the first view: bytes, requests, and no layout shift. None of this depends on time."""

import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.browser.visitor import CONTACT_PAGE
from tests.tools.audit.budgets import SIZES
from tests.tools.audit.page_weight import over_budget, weigh
from tests.tools.public_views import Stage
from tests.tools.running_site import RunningSite

NOT_THERE = "/tata-ei-ole/"

# The only problem of this page: no space is reserved for its picture. weigh() delays the picture to make that visible.
_MOVING = """<!doctype html><html lang="fi"><head><meta charset="utf-8"><title>Siirtyvä</title>
<link rel="icon" href="/media/icon.svg"></head><body><img src="/media/late.svg" alt=""><p>Siirtyy.</p></body></html>"""
_PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='300'/>"


class _MovingSite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, body = ("text/html", _MOVING) if self.path == "/" else ("image/svg+xml", _PICTURE)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_words: object) -> None:
        """Suppress the log."""


@pytest.fixture
def moving_site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _MovingSite) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def assert_within_budget(chromium: Browser, site: RunningSite, at: str, paths: Sequence[str]) -> None:
    weights = {path: weigh(chromium, site.url + path, SIZES[at]) for path in paths}
    over = {path: over_budget(weight) for path, weight in weights.items()}
    assert not {path: lines for path, lines in over.items() if lines}
    for path, weight in weights.items():
        # Check the measurement itself: it must have seen these files.
        assert all(weight.size_of(kind) > 1000 for kind in ("Document", "Stylesheet", "Font")), path
        assert weight.blocking, path


def test_every_page_within_budget_on_phone(chromium: Browser, site: RunningSite) -> None:
    """Every page of the sitemap, the menus and the footer, and the 404 page."""
    paths = [view.path for view in Stage(site).views("pages") if view.path]
    assert len(paths) >= 7
    assert_within_budget(chromium, site, "phone", [*paths, NOT_THERE])


def test_heaviest_pages_within_budget_on_desktop(chromium: Browser, site: RunningSite) -> None:
    """`make audit` measures all pages on desktop, too."""
    assert_within_budget(chromium, site, "desk", ["/", CONTACT_PAGE])


def test_a_layout_shift_is_seen(chromium: Browser, moving_site: str) -> None:
    found = over_budget(weigh(chromium, moving_site, SIZES["phone"]))
    assert len(found) == 1
    assert found[0].startswith("layout shift ")
