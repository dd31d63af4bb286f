"""The endpoints for monitoring: liveness, readiness and metrics.

Each check runs in a thread of its own, which is abandoned if it takes too long.
"""

import hmac
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.core.files.storage import storages
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from aijuu_site.backup.status import backup_status
from aijuu_site.metrics import CONTENT_TYPE, metrics_text
from aijuu_site.settings.data import BUCKET
from intake.health import read_health
from intake.jobs.errors import describe

# The longest time that a request waits, whichever check hangs.
LIMIT_SECONDS = 2.0
# An enquiry with everything that belongs to it takes kilobytes; a picture takes megabytes.
LEAST_FREE_BYTES = 200 * 1024 * 1024
# Results are reused for this long, so that frequent requests of a stranger cost no more than a monitor's.
_KEPT_SECONDS = 1.0
# Longer, because a bucket is on the server of a provider, who counts requests.
_BUCKET_SECONDS = 60.0
_TEXT = "text/plain; charset=utf-8"
# Problems by the name of what was checked; "" if there is none.
Findings = dict[str, str]
Check = Callable[[], Findings]


def check_database() -> Findings:
    """Check the database, its migrations, the worker, the mail and the backup."""
    missing = _missing_migrations()
    if missing:
        return {"database": "", "migrations": f"{missing} not applied"}
    health = read_health(now=timezone.now())
    return {
        "database": "",
        "migrations": "",
        "worker": f"silent since {health.silent_since.isoformat()}" if health.silent_since else "",
        "mail": f"waits since {health.mail_since.isoformat()}" if health.mail_since else "",
        **_backup(),
    }


def _backup() -> Findings:
    """Return the finding about backups; none if they are not set up."""
    status = backup_status(now=timezone.now())
    if not status.is_set_up:
        return {}
    last = f"the last good one was begun {status.last.begun_at.isoformat()}" if status.last else "there is none"
    return {"backup": last if status.is_late else ""}


def _missing_migrations() -> int:
    applied = MigrationRecorder(connection).applied_migrations()
    return len(_last_migrations() - applied.keys())


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app from its files, which do not change while the process runs."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def check_storage() -> Findings:
    """Check that DATA_DIR, and the bucket where there is one, can be written, and that the disk has room."""
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())
    free = shutil.disk_usage(settings.DATA_DIR).free
    return {"storage": "", "disk": "" if free >= LEAST_FREE_BYTES else f"{free // 1024**2} MB free"}


@dataclass
class Probe:
    """A check that runs once at a time. All requests meanwhile share its result.

    If the check itself fails, that is reported under `name`. A result stays valid for `kept_seconds`.
    """

    name: str
    check: Check
    kept_seconds: float = _KEPT_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: threading.Thread | None = None
    _found: Findings = field(default_factory=dict)
    _found_at: float = -float("inf")

    def start(self) -> threading.Thread | None:
        """Return the thread to wait for; None if the last result is still valid."""
        with self._lock:
            if self._running is not None and self._running.is_alive():
                return self._running
            if time.monotonic() - self._found_at < self.kept_seconds:
                return None
            # A daemon thread: the process does not wait for it when it ends.
            self._running = threading.Thread(target=self._run, name=f"check {self.name}", daemon=True)
            self._running.start()
            return self._running

    def result(self, thread: threading.Thread | None, deadline: float) -> Findings:
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                return {self.name: f"no answer in {LIMIT_SECONDS:.0f} s"}
        return self._found

    def _run(self) -> None:
        try:
            self._found = self.check()
        except Exception as error:
            # Without the error's text, which may name servers and users.
            self._found = {self.name: describe(error)}
        finally:
            connections.close_all()
        self._found_at = time.monotonic()


def check_bucket() -> Findings:
    """Check that the bucket of STORAGE_URL answers."""
    storages["pictures"].listdir("check")
    return {"bucket": ""}


@cache
def probes() -> tuple[Probe, ...]:
    """Return the probes of this process."""
    own = (Probe("database", check_database), Probe("storage", check_storage))
    if settings.STORAGES["pictures"]["BACKEND"] != BUCKET:
        return own
    return (*own, Probe("bucket", check_bucket, kept_seconds=_BUCKET_SECONDS))


def find_problems() -> Findings:
    """Run all checks in parallel and return their findings, after LIMIT_SECONDS at the latest."""
    deadline = time.monotonic() + LIMIT_SECONDS
    started = [(probe, probe.start()) for probe in probes()]
    found: Findings = {}
    for probe, thread in started:
        found |= probe.result(thread, deadline)
    return found


def may_see_details(request: HttpRequest) -> bool:
    """Return whether the request carries MONITORING_TOKEN. False for every request if it is not set."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.MONITORING_TOKEN
    return (
        bool(expected) and scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), expected.encode())
    )


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200, or 503 if there is a problem. Requests without MONITORING_TOKEN get no details."""
    found = find_problems()
    status = 503 if any(found.values()) else 200
    lines = ["ready" if status == 200 else "unavailable"]
    if may_see_details(request):
        lines += [f"{name}: {problem or 'ok'}" for name, problem in found.items()]
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type=_TEXT)


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Always answer 200: this liveness probe must not fail because of a silent worker or a lost database."""
    return HttpResponse("live\n", content_type=_TEXT)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics to a request that carries MONITORING_TOKEN; 404 if it is not set."""
    if not settings.MONITORING_TOKEN:
        raise Http404
    if not may_see_details(request):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"}, content_type=_TEXT)
    return HttpResponse(metrics_text(now=timezone.now()), content_type=CONTENT_TYPE)
