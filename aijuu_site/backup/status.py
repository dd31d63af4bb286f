"""Whether there is a good backup, for the dashboard, the health check and the digest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from wagtail import hooks
from wagtail.admin.ui.components import Component

from aijuu_site.models import Backup
from intake.enquiry.models import may_see
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future

# How long a backup is kept. The removals are kept longer, so that any kept backup can be restored.
KEPT = timedelta(days=30)
REMOVALS_KEPT = timedelta(days=35)
LATE_AFTER = timedelta(days=2)
_RETRY_AFTER = timedelta(hours=1)
_CALENDAR = ZoneInfo("Europe/Helsinki")
_NIGHT_HOUR, _NIGHT_MINUTE = 3, 20


@dataclass(frozen=True, kw_only=True)
class BackupStatus:
    """`last`: the newest good backup. `is_late`: backups are set up, and none has succeeded for LATE_AFTER."""

    is_set_up: bool
    last: Backup | None
    is_late: bool


def last_attempt(*, now: datetime) -> Backup | None:
    """Return the backup that was begun last, good or not; None where there is none. Ignores those from the future."""
    return Backup.objects.filter(begun_at__lte=now + CLOCK_TOLERANCE).order_by("-begun_at").first()


def last_backup(*, now: datetime) -> Backup | None:
    """Return the newest backup that was made and checked; None where there is none. Ignores those from the future."""
    latest = now + CLOCK_TOLERANCE
    return Backup.objects.filter(begun_at__lte=latest, checked_at__lte=latest).order_by("-begun_at").first()


def backup_status(*, now: datetime) -> BackupStatus:
    """Return the status. If no backup has ever succeeded, lateness counts from the first attempt."""
    is_set_up, last = bool(settings.BACKUP_KEYS), last_backup(now=now)
    since = last.begun_at if last else Backup.objects.order_by("begun_at").values_list("begun_at", flat=True).first()
    return BackupStatus(is_set_up=is_set_up, last=last, is_late=is_set_up and _is_late(since, now))


def _is_late(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since > LATE_AFTER


def latest_night(now: datetime) -> datetime:
    """Return the latest time before `now` at which a nightly backup was due."""
    local = now.astimezone(_CALENDAR)
    tonight = local.replace(hour=_NIGHT_HOUR, minute=_NIGHT_MINUTE, second=0, microsecond=0)
    return tonight if tonight <= local else tonight - timedelta(days=1)


def is_due(*, good_at: datetime | None, begun_at: datetime | None, now: datetime) -> bool:
    """Return whether to begin a backup. `good_at`: when the last good one began; `begun_at`: when any last began.

    A backup is due each night, at once if there is none, and an hour after a failed attempt.
    """
    if good_at is not None and good_at >= latest_night(now) and not is_from_future(good_at, now):
        return False
    return begun_at is None or is_from_future(begun_at, now) or now - begun_at >= _RETRY_AFTER


def may_delete_old(*, previous: datetime | None, now: datetime) -> bool:
    """Return whether old backups may be deleted: not if the last good one is much older than one night.

    In that case the clock may have jumped ahead, which makes every backup look old.
    """
    return previous is not None and now - previous < timedelta(days=10)


class BackupPanel(Component):
    """One sentence for users who may see enquiries; for superusers only, if backups are not set up."""

    name = "backup"
    template_name = "backup/dashboard.html"
    order = 60

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        return {"status": backup_status(now=timezone.now())}


@hooks.register("construct_homepage_panels")
def add_backup_panel(request: HttpRequest, panels: list[Component]) -> None:
    user = request.user
    if user.is_superuser or (may_see(user) and backup_status(now=timezone.now()).is_set_up):  # type: ignore[union-attr]
        panels.append(BackupPanel())
