"""The periodic jobs of the site itself: upkeep of Wagtail and Django, the nightly backup, the check for problems.

The last two run a management command in a process of its own, so that the other jobs don't wait.
"""

import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.models import DraftStateMixin, Page, Revision

from aijuu_site.backup.removals import export_removals, forget_old_removals
from aijuu_site.backup.status import is_due, last_attempt, last_backup, latest_night
from aijuu_site.backup.work_folder import remove_leftovers
from aijuu_site.kept_pages.generation import forget_old_changes
from home.images.preparation import (
    make_missing_file,
    missing_files,
    orphaned_files,
    picture_name,
    remove_orphaned_file,
    remove_unfinished_upload,
    unfinished_uploads,
)
from intake.jobs.runner import Job, JobContext
from intake.jobs.schedule import CLOCK_TOLERANCE

COMMAND_STOP_SECONDS = 20
# Revisions allow returning to an earlier version, which nobody does after a year.
REVISIONS_KEPT = timedelta(days=365)


def publish_scheduled(context: JobContext) -> None:
    """Do what Wagtail's publish_scheduled command does, but continue with the next page after an error."""
    now = context.now
    drafts = [model for model in apps.get_models() if issubclass(model, DraftStateMixin)]
    models = [Page, *(model for model in drafts if not issubclass(model, Page))]
    expired = [
        (model, pk)
        for model in models
        for pk in model._default_manager.filter(live=True, expire_at__lt=now)
        .order_by("expire_at")
        .values_list("pk", flat=True)
    ]
    due = Revision.objects.filter(approved_go_live_at__lt=now).order_by("approved_go_live_at")
    context.each([*expired, *((Revision, pk) for pk in due.values_list("pk", flat=True))], _publish_or_expire)


def _publish_or_expire(item: tuple[Any, object]) -> int:
    # Read again: the schedule may have changed since the items were listed.
    model, pk = item
    now = timezone.now()
    if model is Revision:
        revision = Revision.objects.filter(pk=pk, approved_go_live_at__lt=now).first()
        if revision is None:
            return 0
        revision.publish(log_action="wagtail.publish.scheduled")
        return 1
    expired = model._default_manager.filter(pk=pk, live=True, expire_at__lt=now).first()
    if expired is None:
        return 0
    expired.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")
    return 1


def _scheduled_name(item: tuple[Any, object]) -> str:
    """Return the name of an item of publish_scheduled(): the title of its page, or the name of its setting."""
    model, pk = item
    found = model._default_manager.filter(pk=pk).first()
    return str(getattr(found, "content_object", found) or f"#{pk}")


def purge_revisions(context: JobContext) -> None:
    """Delete revisions older than REVISIONS_KEPT, except the latest, live and scheduled ones."""
    old = Revision.objects.filter(created_at__lt=context.now - REVISIONS_KEPT, approved_go_live_at=None)
    context.each(list(old.values_list("pk", flat=True)), _purge)


def _purge(pk: int) -> int:
    revision = Revision.objects.filter(pk=pk).first()
    if revision is None or revision.is_latest_revision():
        return 0
    if getattr(revision.content_object, "live_revision_id", None) == pk:
        return 0
    revision.delete()
    return 1


def clear_sessions(context: JobContext) -> None:
    """Delete expired sessions, and those whose expiry date is too far ahead because the clock was wrong."""
    SessionStore.clear_expired()
    longest = timedelta(seconds=settings.SESSION_COOKIE_AGE) + CLOCK_TOLERANCE
    Session.objects.filter(expire_date__gt=context.now + longest).delete()
    # allauth's records of logins, which contain the network address and the browser.
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()


def _update_search_index(_context: JobContext) -> None:
    call_command("update_index", verbosity=0)


def _make_missing_pictures(context: JobContext) -> None:
    context.each(missing_files(now=context.now), make_missing_file)


def _remove_left_pictures(context: JobContext) -> None:
    context.each(orphaned_files(now=context.now), remove_orphaned_file)


def _remove_unfinished_uploads(context: JobContext) -> None:
    context.each(unfinished_uploads(now=context.now), remove_unfinished_upload)


def _forget_old_changes(_context: JobContext) -> None:
    forget_old_changes()


class CommandFailed(Exception):
    """The command exited with an error, which its own log lines explain."""


@dataclass
class CommandProcess:
    """The process of one command, if it is running."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *self.arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def is_running(self, context: JobContext) -> bool:
        """Return whether the process is running. Raises CommandFailed once if it has exited with an error.

        The job succeeds only in the run that finds a successful exit. The run that starts the command is not a success
        yet, because that would reset the count of earlier failures.
        """
        context.undecided = True
        if self.process is None:
            return False
        code = self.process.poll()
        if code is None:
            return True
        self.process = None
        if code:
            raise CommandFailed
        context.undecided = False
        return False

    def wait(self, context: JobContext) -> None:
        """Wait for the process to exit. Otherwise like is_running()."""
        if self.process is not None:
            self.process.wait()
        self.is_running(context)

    def stop(self) -> None:
        """Stop the process with the worker, and wait for its cleanup."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(COMMAND_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


_backup = CommandProcess(("backup", "--nightly"))
_look = CommandProcess(("tell_problems",))


def back_up(context: JobContext) -> None:
    """Start the nightly backup when it is due, and check the result of the last one. Raises CommandFailed."""
    # Called before CommandFailed is raised, because a backup that was killed has left an unencrypted copy.
    remove_leftovers()
    if _backup.is_running(context):
        return
    if not settings.BACKUP_KEYS:
        context.undecided = False
        return
    good, begun = last_backup(now=context.now), last_attempt(now=context.now)
    if is_due(good_at=good.begun_at if good else None, begun_at=begun.begun_at if begun else None, now=context.now):
        _backup.start()
    elif good is not None and good.begun_at >= latest_night(context.now):
        # The good backup may be a manual one, made after failed ones.
        context.undecided = False


def look_for_problems(context: JobContext) -> None:
    """Start the command when it is due, and check the result of the last run. Raises CommandFailed."""
    if _look.is_running(context):
        return
    if not settings.ALERT_EMAIL:
        context.undecided = False
        return
    _look.start()


UPKEEP_JOBS = (
    Job(
        name="publishing",
        title=_("Publishing and unpublishing pages at their time"),
        every=timedelta(minutes=1),
        run=publish_scheduled,
        item_name=_scheduled_name,
    ),
    Job(name="sessions", title=_("Forgetting old logins"), every=timedelta(days=1), run=clear_sessions),
    Job(name="revisions", title=_("Removing old versions of pages"), every=timedelta(days=1), run=purge_revisions),
    Job(
        name="search_index",
        title=_("Keeping the search of the admin up to date"),
        every=timedelta(days=7),
        run=_update_search_index,
    ),
    Job(
        name="pictures",
        title=_("Making the files of pictures"),
        every=timedelta(minutes=10),
        run=_make_missing_pictures,
        item_name=picture_name,
    ),
    Job(
        name="left_pictures",
        title=_("Removing files that belong to no picture"),
        every=timedelta(days=1),
        run=_remove_left_pictures,
    ),
    Job(
        name="unfinished_uploads",
        title=_("Removing uploads of pictures that were left unfinished"),
        every=timedelta(days=1),
        run=_remove_unfinished_uploads,
    ),
    Job(
        name="page_changes",
        title=_("Removing the records of old changes of pages"),
        every=timedelta(days=1),
        run=_forget_old_changes,
    ),
)
PERIODIC_JOBS = (
    *UPKEEP_JOBS,
    Job(
        name="backup",
        title=_("Making a backup each night"),
        every=timedelta(seconds=30),
        run=back_up,
        wait=_backup.wait,
        at_stop=_backup.stop,
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
    Job(
        name="problems",
        title=_("Telling problems of the site by mail"),
        every=timedelta(hours=1),
        run=look_for_problems,
        wait=_look.wait,
        at_stop=_look.stop,
    ),
)
