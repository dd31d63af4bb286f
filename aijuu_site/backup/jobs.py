"""The nightly backup. A process of its own makes it, since it may take long and the worker's jobs must not wait."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from aijuu_site.backup.removals import export_removals, forget_old_removals
from aijuu_site.backup.status import is_due, last_attempt, last_backup, latest_night
from aijuu_site.backup.work_folder import remove_leftovers
from aijuu_site.command_process import CommandProcess
from intake.jobs.runner import Job, JobContext

_running = CommandProcess(("backup", "--nightly"))


def back_up(context: JobContext) -> None:
    """Start the nightly backup when it is due, and look how it went. Raises CommandFailed."""
    # Before a failure of the last one is raised: a killed one has left an unencrypted copy.
    remove_leftovers()
    if _running.is_running(context):
        return
    if not settings.BACKUP_KEYS:
        context.undecided = False
        return
    good, begun = last_backup(now=context.now), last_attempt(now=context.now)
    if is_due(good_at=good.begun_at if good else None, begun_at=begun.begun_at if begun else None, now=context.now):
        _running.start()
    elif good is not None and good.begun_at >= latest_night(context.now):
        # Perhaps made by hand, after some that failed.
        context.undecided = False


BACKUP_JOBS = (
    Job(
        name="backup",
        title=_("Making a backup each night"),
        every=timedelta(seconds=30),
        run=back_up,
        wait=_running.wait,
        at_stop=_running.stop,
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
