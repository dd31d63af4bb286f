"""The Nu HTML checker over the server's own HTML of every view, and over our style sheets and drawings."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.tools.audit.programs import java, vnu_jar
from tests.tools.audit.section import Section

# In use in current browsers, yet not in this release's lists of CSS.
UNKNOWN_TO_THE_CHECKER = {
    "container-type": "CSS Conditional 5",
    "@container": "CSS Conditional 5",
    "field-sizing": "CSS Basic User Interface 4",
}
_UNKNOWN = re.compile(
    r"CSS: “(?P<property>[a-z-]+)”: Property “(?P=property)” doesn't exist\."
    r"|CSS: Unrecognized at-rule “(?P<rule>@[a-z-]+)”"
)
_MARKUP, _STYLE, _DRAWING = "html", "css", "svg"


@dataclass(frozen=True, slots=True)
class Finding:
    """One message: `kind` is the checker's own (error, info) or, of an info, its subtype (warning)."""

    name: str
    kind: str
    words: str
    line: int | None


def read_findings(report: str) -> list[Finding]:
    """Take the messages from the checker's JSON; `name` is the file's. ValueError where there is no report."""
    if not report.strip():
        raise ValueError("The HTML checker said nothing at all.")
    return [
        Finding(
            Path(unquote(urlsplit(message.get("url", "")).path)).name,
            message.get("subType") or message["type"],
            " ".join(message["message"].split()),
            message.get("lastLine"),
        )
        for message in json.loads(report)["messages"]
    ]


def run_checker(kind: str, files: Sequence[Path]) -> list[Finding]:
    """Check files of one kind ("html", "css", "svg"): errors, warnings and hints. CalledProcessError if it breaks."""
    finished = subprocess.run(
        [java(), "-jar", vnu_jar(), f"--{kind}", "--format", "json", "--stdout", "--exit-zero-always", *files],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return read_findings(finished.stdout)


def is_excused(finding: Finding) -> bool:
    """Tell whether the checker merely does not know a piece of CSS that we use on purpose."""
    match = _UNKNOWN.fullmatch(finding.words)
    return match is not None and (match["property"] or match["rule"]) in UNKNOWN_TO_THE_CHECKER


def audit_sources(views: Mapping[str, str], styles: Sequence[Path], drawings: Sequence[Path]) -> Section:
    """Check the HTML of each view (by name) and the files; nothing at all may be said but what is excused."""
    section = Section(
        "Nu HTML checker: nothing to say, not even a hint", ("source", "errors", "warnings", "hints", "excused")
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, html in views.items():
            (Path(folder) / f"{name}.html").write_text(html, encoding="utf-8")
        pages = sorted(Path(folder).iterdir())
        _add(section, pages, run_checker(_MARKUP, pages) if pages else [])
    _add(section, styles, run_checker(_STYLE, styles))
    _add(section, drawings, run_checker(_DRAWING, drawings))
    section.remarks = [
        f"Excused: {name} ({source}) is not in the checker's lists of CSS."
        for name, source in UNKNOWN_TO_THE_CHECKER.items()
    ]
    return section


def _add(section: Section, files: Sequence[Path], findings: Sequence[Finding]) -> None:
    for file in files:
        own = [finding for finding in findings if finding.name == file.name]
        serious = [finding for finding in own if not is_excused(finding)]
        kinds = [finding.kind for finding in serious]
        section.rows.append(
            (
                file.name,
                str(sum(kind not in ("warning", "info") for kind in kinds)),
                str(kinds.count("warning")),
                str(kinds.count("info")),
                str(len(own) - len(serious)),
            )
        )
    known = {file.name for file in files}
    section.failures += [
        f"{finding.name}:{finding.line or 0}: {finding.kind}: {finding.words}"
        for finding in findings
        if not is_excused(finding) or finding.name not in known
    ]
