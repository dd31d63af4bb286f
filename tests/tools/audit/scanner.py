"""Wapiti, an active scanner, against a separate site: it crawls all pages and attacks each URL and form.

It has its own virtual environment, since its packages conflict with the site's (requirements-scanner.txt). All URLs
given to it are on this machine. `python -m tests.tools.audit.scanner` runs only this part.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from tests.tools.audit.open_forms import as_typed, open_forms
from tests.tools.audit.section import Section, as_text
from tests.tools.public_views import Condition, Stage
from tests.tools.running_site import RunningSite

_BIN = Path(sys.prefix) / "scanner" / "bin"
# Run through Python: the script's first line contains the folder of its installation.
WAPITI = (_BIN / "python", _BIN / "wapiti")
# Modules that attack each form, and each URL with a query.
INJECTIONS = (
    "crlf",
    "exec",
    "file",
    "ldap",
    "permanentxss",
    "redirect",
    "spring4shell",
    "sql",
    "ssrf",
    "timesql",
    "upload",
    "xss",
    "xxe",
)
# Modules that attack each page.
PAGES = ("backup", "brute_login_form", "cookieflags", "csp", "htaccess", "http_headers", "shellshock")
LEFT_OUT = {
    "csrf": "it sends the header Content-Type twice (3.2.3), so every form is refused and nothing is compared",
    "https_redirect, ssl": "the site is served over http here; deploy/try.sh looks at TLS",
    "takeover, log4shell": "they ask name servers of other people",
    "buster, methods": "they find no fault: guessed names, and methods that Django answers",
    "cms, htp, network_device, nikto, wapp, wp_enum": "names of products, from lists that they would have to fetch",
}
# False positives: (kind, beginning of the text) → reason.
EXCUSED = {
    ("Secure Flag cookie", "Secure flag is not set in the cookie : csrftoken"): (
        "served over http here; with https every cookie is __Host- (tests/aijuu_site/test_headers_by_response.py)"
    ),
}
LOGIN, NEW_PASSWORD = "admin/login/", "admin/password_reset/"
# Not scanned, since no view generates them; tests/aijuu_site/test_open_to_nobody.py tests these URLs.
FILES = ("static/", "media/")
# Time limits for a module on one target, and for crawling the site. The audit reports a module that exceeded its limit.
MODULE_SECONDS = 180
WALK_SECONDS = 120
AT_ONCE = 4
_TOKEN = "audit-" + "0" * 32
# The status of a stored post: a redirect.
_TAKEN = "303"
_MODULES = re.compile(r"Existing modules:\s+(.+)")
_CUT_OFF = re.compile(r"Max attack time was reached for module (\w+)")
_REQUESTS = re.compile(r'^aijuu_requests_total\{class="(\w+)",status="(\d+)"\} (\d+)', re.MULTILINE)


@dataclass
class Trap:
    """A local server without a purpose. `asked`: the requests that an attack made the site send to it."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def trap() -> Iterator[Trap]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Wapiti itself requests these paths, to ask which requests arrived.
            if not self.path.startswith(("/get_ssrf.php", "/get_xxe.php")):
                found.asked.append(f"{self.command} {self.path}")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        do_HEAD = do_POST = do_PUT = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Suppress the log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Trap(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Scan:
    """The result of a run of Wapiti: findings, modules that exceeded their time, and modules not listed here."""

    found: list[str]
    cut_off: list[str]
    unknown: list[str]


def findings_in(report: dict[str, dict[str, list[dict[str, str]]]]) -> list[tuple[str, str]]:
    """Return (kind, text) of each vulnerability and anomaly in the report, without additional information."""
    return [
        (kind, f"{one['info']} ({one['method']} {one['path']}, {one.get('parameter') or 'no field'})")
        for part in ("vulnerabilities", "anomalies")
        for kind, ones in report[part].items()
        for one in ones
    ]


def is_excused(kind: str, words: str) -> bool:
    return any(kind == known and words.startswith(beginning) for known, beginning in EXCUSED)


def unknown_modules(output: str) -> list[str]:
    """Return the modules of a newer Wapiti that are neither used nor left out on purpose."""
    named = {*PAGES, *INJECTIONS, *", ".join(LEFT_OUT).split(", ")}
    listed = _MODULES.search(output)
    return sorted({*(listed[1].split(", ") if listed else ["(no list of them)"])} - named)


def scan(address: str, modules: Sequence[str], *, site: str, endpoint: str, more: Sequence[str]) -> Scan:
    """Run Wapiti, starting at `address`. Raises CalledProcessError if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        finished = subprocess.run(
            [
                *WAPITI,
                *("--url", address, "--module", ",".join(modules), *more),
                *("--header", f"Origin: {site}", "--tasks", str(AT_ONCE), "--timeout", "30"),
                # Makes it print the list of its modules, and which of them exceeded their time.
                *("--verbose", "1"),
                *("--max-scan-time", str(WALK_SECONDS), "--max-attack-time", str(MODULE_SECONDS)),
                # Its default endpoints, and the one for its bug reports, are on the internet.
                *("--endpoint", endpoint, "--dns-endpoint", "localhost", "--no-bugreport"),
                *("--store-session", folder, "--store-config", folder, "--format", "json", "--output", report),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            env={**os.environ, "HOME": folder, "NO_PROXY": "*"},
        )
        found = findings_in(json.loads(report.read_text()))
    return Scan(
        list(dict.fromkeys(f"{kind}: {words}" for kind, words in found if not is_excused(kind, words))),
        _CUT_OFF.findall(finished.stdout),
        unknown_modules(finished.stdout),
    )


def audit_by_scanner(site: RunningSite) -> Section:
    """Scan the running site, whose MONITORING_TOKEN must be `_TOKEN`. Returns a row for the pages and one per form."""
    section = Section(
        "Scanner: zero findings, zero server errors",
        ("attacked", "requests", "taken", "found"),
        remarks=[
            "Wapiti's modules: " + ", ".join(sorted((*PAGES, *INJECTIONS))) + ".",
            *(f"Left out: {modules} ({why})." for modules, why in LEFT_OUT.items()),
            *(f"Excused: {words} ({why})." for (_kind, words), why in EXCUSED.items()),
            "Taken: posts that were stored. The others lacked something, or what was put in was refused.",
            "Logins are refused after twenty wrong ones, as they should be, and the admin behind them is not entered.",
        ],
    )
    with trap() as endpoint, Stage(site) as stage:
        meter = _Meter(site)

        def attack(name: str, address: str, modules: Sequence[str], *more: str) -> int:
            done = scan(address, modules, site=site.url, endpoint=endpoint.url, more=more)
            answers = meter.since_last()
            section.rows.append((name, str(answers.total()), str(answers[_TAKEN]), str(len(done.found))))
            section.failures += [f"{name}: {line}" for line in done.found]
            section.failures += [f"{name}: {line}" for line in server_errors(answers)]
            section.failures += [f"{name}: Wapiti's module {module} is named nowhere" for module in done.unknown]
            section.remarks += [f"{name}: no more time for {module}." for module in done.cut_off]
            return answers[_TAKEN]

        stage.arrange(Condition.PAUSED)
        where = [part for path in (LOGIN, NEW_PASSWORD) for part in ("--start", f"{site.url}/{path}")]
        where += [part for path in FILES for part in ("--exclude", f"{site.url}/{path}*")]
        attack("all pages", f"{site.url}/", (*PAGES, *INJECTIONS), "--scope", "domain", *where)
        for form in open_forms(stage):
            # Don't count the requests that opened the form.
            meter.since_last()
            if not attack(form.name, form.address, INJECTIONS, "--scope", "url", "--data", as_typed(form.fields)):
                section.failures.append(f"{form.name}: no post was taken, so nothing behind the form was attacked")
        section.failures += [f"the site asked a stranger's server: {line}" for line in endpoint.asked]
    section.failures += [line for line in site.output if " ERROR " in line or " CRITICAL " in line]
    return section


def server_errors(answers: Mapping[str, int]) -> list[str]:
    return [f"{count} answers with status {status}" for status, count in sorted(answers.items()) if status >= "500"]


class _Meter:
    """Reads the number of answered requests by status from the site's metrics."""

    def __init__(self, site: RunningSite) -> None:
        self._site = site
        self._before: Counter[str] = Counter()

    def since_last(self) -> Counter[str]:
        """Return the numbers since the last call, without health and metrics requests."""
        request = Request(f"{self._site.url}/metrics", headers={"Authorization": f"Bearer {_TOKEN}"})  # noqa: S310
        with urlopen(request, timeout=30) as page:  # noqa: S310 - our own site on this machine.
            text = page.read().decode()
        answers: Counter[str] = Counter()
        for kind, status, count in _REQUESTS.findall(text):
            if kind != "machine":
                answers[status] += int(count)
        new = answers - self._before
        self._before = answers
        return new


def audit_with_scanner() -> Section:
    """Start a site with an empty data folder, scan it, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        site = RunningSite(Path(folder), overrides={"MONITORING_TOKEN": _TOKEN})
        site.start()
        try:
            return audit_by_scanner(site)
        finally:
            site.stop()


if __name__ == "__main__":
    scanned = audit_with_scanner()
    print(as_text(scanned))
    sys.exit(0 if scanned.passed else 1)
