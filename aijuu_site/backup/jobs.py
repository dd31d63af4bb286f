"""The nightly backup. A process of its own makes it, since it may take long and the worker's jobs must not wait."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from aijuu_site.backup.models import Backup
from aijuu_site.backup.removals import export_removals, forget_old_removals
from aijuu_site.backup.status import is_due, last_backup
from aijuu_site.backup.work_folder import remove_leftovers
from intake.jobs.runner import Job, JobContext

_STOP_SECONDS = 20


class BackupFailed(Exception):
    """The process that made the backup ended with an error, which its own lines in the log explain."""


@dataclass
class _Running:
    """The process that makes a backup, where there is one."""

    process: subprocess.Popen[bytes] | None = None
    is_stopping: Callable[[], bool] = lambda: False

    def start(self, is_stopping: Callable[[], bool]) -> None:
        self.is_stopping = is_stopping
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "backup", "--nightly"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def result(self) -> int | None:
        """Return the exit code once it has ended, and forget the process; None while it runs."""
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
        return code

    def end(self) -> None:
        """Stop it with the worker, so that it can remove what lies unencrypted. `work --once` waits for it."""
        if self.process is None:
            return
        if not self.is_stopping():
            self.process.wait()
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


_running = _Running()


def back_up(context: JobContext) -> None:
    """Start the nightly backup when it is due, and look how it went. Raises BackupFailed."""
    if _running.process is not None:
        if _running.result():
            raise BackupFailed
        return
    remove_leftovers()
    if not settings.BACKUP_KEYS:
        return
    good = last_backup(now=context.now)
    begun = Backup.objects.order_by("-begun_at").first()
    if is_due(good_at=good.begun_at if good else None, begun_at=begun.begun_at if begun else None, now=context.now):
        _running.start(context.is_stopping)


BACKUP_JOBS = (
    Job(
        name="backup",
        title=_("Making a backup each night"),
        every=timedelta(seconds=30),
        run=back_up,
        at_stop=_running.end,
    ),
    Job(
        name="removal_records",
        title=_("Recording removals beside the backups"),
        every=timedelta(seconds=10),
        run=lambda context: export_removals(now=context.now),
    ),
    Job(
        name="old_removal_records",
        title=_("Forgetting old records of removals"),
        every=timedelta(days=1),
        run=lambda context: forget_old_removals(now=context.now),
    ),
)
