"""Every view looked at in every way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.tools.accessibility.axe import axe_problems
from tests.tools.accessibility.situations import (
    EVERY,
    Situation,
    forced_colour_problems,
    layout_problems,
    motion_problems,
    situated,
    spacing_problems,
)
from tests.tools.public_views import Stage, View


@dataclass(frozen=True, slots=True)
class Examined:
    """One view looked at in one way, and what was found: nothing, if all is well."""

    view: str
    situation: str
    problems: list[str]

    def __str__(self) -> str:
        return "\n".join(f"{self.view}, {self.situation}: {problem}" for problem in self.problems)


def problems_in(page: Page, situation: Situation) -> list[str]:
    """What is wrong with the open page, looked at in this way."""
    with situated(page, situation):
        problems = layout_problems(page)
        if situation.axe:
            problems += axe_problems(page)
        if situation.forced:
            problems += forced_colour_problems(page)
        if situation.spacing:
            problems += spacing_problems(page)
        return problems


def examine(page: Page, view: View, situations: Iterable[Situation]) -> Iterator[Examined]:
    """Look at the open page, which shows `view`, in every one of the ways in which the view exists."""
    yield Examined(view.name, "reduced motion", motion_problems(page))
    for situation in situations:
        if view.exists_at(situation.width // situation.zoom):
            yield Examined(view.name, situation.name, problems_in(page, situation))


def accessibility_report(
    page: Page, stage: Stage, *, groups: tuple[str, ...] = (), situations: Iterable[Situation] = EVERY
) -> list[Examined]:
    """Look at all views (or those of `groups`) in all `situations`. One entry for each look, well or not."""
    examined: list[Examined] = []
    situations = list(situations)
    for view in stage.views(*groups):
        page.set_viewport_size({"width": 390, "height": 844})
        page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
        stage.show(view, page)
        examined += examine(page, view, situations)
    return examined
