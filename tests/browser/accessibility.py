"""Automatic accessibility checks with axe-core. They find about half of what there is: looking remains needed."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def assert_accessible(page: Page) -> None:
    """Raise AssertionError with each violation of WCAG 2.2 A, AA and axe's best practices on the page as it is now."""
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
    found = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        f"    {node['html'][:200]}\n    {node['failureSummary']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
    assert not found, f"{page.url}: {len(found)} accessibility problems\n" + "\n".join(found)


def assert_fits(page: Page) -> None:
    """Raise AssertionError where the page is wider than the window, so that it scrolls sideways (WCAG 1.4.10)."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= window, f"{page.url} is {width} px wide in a window of {window} px."
