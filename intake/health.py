"""The health of worker, mail and jobs, for the dashboard and /health/ready."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from intake.choices import MailState
from intake.jobs.runner import JobRun, WorkerHeartbeat, registered_jobs
from intake.jobs.schedule import worker_is_silent
from intake.mail.models import LATE_AFTER, MailAttempt, OutgoingMail, untouched

# A single failure may be temporary; the job is retried within minutes.
_FAILURES_THAT_COUNT = 2


@dataclass(frozen=True, kw_only=True)
class FailingJob:
    """A failing job, and the names of its failing items if they may be shown."""

    name: str
    title: str | Promise
    item_names: str

    @property
    def about(self) -> str:
        """Return a sentence that names the failing items; "" if no name may be shown."""
        return _("It is about: %(names)s") % {"names": self.item_names} if self.item_names else ""


@dataclass(frozen=True, kw_only=True)
class Health:
    """`silent_since`: the last heartbeat of a silent worker. `mail_since`: when the oldest stuck mail was queued.

    Both are None if all is well.
    """

    silent_since: datetime | None
    mail_since: datetime | None
    failing: tuple[FailingJob, ...]

    @property
    def mail_stands(self) -> bool:
        return self.silent_since is not None or self.mail_since is not None


def read_health(*, now: datetime) -> Health:
    """Return the current health. If no worker ever ran (`make dev`), only a late mail is reported."""
    beat_at = WorkerHeartbeat.objects.values_list("beat_at", flat=True).first()
    rows = {row.name: row for row in JobRun.objects.all()}
    return Health(
        silent_since=beat_at if worker_is_silent(beat_at, now) else None,
        mail_since=_mail_since(now),
        failing=tuple(
            FailingJob(name=job.name, title=job.title, item_names=rows[job.name].failing_names)
            for job in registered_jobs()
            if _is_failing(rows.get(job.name))
        ),
    )


def _is_failing(row: JobRun | None) -> bool:
    return row is not None and (row.failures >= _FAILURES_THAT_COUNT or row.failing_items > 0)


def _mail_since(now: datetime) -> datetime | None:
    """Return when the oldest stuck mail was queued; None if no mail is stuck.

    A mail is stuck if no worker tries it. While the mail server is unavailable, a failed mail older than LATE_AFTER is
    stuck too. A mail that the server refused is not stuck for that reason alone: a mistyped address can cause that.
    """
    mails = OutgoingMail.objects.filter(untouched(now))
    latest = MailAttempt.objects.filter(attempted_at__lte=now).order_by("-attempted_at", "-pk").first()
    if latest is not None and latest.server_unavailable:
        waiting = OutgoingMail.objects.filter(state=MailState.QUEUED, failures__gt=0, created_at__lt=now - LATE_AFTER)
        mails = mails | waiting
    # Repeats the states outside the alternatives, so that the database finds the unsent mails by the index.
    mails = mails.filter(state__in=(MailState.QUEUED, MailState.SENDING))
    since: datetime | None = mails.aggregate(since=Min("created_at"))["since"]
    return since
