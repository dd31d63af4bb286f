"""html-validate for the HTML of every view as sent, and for every mail."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tools.audit.programs import html_validate_cli, node
from tests.tools.audit.section import Section

# Rules of "recommended" that the pages break on purpose, with the reason.
EXCUSED = {
    "form-dup-name": "several values of one name are HTML's own way to send a list",
    "no-redundant-for": "speech control finds a field by “for”, though its label is around it, too",
    "no-trailing-whitespace": "templates leave it; it costs next to nothing once compressed",
    "tel-non-breaking": "a phone number is kept in one line by site.css",
}
_PAGES: dict[str, Any] = {
    "extends": ["html-validate:recommended"],
    "rules": {"doctype-style": ["error", {"style": "lowercase"}], **dict.fromkeys(EXCUSED, "off")},
}
# Without style rules: mail programs need inline styles, layout tables and Outlook's conditional comments.
_MAILS: dict[str, Any] = {"extends": ["html-validate:standard"]}


def run_html_validate(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Check the HTML files of a folder; return errors and warnings, one line each.

    Raises JSONDecodeError if html-validate itself fails.
    """
    settings, report = folder / "config.json", folder / "report.json"
    settings.write_text(json.dumps({"root": True, **config}), encoding="utf-8")
    # The output goes to a file: with a pipe, the program may exit before all of it is read.
    with report.open("w", encoding="utf-8") as output:
        subprocess.run(
            [node(), html_validate_cli(), "--config", settings, "--formatter", "json", *sorted(folder.glob("*.html"))],
            stdin=subprocess.DEVNULL,
            stdout=output,
            check=False,
        )
    found = json.loads(report.read_text(encoding="utf-8"))
    return [
        f"{Path(result['filePath']).name}:{message['line']}: {message['ruleId']}: {message['message']}"
        for result in found
        for message in result["messages"]
    ]


def audit_markup(views: Mapping[str, str], mails: Mapping[str, str]) -> Section:
    """Check the HTML of each view and of each mail (by name). Any message is a failure."""
    section = Section("html-validate: nothing to say", ("kind", "files", "messages"))
    for kind, pages, config in (("pages", views, _PAGES), ("mails", mails, _MAILS)):
        with tempfile.TemporaryDirectory() as folder:
            for name, html in pages.items():
                (Path(folder) / f"{name}.html").write_text(html, encoding="utf-8")
            messages = run_html_validate(Path(folder), config)
        section.rows.append((kind, str(len(pages)), str(len(messages))))
        section.failures += messages
    section.remarks = [f"Excused in pages: {rule} ({reason})" for rule, reason in EXCUSED.items()]
    return section
