"""Whether the worker, the mail and the jobs are well: read by the dashboard and by /healthz/."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min
from django.utils.functional import Promise

from intake.choices import MailState
from intake.jobs.running import registered_jobs
from intake.jobs.schedule import worker_is_silent
from intake.mail_lateness import LATE_AFTER, untouched
from intake.models.jobs import JobRun, WorkerHeartbeat
from intake.models.outgoing_mail import MailAttempt, OutgoingMail

# One failure may be a moment's; it is tried again within minutes.
_FAILURES_THAT_COUNT = 2


@dataclass(frozen=True, kw_only=True)
class FailingJob:
    """What does not succeed, and the names of the items that fail, where they may be told."""

    title: str | Promise
    item_names: str


@dataclass(frozen=True, kw_only=True)
class Health:
    """`silent_since` is the worker's last sign of life where it is silent; `mail_since` the time since which the oldest
    standing mail waits, None where no mail stands."""

    silent_since: datetime | None
    mail_since: datetime | None
    failing: tuple[FailingJob, ...]

    @property
    def mail_stands(self) -> bool:
        return self.silent_since is not None or self.mail_since is not None


def read_health(*, now: datetime) -> Health:
    """Return how things stand now. Where no worker ever ran (`make dev`), none is missed until a mail is late."""
    beat_at = WorkerHeartbeat.objects.values_list("beat_at", flat=True).first()
    rows = {row.name: row for row in JobRun.objects.all()}
    return Health(
        silent_since=beat_at if worker_is_silent(beat_at, now) else None,
        mail_since=_mail_since(now),
        failing=tuple(
            FailingJob(title=job.title, item_names=rows[job.name].failing_names)
            for job in registered_jobs()
            if _is_failing(rows.get(job.name))
        ),
    )


def _is_failing(row: JobRun | None) -> bool:
    return row is not None and (row.failures >= _FAILURES_THAT_COUNT or row.failing_items > 0)


def _mail_since(now: datetime) -> datetime | None:
    """Return since when mail stands: what nobody looks after, or what waits for a server that takes no mail at all.

    A mail that a server has refused is that mail's own trouble: anybody can cause it by a mistyped address.
    """
    mails = OutgoingMail.objects.filter(untouched(now))
    latest = MailAttempt.objects.filter(attempted_at__lte=now).order_by("-attempted_at", "-pk").first()
    if latest is not None and latest.server_away:
        waiting = OutgoingMail.objects.filter(state=MailState.QUEUED, failures__gt=0, created_at__lt=now - LATE_AFTER)
        mails = mails | waiting
    since: datetime | None = mails.aggregate(since=Min("created_at"))["since"]
    return since
