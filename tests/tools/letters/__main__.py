"""Measure stored messages per second on both databases, alternating between this site and a fresh Wagtail site."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.tools.letters.clients import Form, Measured, cpu_seconds, post_at_once
from tests.tools.letters.wagtail_start import FORM_PATH, WagtailStart
from tests.tools.postgres import temporary_postgres
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import SmtpServer

# The same as this site's web server: granian with a process per core and eight threads.
PEER_SERVER = [
    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}"),
    *("--workers", str(os.cpu_count()), "--blocking-threads", "8", "--no-ws", "peer.wsgi:application"),
]


@dataclass
class Site:
    """A running site: this one or the fresh Wagtail site."""

    name: str
    form: Form
    pid: int

    def measure(self, seconds: float) -> Measured:
        return post_at_once(self.form, seconds=seconds, cpu=lambda: cpu_seconds(self.pid))


@contextmanager
def our_site(folder: Path, smtp: SmtpServer, database_url: str) -> Iterator[tuple[Site, RunningSite]]:
    # The clients send a proxy's headers with different addresses: on PostgreSQL messages from one address wait for each
    # other.
    overrides = {"DATABASE_URL": database_url, "FORM_RATE_LIMIT": "1000000", "TRUSTED_PROXIES": "1"}
    site = RunningSite(folder, smtp=smtp, overrides=overrides)
    site.start()
    assert site.process
    form = Form(port=site.port, path="/ota-yhteytta/", token="form_token", stored_status=303)
    try:
        yield Site("ours", form, site.process.pid), site
    finally:
        site.stop()


@contextmanager
def peer_site(folder: Path, database: dict[str, str] | None) -> Iterator[Site]:
    peer = WagtailStart(folder, database=database, command=PEER_SERVER)
    form = Form(port=peer.port, path=FORM_PATH, token="csrfmiddlewaretoken", stored_status=200)
    try:
        yield Site("wagtail start", form, peer.process.pid)
    finally:
        peer.stop()


def django_database(url: str, name: str) -> dict[str, str]:
    """Return Django's settings for the database `name` on the server at `url`."""
    parts = urlsplit(url)
    host = parts.hostname or dict(pair.split("=") for pair in parts.query.split("&"))["host"]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": unquote(host),
    }


def seconds_until_delivered(site: RunningSite, smtp: SmtpServer, letters: int) -> tuple[float, int]:
    """Wait until the worker has sent two mails per message. Return the seconds, and how many were left to send."""
    began, before = time.monotonic(), len(smtp.messages)
    smtp.wait_for(2 * letters, seconds=600)
    return time.monotonic() - began, 2 * letters - before


def show(kind: str, name: str, measured: Measured) -> None:
    p50, p99 = measured.percentile(0.5), measured.percentile(0.99)
    print(
        f"{kind:<11}{name:<15}{measured.rate:7.0f}/s   p50 {p50 * 1000:6.0f} ms   p99 {p99 * 1000:6.0f} ms "
        f"({p99 / p50:4.1f} x)   worst {max(measured.waits) * 1000:6.0f} ms   "
        f"{measured.cpu * 1000:5.1f} ms CPU a letter",
        flush=True,
    )


@dataclass(frozen=True)
class Comparison:
    """The measurements on one database, by round. `mail_seconds`: time per mail after the end of the posts."""

    ours: list[Measured]
    peer: list[Measured]
    mail_seconds: list[float]


def compare(
    kind: str, folder: Path, *, seconds: float, rounds: int, url: str, peer: dict[str, str] | None
) -> Comparison:
    """Measure both sites alternately, so that other load on the machine affects both."""
    seen = Comparison([], [], [])
    with (
        SmtpServer() as smtp,
        our_site(folder / "ours", smtp, url) as (ours, running),
        peer_site(folder / "peer", peer) as other,
    ):
        for _ in range(rounds):
            seen.ours.append(ours.measure(seconds))
            show(kind, ours.name, seen.ours[-1])
            waited, left = seconds_until_delivered(running, smtp, sum(measured.letters for measured in seen.ours))
            seen.mail_seconds.append(waited / max(1, left))
            print(f"{'':<26}{left} mails left, delivered in {waited:.1f} s", flush=True)
            seen.peer.append(other.measure(seconds))
            show(kind, other.name, seen.peer[-1])
    return seen


def compare_both(folder: Path, *, seconds: float, rounds: int, only: str | None = None) -> dict[str, Comparison]:
    """Return the measurements by database."""
    seen = {}
    if only != "postgresql":
        place = folder / "sqlite"
        place.mkdir()
        seen["SQLite"] = compare("SQLite", place, seconds=seconds, rounds=rounds, url="", peer=None)
    if only != "sqlite":
        place = folder / "postgresql"
        place.mkdir()
        with temporary_postgres(durable=True, databases=("ours", "peer")) as url:
            ours = url.replace("/postgres?", "/ours?")
            assert ours != url
            seen["PostgreSQL"] = compare(
                "PostgreSQL", place, seconds=seconds, rounds=rounds, url=ours, peer=django_database(url, "peer")
            )
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare_both(Path(folder), seconds=chosen.seconds, rounds=chosen.rounds, only=chosen.only)


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    main()
