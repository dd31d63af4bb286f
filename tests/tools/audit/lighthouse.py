"""Lighthouse's four figures for a page, as a phone and as a desk computer meet it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from tests.tools.audit.programs import lighthouse_cli, node, with_node
from tests.tools.audit.section import Section

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FORM_FACTORS = ("mobile", "desktop")
TARGET = 100
# A page below the target is measured this often in all, and its middle performance counts: timing is noisy.
TRIES = 3
# How often a measurement that broke is begun again: on a busy machine Chromium may lose the beginning of a recording.
BEGINNINGS = 3
# A page that search engines are told to leave out fails the first, and has no use for a description in their lists.
_NOT_INDEXED, _NO_DESCRIPTION = "is-crawlable", "meta-description"
_CHROME = "--headless=new --no-sandbox --disable-gpu"
_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Target:
    """A page to measure. `indexed` is False for one that search engines are told to leave out, by intent."""

    name: str
    address: str
    indexed: bool = True


@dataclass(frozen=True, slots=True)
class Figures:
    """`scores` from 0 to 100 by category; `lacking` names the audits that cost points, by category."""

    scores: dict[str, int]
    lacking: dict[str, tuple[str, ...]]
    seconds_to_largest: float
    layout_shift: float
    blocking_ms: float

    @property
    def perfect(self) -> bool:
        return all(score >= TARGET for score in self.scores.values())


Measure = Callable[[str, str], Figures]


def read_figures(report: dict) -> Figures:
    """Take the figures from Lighthouse's JSON. RuntimeError where it could not measure the page."""
    if error := report.get("runtimeError"):
        raise RuntimeError(f"Lighthouse could not measure {report.get('requestedUrl')}: {error.get('message')}")
    audits = report["audits"]
    scores, lacking = {}, {}
    for name in CATEGORIES:
        category = report["categories"][name]
        # A category with an audit that broke has no score: that is not a hundred.
        scores[name] = int(category["score"] * 100 + 1e-6) if category["score"] is not None else 0
        lacking[name] = tuple(
            part["id"]
            for part in category["auditRefs"]
            if part["weight"] and _falls_short(audits[part["id"]], category["score"] is None)
        )
    return Figures(
        scores,
        lacking,
        audits["largest-contentful-paint"]["numericValue"] / 1000,
        audits["cumulative-layout-shift"]["numericValue"],
        audits["total-blocking-time"]["numericValue"],
    )


def _falls_short(audit: dict, broken: bool) -> bool:
    if audit["score"] is None:
        return broken and audit["scoreDisplayMode"] == "error"
    return bool(audit["score"] < 1)


def run_lighthouse(address: str, form_factor: str, browser: str) -> Figures:
    """Measure one page in a browser of Lighthouse's own. RuntimeError with its words where it can't."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        finished = subprocess.run(
            [
                node(),
                lighthouse_cli(),
                address,
                *(["--preset=desktop"] if form_factor == "desktop" else []),
                f"--only-categories={','.join(CATEGORIES)}",
                "--output=json",
                f"--output-path={report}",
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
        return read_figures(json.loads(report.read_text(encoding="utf-8")))


def _measured(measure: Measure, target: Target, form_factor: str) -> Figures:
    for _ in range(BEGINNINGS - 1):
        try:
            return measure(target.address, form_factor)
        except RuntimeError as error:
            print(f"{error}\nOnce more: {target.name} ({form_factor})", file=sys.stderr, flush=True)
    return measure(target.address, form_factor)


def audit_pages(targets: Sequence[Target], measure: Measure) -> Section:
    """Measure each page both ways, one after the other, since two at once would slow each other down."""
    section = Section(
        f"Lighthouse: {TARGET} in each category, on a phone and at a desk",
        ("page", "as", *CATEGORIES, "largest s", "shift", "blocked ms", "runs"),
        remarks=[
            f"Measured once; where a figure is below {TARGET}, {TRIES} times, and the run with the middle performance "
            "counts."
        ],
    )
    if (load := os.getloadavg()[0]) > (os.cpu_count() or 1):
        section.remarks.append(f"The machine was busy with more than this (load {load:.1f}): the site may be faster.")
    for target in targets:
        for form_factor in FORM_FACTORS:
            figures, runs = _best_known(target, form_factor, measure)
            section.rows.append(_row(target, form_factor, figures, runs))
            section.failures += _shortfalls(target, form_factor, figures)
    section.remarks += [
        f"{target.name}: search engines are told to leave it out; excused are {_NOT_INDEXED} and {_NO_DESCRIPTION}."
        for target in targets
        if not target.indexed
    ]
    return section


def _best_known(target: Target, form_factor: str, measure: Measure) -> tuple[Figures, int]:
    runs = [_measured(measure, target, form_factor)]
    if not _shortfalls(target, form_factor, runs[0]):
        return runs[0], 1
    runs += [_measured(measure, target, form_factor) for _ in range(TRIES - 1)]
    middle = median_low(run.scores["performance"] for run in runs)
    # Of the runs with that performance the worst in the rest: those figures are no matter of chance.
    alike = [run for run in runs if run.scores["performance"] == middle]
    return min(alike, key=lambda run: sum(run.scores.values())), len(runs)


def _shortfalls(target: Target, form_factor: str, figures: Figures) -> list[str]:
    found = []
    for name, score in figures.scores.items():
        excused = name == "seo" and not target.indexed and {*figures.lacking[name]} <= {_NOT_INDEXED, _NO_DESCRIPTION}
        if score < TARGET and not excused:
            found.append(f"{target.name} ({form_factor}): {name} {score}; lacking: {', '.join(figures.lacking[name])}")
    if not target.indexed and _NOT_INDEXED not in figures.lacking["seo"]:
        found.append(f"{target.name} ({form_factor}): search engines should be told to leave it out, but are not")
    return found


def _row(target: Target, form_factor: str, figures: Figures, runs: int) -> tuple[str, ...]:
    return (
        target.name,
        form_factor,
        *(str(figures.scores[name]) for name in CATEGORIES),
        f"{figures.seconds_to_largest:.2f}",
        f"{figures.layout_shift:.3f}",
        f"{figures.blocking_ms:.0f}",
        str(runs),
    )
