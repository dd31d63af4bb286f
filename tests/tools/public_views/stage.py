"""A running site, the conditions that it can be brought into, and the views on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self

from playwright.sync_api import Page

from tests.tools.public_views.conditions import Condition, arrange_script
from tests.tools.public_views.unprovoked import Answer, read_answers, render_script

# In the order in which they are looked at. "pages" are the site's own pages as they open.
GROUPS = ("pages", "opened", "form", "mapping", "notice", "waiting", "refusals", "over-limit")


class Site(Protocol):
    """What is asked of a site: its address without a slash at the end, and Python run beside it."""

    @property
    def url(self) -> str: ...

    def run(self, script: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What the server sent for the page that is now open: status and its own HTML."""

    status: int
    html: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A view that is now open in a browser: its status, the server's own HTML of it, the address in the browser."""

    status: int
    html: str
    address: str


@dataclass(frozen=True, slots=True)
class View:
    """One thing to look at. `name` is for people and file names; `status` the expected one.

    `below`: it exists only in windows narrower than this (the folded menu). `path`: set where the address alone
    opens it. `bring` puts a page into the state and returns what the server sent.
    """

    name: str
    group: str
    status: int
    bring: "Callable[[Page, Stage], Sent]"
    condition: Condition = Condition.PAUSED
    below: int | None = None
    path: str | None = None

    def exists_at(self, width: int) -> bool:
        return self.below is None or width < self.below


class Stage:
    """A site on which views are shown. Leaving it puts the pause back as the site starts with."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._condition: Condition | None = None
        # Of a mapping under way the number of the page that it has reached, and its address.
        self.mapping: tuple[int, str] | None = None

    @property
    def url(self) -> str:
        return self.site.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._condition is not None:
            self.arrange(Condition.PAUSED)

    def arrange(self, condition: Condition) -> None:
        """Bring the site into `condition`. It costs a second or two, so views come ordered by theirs."""
        if condition is not self._condition:
            self.site.run(arrange_script(condition))
            self._condition = condition

    def views(self, *groups: str) -> list[View]:
        """All views, or those of `groups`, those of one condition together. The pages are those of the site's own
        sitemap, menus and footer, so a new page is among them by itself."""
        from tests.tools.public_views.catalogue import all_views

        chosen = [view for view in all_views(self.url) if not groups or view.group in groups]
        return sorted(chosen, key=lambda view: list(Condition).index(view.condition))

    def show(self, view: View, page: Page) -> Shown:
        """Bring `page` into the state. The window's size and colours are the caller's; a fresh page is not needed."""
        self.arrange(view.condition)
        sent = view.bring(page, self)
        return Shown(sent.status, sent.html, page.url)

    @cached_property
    def unprovoked(self) -> dict[str, Answer]:
        """The answers that no visitor can provoke, by name."""
        return read_answers(self.site.run(render_script()))
