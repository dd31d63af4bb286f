"""Assertions about the page that is open. What is looked for is said in tests/tools/accessibility."""

from typing import Literal

from playwright.sync_api import Page

from tests.tools.accessibility import axe_problems, sideways_problems
from tests.tools.accessibility.axe import run_axe


def assert_accessible(page: Page) -> None:
    """Raise AssertionError with each violation of WCAG 2.2 A, AA and axe's best practices on the page as it is now."""
    page.wait_for_load_state()
    found = axe_problems(page)
    assert not found, f"{page.url}: {len(found)} accessibility problems\n" + "\n".join(found)


def certain_violations(page: Page) -> list[str]:
    """Return what axe is sure of on a page of the admin. What it leaves undecided there is in Wagtail's own frame."""
    page.wait_for_load_state()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = run_axe(page, {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]})["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def assert_fits(page: Page) -> None:
    """Raise AssertionError where the page is wider than the window, so that it scrolls sideways (WCAG 1.4.10)."""
    page.wait_for_load_state()
    found = sideways_problems(page)
    assert not found, f"{page.url}: {found[0]}."


def look(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Show the open page of the admin in these colours; none is any more on its way there."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate("() => document.getAnimations().forEach((one) => one instanceof CSSTransition && one.finish())")
