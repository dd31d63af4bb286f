"""A pool of browser tabs: later tests reuse a tab without lasting changes.

A new tab starts a process with an empty cache, which takes two thirds of the time of opening a page.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal
from weakref import WeakKeyDictionary, WeakSet

from playwright.sync_api import Browser, BrowserContext, Error, Page, StorageState, ViewportSize

from tests.browser.waits import SECONDS

# Methods whose effect outlasts the document and can't be undone. Listeners, routes and offline mode can be undone.
_LASTING_METHODS = {
    Page: (
        "add_init_script",
        "add_locator_handler",
        "expose_binding",
        "expose_function",
        "once",
        "route_from_har",
        "route_web_socket",
        "set_default_navigation_timeout",
        "set_default_timeout",
        "set_extra_http_headers",
    ),
    BrowserContext: (
        "add_init_script",
        "expose_binding",
        "expose_function",
        "grant_permissions",
        "new_cdp_session",
        "on",
        "once",
        "route",
        "route_from_har",
        "route_web_socket",
        "set_default_navigation_timeout",
        "set_default_timeout",
        "set_extra_http_headers",
        "set_geolocation",
    ),
}
_USUAL: dict[str, Any] = {"locale": "fi-FI", "reduced_motion": "reduce"}
# A short response of the site. It must be the site's, because a page can only clear its own origin's storage.
_RESTING_PLACE = "/robots.txt"
_KEEP = "entries => entries.forEach(({ name, value }) => localStorage.setItem(name, value))"

# True once no automatic save of the page's editor is pending or under way; no other one begins.
_IS_SAVED = """() => {
  const form = document.querySelector("form[data-controller~='w-autosave']");
  if (!form) return true;
  form.dataset.wAutosaveActiveValue = "false";
  return !window.wagtail?.app?.getControllerForElementAndIdentifier(form, "w-autosave")?.submitPromise;
}"""

_changed: WeakSet[Page | BrowserContext] = WeakSet()
_listeners: WeakKeyDictionary[Page, list[tuple[str, Callable[..., Any]]]] = WeakKeyDictionary()


def _noting(real: Callable[..., Any]) -> Callable[..., Any]:
    def note(changed: Page | BrowserContext, *args: object, **options: object) -> Any:
        _changed.add(changed)
        return real(changed, *args, **options)

    return note


def _noting_listeners(real: Callable[..., Any]) -> Callable[..., Any]:
    def note(page: Page, event: str, f: Callable[..., Any]) -> Any:
        _listeners.setdefault(page, []).append((event, f))
        return real(page, event, f)

    return note


for _kind, _names in _LASTING_METHODS.items():
    for _name in _names:
        setattr(_kind, _name, _noting(getattr(_kind, _name)))
    # page.clock is the clock of the page's context, so reading the property counts as a lasting change of that object.
    _kind.clock = property(_noting(_kind.clock.fget))  # type: ignore[attr-defined,method-assign]
Page.on = _noting_listeners(Page.on)  # type: ignore[method-assign]


class Tab:
    """A page in its own browser context."""

    def __init__(self, browser: Browser, options: dict[str, Any]) -> None:
        self.context: BrowserContext = browser.new_context(**_USUAL, **options)
        self.context.set_default_timeout(SECONDS * 1000)
        self.page = self.context.new_page()
        _changed.discard(self.context)

    def attach(self, events: dict[str, Callable[..., None]]) -> None:
        self._events = events
        _listeners.pop(self.page, None)
        for name, handle in events.items():
            self.page.on(name, handle)  # type: ignore[call-overload]

    def prepare(self, size: ViewportSize, scheme: Literal["light", "dark"], state: StorageState | None) -> None:
        """Make a used tab look like a new one."""
        if state:
            self.context.add_cookies(state["cookies"])  # type: ignore[arg-type]
            for origin in state["origins"]:
                self.page.evaluate(_KEEP, origin["localStorage"])
        self.page.set_viewport_size(size)
        self.page.emulate_media(
            media="null", color_scheme=scheme, reduced_motion="reduce", forced_colors="none", contrast="no-preference"
        )

    def rest(self) -> bool:
        """Clear the traces of the test. Return False if the tab can't be reused."""
        if self.page in _changed or self.context in _changed or self.page.is_closed():
            return False
        try:
            for other in self.context.pages:
                if other is not self.page:
                    other.close()
            self.context.set_offline(False)
            self.page.unroute_all(behavior="ignoreErrors")
            # Remove the test's listeners first: one for dialogs could refuse to leave a page with unsaved text. Without
            # listeners, Playwright leaves the page.
            self._silence(lambda handle: handle not in self._events.values())
            # The mouse position of a new tab.
            self.page.mouse.move(0, 0)
            self.page.goto(_RESTING_PLACE)
            self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            self.context.clear_cookies()
        except Error:
            return False
        self._silence(lambda _handle: True)
        return True

    def _silence(self, is_meant: Callable[[Callable[..., Any]], bool]) -> None:
        for event, handle in _listeners.get(self.page, []):
            if is_meant(handle):
                # A test may have removed its own.
                with suppress(KeyError):
                    self.page.remove_listener(event, handle)

    def close(self) -> None:
        self.context.close()


class Tabs:
    """The pool of tabs of a test process."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._resting: dict[tuple[bool, bool], list[Tab]] = {}
        self._taken: list[tuple[Tab, tuple[bool, bool] | None]] = []

    def take(self, options: dict[str, Any], events: dict[str, Callable[..., None]]) -> Page:
        """Return a page without cookies, or with those of `storage_state`.

        With options that can't be changed later, it is a new page, which is not reused.
        """
        kept = options.keys() <= {"viewport", "color_scheme", "java_script_enabled", "storage_state"}
        state = options.get("storage_state")
        kind = (options.get("java_script_enabled", True), bool(state)) if kept else None
        resting = self._resting.get(kind, []) if kind else []
        if resting:
            tab = resting.pop()
            tab.prepare(options["viewport"], options.get("color_scheme", "light"), state)
        else:
            tab = Tab(self._browser, {"base_url": self._url, **options})
        tab.attach(events)
        self._taken.append((tab, kind))
        return tab.page

    def shown(self) -> Iterator[tuple[str, str]]:
        """Yield the URL of each page that the test has open, and the beginning of its text."""
        for tab, _kind in self._taken:
            for page in tab.context.pages:
                try:
                    # With a time limit: a page that is busy with a script does not respond.
                    yield page.url, page.locator("body").inner_text(timeout=5000)[:2000]
                except Error as error:
                    yield page.url, str(error)

    def finish_saves(self) -> None:
        """Let the automatic saves of open editors end: one that came later would undo what a fixture puts back."""
        for tab, _kind in self._taken:
            for page in tab.context.pages:
                # A test may still hold back the request of a save.
                with suppress(Error):
                    if "/admin/" in page.url:
                        page.wait_for_function(_IS_SAVED, timeout=10_000)

    def give_back(self) -> None:
        """Return the tabs to the pool. Call it after each test, while the listeners of `Watch` are still attached."""
        for tab, kind in self._taken:
            if kind and tab.rest():
                self._resting.setdefault(kind, []).append(tab)
            else:
                tab.close()
        self._taken.clear()

    def close(self) -> None:
        for tabs in self._resting.values():
            for tab in tabs:
                tab.close()
