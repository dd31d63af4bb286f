"""Measurement in Chromium of what a visitor loads at the first view of a page."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Browser, CDPSession, Page, Route, ViewportSize

# The budget of the first view of any page; 1 kB is 1000 bytes. Sizes include the response headers.
LARGEST_HTML = 14_000
LARGEST_PAGE = 60_000
MOST_REQUESTS = 6
MOST_BLOCKING = 1
SCRIPTS_BELOW = 3_000

# A slow phone connection: 1.6 Mbit/s, 150 ms latency.
_SLOW = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
# Fonts and pictures are delayed until the text has been on the screen for a while, so that layout shifts are detected.
_LATE = re.compile(r"\.woff2$|/media/")
_LATE_MS = 200
_SETTLING_MS = 250
_PATIENCE_MS = 20_000

# Runs before the page's scripts: records the layout shifts.
_WATCH_SHIFTS = """
window.__shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.__shifts.push([entry.value, entry.sources.map((source) => source.node?.nodeName ?? "?").join(" ")]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
_IS_PAINTED = "performance.getEntriesByName('first-contentful-paint').length > 0"
_FONTS_ARE_THERE = "document.fonts.status === 'loaded'"
_TO_THE_END_AND_BACK = """async () => {
  const pause = () => new Promise((done) => setTimeout(done, 50));
  for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) { scrollTo(0, y); await pause(); }
  scrollTo(0, 0);
  await pause();
}"""
_WHAT_BLOCKS = """performance.getEntriesByType('resource')
  .filter((entry) => entry.renderBlockingStatus === 'blocking').map((entry) => entry.name)"""
_SCRIPTS = """[...document.scripts].map((script) =>
  ({ address: script.src, type: script.type, defer: script.defer || script.async }))"""
_ICONS = "[...document.querySelectorAll('link[rel=icon]')].map((link) => link.href)"


@dataclass(slots=True)
class Request:
    """One request. `kind`: Chromium's resource type (Document, Stylesheet, Font …); `size`: bytes transferred."""

    address: str
    kind: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Weight:
    """The measurement of a page.

    `blocking`: URLs that block rendering; `shifts`: pairs of value and moved elements; `bad_scripts`: scripts that are
    not deferred.
    """

    requests: tuple[Request, ...]
    blocking: tuple[str, ...] = ()
    shifts: tuple[tuple[float, str], ...] = ()
    bad_scripts: tuple[str, ...] = ()

    @property
    def html(self) -> int:
        return self.size_of("Document")

    @property
    def total(self) -> int:
        return sum(request.size for request in self.requests)

    @property
    def scripts(self) -> int:
        return self.size_of("Script")

    @property
    def layout_shift(self) -> float:
        return sum(value for value, _moved in self.shifts)

    def size_of(self, kind: str) -> int:
        return sum(request.size for request in self.requests if request.kind == kind)


def over_budget(weight: Weight) -> list[str]:
    """Return what exceeds the budget, one line each."""
    found = []
    if weight.html > LARGEST_HTML:
        found.append(f"HTML {weight.html} bytes, at most {LARGEST_HTML}")
    if weight.total > LARGEST_PAGE:
        found.append(f"{weight.total} bytes in all, at most {LARGEST_PAGE}")
    if len(weight.requests) > MOST_REQUESTS:
        asked = ", ".join(request.address for request in weight.requests)
        found.append(f"{len(weight.requests)} requests, at most {MOST_REQUESTS}: {asked}")
    if weight.shifts:
        found.append(f"layout shift {weight.layout_shift:.4f}, not 0: {'; '.join(moved for _, moved in weight.shifts)}")
    sheets = {request.address for request in weight.requests if request.kind == "Stylesheet"}
    if len(weight.blocking) > MOST_BLOCKING or not sheets.issuperset(weight.blocking):
        found.append(f"more than one style sheet holds the first paint: {', '.join(weight.blocking)}")
    if weight.scripts >= SCRIPTS_BELOW:
        found.append(f"scripts {weight.scripts} bytes, not below {SCRIPTS_BELOW}")
    found += [f"neither a module nor deferred: {script}" for script in weight.bad_scripts]
    return found


@dataclass
class _Traffic:
    """Records every request of a page, including favicon and preloads, some of which Playwright's events omit."""

    session: CDPSession
    by_id: dict[str, Request] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.session.on("Network.requestWillBeSent", self._asked)
        self.session.on("Network.loadingFinished", self._finished)
        self.session.on("Network.loadingFailed", self._failed)
        self.session.send("Network.enable")
        self.session.send("Network.emulateNetworkConditions", _SLOW)

    def _asked(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            self.by_id[event["requestId"]] = Request(event["request"]["url"], event.get("type", "Other"))

    def _finished(self, event: dict[str, Any]) -> None:
        self._end(event["requestId"], int(event["encodedDataLength"]))

    def _failed(self, event: dict[str, Any]) -> None:
        self._end(event["requestId"], 0)

    def _end(self, request: str, size: int) -> None:
        if request in self.by_id:
            self.by_id[request].size = size
            self.finished.add(request)

    @property
    def all_done(self) -> bool:
        return self.by_id.keys() <= self.finished

    def has(self, address: str) -> bool:
        return any(request.address == address for request in self.by_id.values())


def weigh(browser: Browser, address: str, size: ViewportSize) -> Weight:
    """Open `address` over a slow connection with an empty cache, delay fonts and pictures, and scroll through the page.

    Raises TimeoutError if the page keeps loading.
    """
    context = browser.new_context(viewport=size, locale="fi-FI")
    try:
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.add_init_script(_WATCH_SHIFTS)
        held: list[Route] = []
        page.route(_LATE, lambda route: held.append(route))
        traffic = _Traffic(context.new_cdp_session(page))
        page.goto(address, wait_until="domcontentloaded")
        _wait(page, lambda: page.evaluate(_IS_PAINTED), "the first paint")
        page.wait_for_timeout(_LATE_MS)
        for route in held:
            route.continue_()
        # Stop delaying.
        page.unroute(_LATE)
        page.wait_for_load_state("load")
        _wait(page, lambda: page.evaluate(_FONTS_ARE_THERE), "the fonts")
        _settle(page, traffic)
        # The browser may fetch the icon later; count it in any case.
        for icon in page.evaluate(_ICONS):
            if not traffic.has(urljoin(address, icon)):
                page.evaluate("icon => fetch(icon).then((answer) => answer.blob())", icon)
        _settle(page, traffic)
        first_view = tuple(Request(one.address, one.kind, one.size) for one in traffic.by_id.values())
        blocking, scripts = page.evaluate(_WHAT_BLOCKS), page.evaluate(_SCRIPTS)
        # Lazily loaded content further down must not cause layout shifts either.
        page.evaluate(_TO_THE_END_AND_BACK)
        _settle(page, traffic)
        shifts = page.evaluate("window.__shifts")
    finally:
        context.close()
    return Weight(
        requests=first_view,
        blocking=tuple(dict.fromkeys(blocking)),
        shifts=tuple((float(value), str(moved)) for value, moved in shifts),
        bad_scripts=_not_deferred(scripts),
    )


def _settle(page: Page, traffic: _Traffic) -> None:
    page.wait_for_timeout(_SETTLING_MS)
    _wait(page, lambda: traffic.all_done, "the end of every request")


def _wait(page: Page, is_so: Callable[[], bool], what: str) -> None:
    # Not Playwright's wait_for_function, which needs eval; the Content-Security-Policy forbids that.
    for _ in range(_PATIENCE_MS // 50):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise TimeoutError(f"{page.url}: waited in vain for {what}.")


def _not_deferred(scripts: Sequence[dict[str, object]]) -> tuple[str, ...]:
    """Return the page's scripts that are not deferred. Data blocks are not scripts."""
    return tuple(
        str(script["address"] or "(inline)")
        for script in scripts
        if script["type"] not in ("module", "application/ld+json") and not (script["address"] and script["defer"])
    )
