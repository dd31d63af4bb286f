"""The hourly look for problems. A process of its own does it: it waits for the network, and needs much memory."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from aijuu_site.command_process import CommandProcess
from aijuu_site.problems.rules import CHECKED_EVERY
from intake.jobs.runner import Job, JobContext

_running = CommandProcess(("tell_problems",))


def look_for_problems(context: JobContext) -> None:
    """Start the command when it is due, and see how the last one went. Raises CommandFailed."""
    if _running.is_running(context):
        return
    if not settings.ALERT_EMAIL:
        context.undecided = False
        return
    _running.start()


PROBLEM_JOBS = (
    Job(
        name="problems",
        title=_("Telling problems of the site by mail"),
        every=CHECKED_EVERY,
        run=look_for_problems,
        wait=_running.wait,
        at_stop=_running.stop,
    ),
)
