"""The periodic jobs of this app: mail, the pause, the waiting list and removal."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from home.services.pausing import settle_pause
from intake.jobs.context import JobContext
from intake.jobs.running import Job
from intake.services.clock import begin_anew_what_lies_ahead
from intake.services.delivery import deliver_due
from intake.services.mapping import remove_unfinished
from intake.services.pause_reminders import remind_of_pause
from intake.services.removing import empty_write_ahead_log, forget_traces, remove_due
from intake.services.returning import call_due
from intake.services.shortening import shorten_stored
from intake.services.silence import remind_and_close
from intake.services.upkeep import keep_list_true

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def deliver_mail(context: JobContext) -> None:
    """Try the mails that are due, the one that has been due longest first."""
    deliver_due(must_stop=context.must_stop)


INTAKE_JOBS = (
    Job(name="delivery", title=_("Sending mail"), every=timedelta(seconds=2), run=deliver_mail),
    Job(
        name="pause",
        title=_("Ending a pause that opens by itself"),
        every=_MINUTE,
        run=lambda context: settle_pause(now=context.now),
    ),
    Job(
        name="pause_reminders",
        title=_("Reminders of the pause"),
        every=_MINUTE,
        run=lambda context: remind_of_pause(now=context.now),
    ),
    Job(
        name="return_notices",
        title=_("Telling the waiting list of the return"),
        every=_MINUTE,
        run=lambda context: call_due(now=context.now),
    ),
    Job(
        name="return_reminders",
        title=_("Reminding and closing those who were told of the return"),
        every=_MINUTE,
        run=lambda context: remind_and_close(now=context.now, each=context.each),
    ),
    Job(
        name="waiting_list",
        title=_("Asking those on the waiting list whether they still wait"),
        every=_MINUTE,
        run=lambda context: keep_list_true(now=context.now, each=context.each),
    ),
    Job(
        name="removal",
        title=_("Removing enquiries whose time has come"),
        every=_HOUR,
        run=lambda context: remove_due(now=context.now, each=context.each),
    ),
    Job(
        name="shorter_times",
        title=_("Shortening the times of keeping as they are set"),
        every=_HOUR,
        run=lambda context: shorten_stored(now=context.now),
    ),
    Job(
        name="mapping_removal",
        title=_("Removing initial mappings that were never sent"),
        every=_HOUR,
        run=lambda context: remove_unfinished(now=context.now, each=context.each),
    ),
    Job(
        name="clock",
        title=_("Setting right what a wrong clock has left"),
        every=_HOUR,
        run=lambda context: begin_anew_what_lies_ahead(now=context.now),
    ),
    Job(
        name="write_ahead_log",
        title=_("Overwriting removed words on the disk"),
        every=timedelta(minutes=10),
        run=lambda context: empty_write_ahead_log(),
    ),
    Job(
        name="traces",
        title=_("Forgetting the traces of posts"),
        every=_HOUR,
        run=lambda context: forget_traces(now=context.now),
    ),
)
