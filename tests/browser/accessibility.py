"""Assertions about the page that is open. What is looked for is said in tests/tools/accessibility."""

from playwright.sync_api import Page

from tests.tools.accessibility import axe_problems, sideways_problems


def assert_accessible(page: Page) -> None:
    """Raise AssertionError with each violation of WCAG 2.2 A, AA and axe's best practices on the page as it is now."""
    found = axe_problems(page)
    assert not found, f"{page.url}: {len(found)} accessibility problems\n" + "\n".join(found)


def assert_fits(page: Page) -> None:
    """Raise AssertionError where the page is wider than the window, so that it scrolls sideways (WCAG 1.4.10)."""
    found = sideways_problems(page)
    assert not found, f"{page.url}: {found[0]}."
