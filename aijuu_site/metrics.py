"""Metrics of requests, mail and jobs in Prometheus' text format 0.0.4, for requests that carry MONITORING_TOKEN.

Requests are counted over all processes of the machine and across their restarts. Each process has a small file of its
own below DATA_DIR/metrics, mapped into memory, and holds a lock on it, which ends with the process. The next process
continues in the same file, so no count ever falls. The sum of the files is the total.
The format: prometheus.io/docs/instrumenting/exposition_formats
"""

import fcntl
import logging
import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import accumulate
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min

from aijuu_site.backup.status import last_backup
from aijuu_site.middleware import MACHINE_PATHS
from aijuu_site.serving.memory import map_file
from intake.choices import MailState
from intake.enquiry.models import Enquiry
from intake.jobs.runner import JobRun, WorkerHeartbeat
from intake.mail.models import OutgoingMail
from intake.proof import last_proof

KEPT = "kept"
CLASSES = (KEPT, "page", "post", "admin", "static", "media", "private", "machine")
# The status for a client that disconnected before the response, as in nginx. A status not listed counts as OTHER.
CLIENT_GONE, OTHER = 499, 0
STATUSES = (
    *(200, 201, 206, 301, 302, 303, 304, 308),
    *(400, 401, 403, 404, 405, 408, 409, 411, 413, 422, 429, 431, CLIENT_GONE, 500, 503, OTHER),
)
# The upper bounds of the histogram's buckets in seconds; one more bucket has no bound.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MOST_PROCESSES = 128
# For each class: a count for each status, a count for each bucket of the histogram, and the sum of the seconds.
_OF_A_CLASS = len(STATUSES) + len(BOUNDS) + 2
_NUMBERS = struct.Struct(f"={len(CLASSES) * _OF_A_CLASS}d")
_NUMBER = struct.Struct("=d")
_logger = logging.getLogger(__name__)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WAITING = (MailState.QUEUED, MailState.SENDING)


def class_of(method: str, path: str) -> str:
    """Return the class of a request that was not answered from memory."""
    if path in MACHINE_PATHS:
        return "machine"
    for name, prefix in (
        ("admin", settings.ADMIN_PATH),
        ("static", settings.STATIC_URL),
        ("media", settings.MEDIA_URL),
        ("private", settings.PRIVATE_PATH),
    ):
        if path.startswith(prefix):
            return name
    return "post" if method == "POST" else "page"


class Counters:
    """The counters of this process. Only one thread may count."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _own_file(folder)
        try:
            if os.fstat(self._descriptor).st_size != _NUMBERS.size:
                # The file was written by a release with other counters.
                os.ftruncate(self._descriptor, 0)
            self._memory = map_file(self._descriptor, _NUMBERS.size)
        except OSError:
            os.close(self._descriptor)
            raise

    def count(self, class_name: str, status: int, seconds: float) -> None:
        first = CLASSES.index(class_name) * _OF_A_CLASS
        known = status if status in STATUSES else OTHER
        part = next((number for number, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        self._add(first + STATUSES.index(known), 1)
        self._add(first + len(STATUSES) + part, 1)
        self._add(first + _OF_A_CLASS - 1, seconds)

    def close(self) -> None:
        self._memory.close()
        os.close(self._descriptor)

    def _add(self, index: int, amount: float) -> None:
        offset = index * _NUMBER.size
        _NUMBER.pack_into(self._memory, offset, _NUMBER.unpack_from(self._memory, offset)[0] + amount)


def _own_file(folder: Path) -> int:
    """Return the descriptor of the first file that no running process has locked, and lock it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(_MOST_PROCESSES):
        descriptor = os.open(folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    raise OSError("too many processes count requests")


def metrics_folder() -> Path:
    folder: Path = settings.DATA_DIR / "metrics"
    return folder


@cache
def own_counters() -> Counters | None:
    """Return the counters of this process; None if nobody may see them, or the disk has no space for them.

    Must be called in the process that counts.
    """
    if not settings.MONITORING_TOKEN:
        return None
    try:
        return Counters(metrics_folder())
    except OSError as error:
        _logger.warning("This process counts no requests: %s", error.strerror or error)
        return None


@dataclass(frozen=True)
class ClassTotals:
    """The counts of all processes for one class. `parts`: the number of requests in each bucket of the histogram."""

    name: str
    by_status: dict[int, int]
    parts: tuple[int, ...]
    seconds: float


def totals(folder: Path) -> Iterator[ClassTotals]:
    """Yield the totals of the classes that had any request."""
    files = [file.read_bytes() for file in folder.glob("[0-9]*")] if folder.is_dir() else []
    rows = [_NUMBERS.unpack(content) for content in files if len(content) == _NUMBERS.size]
    numbers = [sum(column) for column in zip(*rows, strict=True)]
    for position, name in enumerate(CLASSES if numbers else ()):
        own = numbers[position * _OF_A_CLASS : (position + 1) * _OF_A_CLASS]
        by_status = {status: int(n) for status, n in zip(STATUSES, own, strict=False) if n}
        if by_status:
            yield ClassTotals(name, by_status, tuple(int(n) for n in own[len(STATUSES) : -1]), own[-1])


@dataclass(frozen=True)
class Figure:
    """One metric with its values by labels. Labels are fixed words of the program, so nothing has to be escaped."""

    name: str
    kind: str
    help: str
    values: tuple[tuple[str, float], ...]

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.values:
            yield f"{self.name}{labels} {value:.10g}"


def metrics_text(*, now: datetime) -> str:
    """Return all metrics. If the database does not answer, its only metric is aijuu_database_up."""
    figures = [*_of_requests(), _gauge("aijuu_disk_free_bytes", "Room on the disk of DATA_DIR.", _free_bytes())]
    try:
        figures += [*_of_database(now), _gauge("aijuu_database_up", "Whether the database answers.", 1)]
    except DatabaseError:
        figures.append(_gauge("aijuu_database_up", "Whether the database answers.", 0))
    return "\n".join(line for figure in figures for line in figure.lines()) + "\n"


def _gauge(name: str, text: str, value: float) -> Figure:
    return Figure(name, "gauge", text, (("", value),))


def _free_bytes() -> int:
    return shutil.disk_usage(settings.DATA_DIR).free


def _of_requests() -> Iterator[Figure]:
    found = list(totals(metrics_folder()))
    by_status = (
        (f'{{class="{one.name}",status="{status or "other"}"}}', count)
        for one in found
        for status, count in one.by_status.items()
    )
    yield Figure("aijuu_requests_total", "counter", "Answered requests; kept: from memory.", tuple(by_status))
    name = "aijuu_request_seconds"
    parts, sums, counts = [], [], []
    for one in found:
        for bound, count in zip((*BOUNDS, "+Inf"), accumulate(one.parts), strict=True):
            parts.append((f'_bucket{{class="{one.name}",le="{bound}"}}', float(count)))
        sums.append((f'_sum{{class="{one.name}"}}', one.seconds))
        counts.append((f'_count{{class="{one.name}"}}', float(sum(one.parts))))
    yield Figure(name, "histogram", "Seconds until an answer was sent.", (*parts, *sums, *counts))


def _of_database(now: datetime) -> list[Figure]:
    mails = OutgoingMail.objects.filter(state__in=_WAITING).aggregate(number=Count("pk"), since=Min("created_at"))
    letters = Enquiry.objects.order_by().values_list("status").annotate(Count("pk"))
    jobs = JobRun.objects.values_list("name", "failures")
    beat_at = WorkerHeartbeat.objects.values_list("beat_at", flat=True).first()
    backup, proof = last_backup(now=now), last_proof(now=now)
    began_at = proof.started_at if proof else None
    failed = OutgoingMail.objects.filter(state=MailState.FAILED).count()
    return [
        _gauge("aijuu_mails_waiting", "Mails that are queued or being sent.", mails["number"]),
        _gauge("aijuu_mails_failed", "Mails that were given up.", failed),
        *_age("aijuu_oldest_mail_seconds", "Age of the oldest mail that waits.", mails["since"], now),
        *_age("aijuu_worker_heartbeat_seconds", "Age of the worker's last sign of life.", beat_at, now),
        *_age("aijuu_last_backup_seconds", "Age of the newest good backup.", backup.begun_at if backup else None, now),
        *_age("aijuu_form_proof_seconds", "Age of the last proof of the form.", began_at, now),
        *([_gauge("aijuu_form_proof_passed", "Whether it passed.", proof.has_passed)] if proof else []),
        Figure("aijuu_letters", "gauge", "Enquiries by status.", _labelled("status", letters)),
        Figure("aijuu_job_failures", "gauge", "Failures of a periodic job in a row.", _labelled("job", jobs)),
    ]


def _age(name: str, text: str, since: datetime | None, now: datetime) -> list[Figure]:
    return [_gauge(name, text, (now - since).total_seconds())] if since else []


def _labelled(label: str, values: Iterable[tuple[str, int]]) -> tuple[tuple[str, float], ...]:
    return tuple((f'{{{label}="{name}"}}', float(value)) for name, value in values)
