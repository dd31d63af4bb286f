"""html-validate over the server's own HTML of every view, and over every mail."""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tools.audit.programs import html_validate_cli, node
from tests.tools.audit.section import Section

# Rules of "recommended" that our pages break on purpose.
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
# Without the rules of style: mail programs need inline styles, layout tables and Outlook's conditional comments.
_MAILS: dict[str, Any] = {"extends": ["html-validate:standard"]}


def run_html_validate(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Check the HTML files of a folder; return its errors and warnings, a line each.

    JSONDecodeError if it breaks.
    """
    settings, report = folder / "config.json", folder / "report.json"
    settings.write_text(json.dumps({"root": True, **config}), encoding="utf-8")
    # Into a file: it may end before a pipe has been read to its end.
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
    """Check the HTML of each view and of each mail (by name); nothing may be said."""
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
