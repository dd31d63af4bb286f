"""Automatic accessibility checks for the tests and the audit. They find about half of all problems."""

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
    """Return the problems of the open page in this situation."""
    with situated(page, situation):
        problems = layout_problems(page)
        if situation.axe:
            problems += axe_problems(page)
        if situation.forced:
            problems += forced_colour_problems(page)
        if situation.spacing:
            problems += spacing_problems(page)
        return problems
