"""The tabs that tests look through. One that is left as it was taken is taken again by a later test: a new one starts a
process with nothing in its cache, which is two thirds of what a page costs."""

from collections.abc import Callable
from typing import Any, Literal
from weakref import WeakSet

from playwright.sync_api import Browser, BrowserContext, Error, Page, StorageState, ViewportSize

from tests.browser.waits import SECONDS

# What outlasts a document, beside what is put back here. `context` and `clock` lead to more of it.
_LASTING_METHODS = (
    "add_init_script",
    "add_locator_handler",
    "expose_binding",
    "expose_function",
    "on",
    "once",
    "route",
    "route_from_har",
    "route_web_socket",
    "set_default_navigation_timeout",
    "set_default_timeout",
    "set_extra_http_headers",
)
_LASTING_PROPERTIES = ("clock", "context")
_USUAL: dict[str, Any] = {"locale": "fi-FI", "reduced_motion": "reduce"}
# A short answer of the site itself: what a tab keeps belongs to the site's address.
_RESTING_PLACE = "/robots.txt"
_KEEP = "entries => entries.forEach(({ name, value }) => localStorage.setItem(name, value))"

_changed: WeakSet[Page] = WeakSet()


def _noting(real: Callable[..., Any]) -> Callable[..., Any]:
    def note(page: Page, *args: object, **options: object) -> Any:
        _changed.add(page)
        return real(page, *args, **options)

    return note


for _name in _LASTING_METHODS:
    setattr(Page, _name, _noting(getattr(Page, _name)))
for _name in _LASTING_PROPERTIES:
    setattr(Page, _name, property(_noting(getattr(Page, _name).fget)))


class Tab:
    """A page in a context of its own."""

    def __init__(self, browser: Browser, options: dict[str, Any]) -> None:
        self.context: BrowserContext = browser.new_context(**_USUAL, **options)
        self.context.set_default_timeout(SECONDS * 1000)
        self.page = self.context.new_page()
        _changed.discard(self.page)

    def attach(self, events: dict[str, Callable[..., None]]) -> None:
        self._events = events
        for name, handle in events.items():
            self.page.on(name, handle)  # type: ignore[call-overload]
        _changed.discard(self.page)

    def prepare(self, size: ViewportSize, scheme: Literal["light", "dark"], state: StorageState | None) -> None:
        """Make a tab that was used before look like a new one."""
        if state:
            self.context.add_cookies(state["cookies"])  # type: ignore[arg-type]
            for origin in state["origins"]:
                self.page.evaluate(_KEEP, origin["localStorage"])
        self.page.set_viewport_size(size)
        self.page.emulate_media(
            media="null", color_scheme=scheme, reduced_motion="reduce", forced_colors="none", contrast="no-preference"
        )

    def rest(self) -> bool:
        """Forget all that the test left; False where the tab can't be used again."""
        if self.page in _changed or self.page.is_closed():
            return False
        try:
            for other in self.context.pages:
                if other is not self.page:
                    other.close()
            # Where it is in a new tab.
            self.page.mouse.move(0, 0)
            self.page.goto(_RESTING_PLACE)
            self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            self.context.clear_cookies()
        except Error:
            return False
        for name, handle in self._events.items():
            self.page.remove_listener(name, handle)
        return True

    def close(self) -> None:
        self.context.close()


class Tabs:
    """All tabs of a test process."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._resting: dict[tuple[bool, bool], list[Tab]] = {}
        self._taken: list[tuple[Tab, tuple[bool, bool] | None]] = []

    def take(self, options: dict[str, Any], events: dict[str, Callable[..., None]]) -> Page:
        """A page without cookies, or with those of `storage_state`. With an option that a context keeps for ever it
        is a new one, which no other test will see."""
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

    def give_back(self) -> None:
        """Call it after each test, while what the pages do is still watched."""
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
