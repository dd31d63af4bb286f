"""The Nu HTML checker for the HTML of every view and mail as sent, and for the site's style sheets and drawings."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tools.audit.programs import java, vnu_jar
from tests.tools.audit.section import Section

# Supported by current browsers or mail programs, but unknown to this release of the checker: message -> reason.
UNKNOWN_TO_THE_CHECKER = {
    "“container-type”: Property “container-type” doesn't exist.": "CSS Conditional 5",
    "“container”: Property “container” doesn't exist.": "CSS Conditional 5",
    "Unrecognized at-rule “@container”": "CSS Conditional 5",
    "“field-sizing”: Property “field-sizing” doesn't exist.": "CSS Basic User Interface 4",
    # On the maintenance page. If the digest were wrong, a test in Chromium would fail.
    "Inline style violates Content Security Policy (meta tag): blocked by “style-src” directive (missing "
    "“‘unsafe-inline’” or nonce/hash).": "it trims the style before it computes its digest",
    "“mso-padding-alt”: Property “mso-padding-alt” doesn't exist.": "Outlook's own, in mails",
    "“line-clamp”: Property “line-clamp” doesn't exist.": "CSS Overflow 4",
}
_EXCUSED = f".*({'|'.join(map(re.escape, UNKNOWN_TO_THE_CHECKER))})"


def run_checker(kind: str, files: Sequence[Path]) -> list[str]:
    """Check files of one kind ("html", "css", "svg"); return errors, warnings and hints, one line each.

    Raises CalledProcessError if the checker itself fails.
    """
    options = [f"--{kind}", "--format", "gnu", "--stdout", "--exit-zero-always", "--filterpattern", _EXCUSED]
    finished = subprocess.run(
        [java(), "-jar", vnu_jar(), *options, *files],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.splitlines()


def audit_sources(views: Mapping[str, str], styles: Sequence[Path], drawings: Sequence[Path]) -> Section:
    """Check the HTML of each view or mail (by name) and the files. Any message that is not excused is a failure."""
    section = Section("Nu HTML checker: nothing to say, not even a hint", ("kind", "files", "messages"))
    with tempfile.TemporaryDirectory() as folder:
        for name, html in views.items():
            (Path(folder) / f"{name}.html").write_text(html, encoding="utf-8")
        for kind, files in (("html", sorted(Path(folder).iterdir())), ("css", styles), ("svg", drawings)):
            messages = run_checker(kind, files)
            section.rows.append((kind, str(len(files)), str(len(messages))))
            section.failures += messages
    section.remarks = [f"Excused: {words} ({source})" for words, source in UNKNOWN_TO_THE_CHECKER.items()]
    return section
