"""The figures in the text format of Prometheus 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats)."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Min

from aijuu_site.backup.status import last_backup
from aijuu_site.metrics.counters import BOUNDS, metrics_folder, totals
from intake.choices import MailState
from intake.enquiry.models import Enquiry
from intake.jobs.runner import JobRun, WorkerHeartbeat
from intake.mail.models import OutgoingMail
from intake.proof import last_proof

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WAITING = (MailState.QUEUED, MailState.SENDING)


@dataclass(frozen=True)
class Figure:
    """One figure with its values by labels. Labels are words of the program, so nothing has to be escaped."""

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
    """Return all figures; of the database only whether it answers where it does not."""
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
