"""Assertions about the open page. tests/tools/accessibility defines the checks."""

from typing import Literal

from playwright.sync_api import Page

from tests.tools.accessibility import axe_problems, sideways_problems
from tests.tools.accessibility.axe import run_axe


def assert_accessible(page: Page) -> None:
    """Raise AssertionError with each violation of WCAG 2.2 A, AA and axe's best practices on the open page."""
    page.wait_for_load_state()
    found = axe_problems(page)
    assert not found, f"{page.url}: {len(found)} accessibility problems\n" + "\n".join(found)


def certain_violations(page: Page) -> list[str]:
    """Return axe's definite violations on an admin page. Its undecided findings there are in Wagtail's own markup."""
    page.wait_for_load_state()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = run_axe(page, {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]})["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def assert_fits(page: Page) -> None:
    """Raise AssertionError if the page is wider than the window, so that it scrolls sideways (WCAG 1.4.10)."""
    page.wait_for_load_state()
    found = sideways_problems(page)
    assert not found, f"{page.url}: {found[0]}."


def look(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Show the open admin page in this colour scheme, and finish the CSS transitions between the colours."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate("() => document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())")
