"""What the first view of a page may cost: bytes, requests, and nothing that moves. Nothing here depends on time."""

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

# A page as a careless hand would make it.
_HEAVY = f"""<!doctype html><html lang="fi"><head><meta charset="utf-8"><title>Raskas</title>
<link rel="stylesheet" href="/one.css"><link rel="stylesheet" href="/two.css"><link rel="icon" href="/icon.svg">
<script src="/old.js"></script></head><body><p id="late"></p><p>Tekstiä, joka siirtyy.</p><p>{"sana " * 3000}</p>
<img src="/picture.svg" alt=""><img src="/more.svg" alt=""></body></html>"""
# Only one thing is wrong with this one: its picture keeps no place. It comes at once, so it must be held back.
_MOVING = """<!doctype html><html lang="fi"><head><meta charset="utf-8"><title>Siirtyvä</title>
<link rel="icon" href="/icon.svg"></head><body><img src="/media/late.svg" alt=""><p>Teksti siirtyy.</p></body></html>"""
_EMPTY = "<svg xmlns='http://www.w3.org/2000/svg'/>"
_FILES = {
    "/": ("text/html", _HEAVY),
    "/one.css": ("text/css", "p { color: black }"),
    "/two.css": ("text/css", "p { margin: 0 }"),
    "/old.js": ("text/javascript", "setTimeout(() => { late.style.height = '200px'; }, 500);" + " " * 3000),
    "/icon.svg": ("image/svg+xml", _EMPTY),
    "/picture.svg": ("image/svg+xml", _EMPTY + " " * 50_000),
    "/more.svg": ("image/svg+xml", _EMPTY),
}
_OTHER_FILES = {
    "/moving/": ("text/html", _MOVING),
    "/media/late.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='300'/>"),
}


class _HeavySite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, body = (_FILES | _OTHER_FILES)[self.path]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def heavy_site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _HeavySite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def assert_within_budget(chromium: Browser, site: RunningSite, at: str, paths: Sequence[str]) -> None:
    over = {path: over_budget(weigh(chromium, site.url + path, SIZES[at])) for path in paths}
    assert not {path: lines for path, lines in over.items() if lines}


def test_every_page_keeps_to_its_budget_on_a_phone(chromium: Browser, site: RunningSite) -> None:
    """Every page of the sitemap, the menus and the footer, and the one that says that there is none."""
    paths = [view.path for view in Stage(site).views("pages") if view.path]
    assert len(paths) >= 7
    assert_within_budget(chromium, site, "phone", [*paths, NOT_THERE])


def test_the_heaviest_pages_keep_to_their_budget_at_a_desk(chromium: Browser, site: RunningSite) -> None:
    """`make audit` weighs all of them there, too."""
    assert_within_budget(chromium, site, "desk", ["/", CONTACT_PAGE])


def test_the_scale_sees_what_is_too_much(chromium: Browser, heavy_site: str) -> None:
    weight = weigh(chromium, heavy_site, SIZES["phone"])
    assert {request.address.removeprefix(heavy_site) for request in weight.requests} == {
        path.removeprefix("/") for path in _FILES
    }
    assert weight.html > len(_HEAVY.encode())
    found = "\n".join(over_budget(weight))
    for words in (
        "HTML ",
        "bytes in all",
        "7 requests",
        "layout shift ",
        "holds the first paint",
        "scripts ",
        "neither a module nor deferred",
    ):
        assert words in found, found


def test_the_scale_sees_a_picture_that_keeps_no_place(chromium: Browser, heavy_site: str) -> None:
    found = over_budget(weigh(chromium, f"{heavy_site}moving/", SIZES["phone"]))
    assert len(found) == 1
    assert found[0].startswith("layout shift ")
