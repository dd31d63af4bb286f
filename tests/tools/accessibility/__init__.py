"""What a machine can tell of accessibility, for the tests and for the audit. It finds about half of what there is."""

from playwright.sync_api import Page

from tests.tools.accessibility.axe import axe_problems
from tests.tools.accessibility.situations import (
    EVERY,
    USUAL,
    Situation,
    forced_colour_problems,
    layout_problems,
    motion_problems,
    sideways_problems,
    situated,
    small_target_problems,
    spacing_problems,
)

__all__ = [
    "EVERY",
    "USUAL",
    "Situation",
    "axe_problems",
    "layout_problems",
    "motion_problems",
    "problems_in",
    "sideways_problems",
    "situated",
    "small_target_problems",
]


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
