"""Lighthouse's four scores for a page, on phone and desktop.

Lighthouse CI is not used: its newest release contains an older Lighthouse, and Lighthouse no longer has budgets.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.audit.programs import lighthouse_cli, node, with_node
from tests.tools.audit.section import Section

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FORM_FACTORS = ("mobile", "desktop")
# Timing is noisy: up to this many measurements, of which one must reach 100, as in Lighthouse CI's "optimistic" mode.
TRIES = 3
# A `noindex` page fails the first audit, and needs no description for search engines.
_NOT_INDEXED, _NO_DESCRIPTION = "is-crawlable", "meta-description"
_CHROME = "--headless=new --no-sandbox --disable-gpu"
_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Target:
    """A page to measure. `indexed` is False if the page is `noindex` on purpose."""

    name: str
    address: str
    indexed: bool = True


def run_lighthouse(address: str, form_factor: str, browser: str) -> tuple[dict[str, int], set[str]]:
    """Measure one page in a browser started by Lighthouse.

    Return the scores (0 to 100) by category, and the audits that cost points. Raises RuntimeError with Lighthouse's
    message if the measurement failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "report.json"
        finished = subprocess.run(
            [
                node(),
                lighthouse_cli(),
                address,
                *(["--preset=desktop"] if form_factor == "desktop" else []),
                f"--only-categories={','.join(CATEGORIES)}",
                "--output=json",
                f"--output-path={written}",
                f"--chrome-flags={_CHROME}",
                "--no-enable-error-reporting",
                "--quiet",
            ],
            env=with_node(CHROME_PATH=browser),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        if finished.returncode:
            raise RuntimeError(f"Lighthouse could not measure {address}:\n{finished.stdout}{finished.stderr}")
        report = json.loads(written.read_text(encoding="utf-8"))
    if error := report.get("runtimeError"):
        raise RuntimeError(f"Lighthouse could not measure {address}: {error.get('message')}")
    # A category in which an audit failed has no score; that counts as 0.
    scores = {name: int((report["categories"][name]["score"] or 0) * 100 + 1e-6) for name in CATEGORIES}
    weighty = [part["id"] for name in CATEGORIES for part in report["categories"][name]["auditRefs"] if part["weight"]]
    return scores, {name for name in weighty if _falls_short(report["audits"][name])}


def _falls_short(audit: dict) -> bool:
    return audit["scoreDisplayMode"] == "error" or (audit["score"] is not None and audit["score"] < 1)


def _shortfalls(target: Target, scores: dict[str, int], lacking: set[str]) -> list[str]:
    if target.indexed:
        return [f"{name} {score}" for name, score in scores.items() if score < 100]
    found = [] if _NOT_INDEXED in lacking else ["search engines should be told to leave it out, but are not"]
    excused = lacking <= {_NOT_INDEXED, _NO_DESCRIPTION}
    return found + [f"{name} {score}" for name, score in scores.items() if score < 100 and not excused]


def audit_pages(targets: Sequence[Target], browser: str) -> Section:
    """Measure each page on phone and desktop, one after the other: parallel measurements would slow each other down."""
    section = Section(
        "Lighthouse: 100 in each category, on a phone and at a desk",
        ("page", "as", *CATEGORIES, "runs"),
        remarks=[
            f"Measured once; where a figure is below 100, up to {TRIES} times.",
            *(f"{one.name}: search engines are told to leave it out." for one in targets if not one.indexed),
        ],
    )
    if (load := os.getloadavg()[0]) > (os.cpu_count() or 1):
        section.remarks.append(f"The machine was busy with more than this (load {load:.1f}): the site may be faster.")
    for target in targets:
        for form_factor in FORM_FACTORS:
            row, failures = _measured(target, form_factor, browser)
            section.rows.append(row)
            section.failures += failures
    return section


def _measured(target: Target, form_factor: str, browser: str) -> tuple[tuple[str, ...], list[str]]:
    for run in range(1, TRIES + 1):
        try:
            scores, lacking = run_lighthouse(target.address, form_factor, browser)
        except RuntimeError as error:
            # On a busy machine Chromium may lose the beginning of the trace.
            scores, lacking = dict.fromkeys(CATEGORIES, 0), {str(error)}
        found = _shortfalls(target, scores, lacking)
        row = (target.name, form_factor, *(str(scores[name]) for name in CATEGORIES), str(run))
        if not found:
            return row, []
    return row, [f"{target.name} ({form_factor}): {'; '.join(found)}; lacking: {', '.join(sorted(lacking))}"]
