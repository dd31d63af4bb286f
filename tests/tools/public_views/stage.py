"""A running site that can be put into conditions, and its views."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self

from playwright.sync_api import Page

from tests.tools.public_views.conditions import Condition, arrange_script
from tests.tools.public_views.unprovoked import Answer, read_answers, render_script

# In the order of use. "pages" are the pages of the site as they open.
GROUPS = ("pages", "opened", "form", "mapping", "notice", "waiting", "refusals", "over-limit")


class Site(Protocol):
    """What the stage needs of a site: its URL without a trailing slash, and running Python beside it."""

    @property
    def url(self) -> str: ...

    def run(self, script: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """The server's response for the open page: status and HTML."""

    status: int
    html: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A view that is open in a browser: its status, its HTML as the server sent it, and the URL in the browser."""

    status: int
    html: str
    address: str


@dataclass(frozen=True, slots=True)
class View:
    """A page in one state. `name` is for people and file names; `status` is the expected one.

    `below`: the view exists only in windows narrower than this (the collapsed menu). `path`: set if the URL alone opens
    the view. `bring` brings a page into the state and returns the response of the server.
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
    """Shows views on a site. At the end of the `with` block the initial pause is restored."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._condition: Condition | None = None
        # The mapping in progress: the number of the page reached, and its URL.
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
        """Put the site into `condition`. This takes a second or two, so views are ordered by condition."""
        if condition is not self._condition:
            self.site.run(arrange_script(condition))
            self._condition = condition

    def views(self, *groups: str) -> list[View]:
        """Return all views, or those of `groups`, ordered by condition.

        The pages come from the site's sitemap, menus and footer, so a new page is included automatically.
        """
        from tests.tools.public_views.catalogue import all_views

        chosen = [view for view in all_views(self.url) if not groups or view.group in groups]
        return sorted(chosen, key=lambda view: list(Condition).index(view.condition))

    def show(self, view: View, page: Page) -> Shown:
        """Bring `page` into the state. The caller sets window size and colours; the page may have been used before."""
        self.arrange(view.condition)
        sent = view.bring(page, self)
        return Shown(sent.status, sent.html, page.url)

    @cached_property
    def unprovoked(self) -> dict[str, Answer]:
        """The responses that no visitor can provoke, by name."""
        return read_answers(self.site.run(render_script()))
