"""Checks with axe-core: WCAG 2.2 A and AA, best practices, and the contrast that axe itself can't determine."""

import json
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.tools.accessibility.contrast import contrast_problems

_OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
    },
    # Disabled by default, although WCAG 2.2 AA requires it (2.5.8).
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations", "incomplete"],
}
_SCRIPT = Axe().axe_script
# Returns only the two lists that are used: axe's complete result is a hundred times as large.
_RUN = "async () => { const { violations, incomplete } = await axe.run(%s); return { violations, incomplete }; }"


def run_axe(page: Page, options: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Run axe on the open page and return its "violations" and "incomplete"."""
    # The script has half a megabyte; a document needs it only once.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_SCRIPT)
    found: dict[str, list[dict[str, Any]]] = page.evaluate(_RUN % json.dumps(options))
    return found


def axe_problems(page: Page) -> list[str]:
    """Return a description of each violation on the open page.

    Text whose background axe can't determine (over a drawing) is measured in a screenshot. Any other undecided finding
    counts as a problem until somebody has checked it.
    """
    found = run_axe(page, _OPTIONS)
    problems = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n    {node['html'][:200]}\n    {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    for rule in found["incomplete"]:
        if rule["id"] == "color-contrast":
            problems += contrast_problems(page, [node["target"][0] for node in rule["nodes"]])
        else:
            problems += [f"undecided: {rule['id']}: {rule['help']}\n    {node['html'][:200]}" for node in rule["nodes"]]
    return problems
