"""`manage.py work`: the worker beside the web server."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

from intake.jobs.runner import DatabaseUnavailable, JobRunner, registered_jobs
from intake.jobs.stopping import StopEvent, set_on_signal

logger = logging.getLogger(__name__)

POLL_SECONDS = 2
LONGEST_WAIT = 60


class Command(BaseCommand):
    help = (
        "Run the periodic jobs (mail, waiting list, pause, removal, scheduled pages, upkeep), each on its own "
        "schedule, until SIGTERM. With --once: each job once, then stop."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run each job once, due or not, and stop")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        self.stopping = StopEvent()
        runner = JobRunner(registered_jobs(), self.stopping.is_set)
        with set_on_signal(self.stopping):
            try:
                if not once:
                    self._run_until_stopped(runner)
                    return
                failed = runner.run_all()
            finally:
                runner.stop()
        if failed:
            raise CommandError(f"failed: {', '.join(job.name for job in failed)}")

    def _run_until_stopped(self, runner: JobRunner) -> None:
        wait = POLL_SECONDS
        while not self.stopping.is_set():
            try:
                runner.run_due()
            except DatabaseUnavailable as error:
                # Wait for the database. The mail queue is stored in it, so nothing is lost.
                wait = min(2 * wait, LONGEST_WAIT)
                kind = type(error.__cause__).__name__
                logger.error("the database did not answer (%s); trying again in %d s", kind, wait)
            else:
                if wait > POLL_SECONDS:
                    logger.info("the database answers again")
                wait = POLL_SECONDS
            close_old_connections()
            self.stopping.wait(wait)
