"""axe-core: WCAG 2.2 A and AA, and its best practices; and what it leaves open about contrast."""

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
    # Off by itself, although WCAG 2.2 AA asks for it (2.5.8).
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations", "incomplete"],
}
_SCRIPT = Axe().axe_script
# Only what is read comes back: what passed, or is not on the page, is a hundred times as much.
_RUN = "async () => { const { violations, incomplete } = await axe.run(%s); return { violations, incomplete }; }"


def run_axe(page: Page, options: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Run axe on the page as it is now and return its "violations" and "incomplete"."""
    # Half a megabyte, which a document keeps.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_SCRIPT)
    found: dict[str, list[dict[str, Any]]] = page.evaluate(_RUN % json.dumps(options))
    return found


def axe_problems(page: Page) -> list[str]:
    """Each violation on the page as it is now, in words. Text whose background axe can't know (a drawing lies under
    it) is measured on the picture; anything else that axe leaves open is a problem until somebody has looked."""
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
