"""`manage.py work`: the worker beside the web server."""

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from home.services.pausing import settle_pause
from intake.services.delivery import deliver_next
from intake.services.pause_reminders import remind_of_pause
from intake.services.removing import remove_due
from intake.services.returning import call_due
from intake.services.silence import remind_and_close
from intake.services.upkeep import keep_list_true

logger = logging.getLogger(__name__)

POLL_SECONDS = 2
LONGEST_WAIT = 60
ROUND_SECONDS = 60
HOUSEKEEPING_SECONDS = 3600


class Command(BaseCommand):
    help = (
        "Deliver queued mail, tell and ask those on the waiting list, remind of the pause, and remove what is due, "
        "until SIGTERM. With --once: what is due now, then stop."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now and stop")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        self.stopping = threading.Event()
        if once:
            self._housekeep()
            self._go_round()
            self._deliver()
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        housekeeping_at = round_at = time.monotonic()
        wait = POLL_SECONDS
        while not self.stopping.is_set():
            try:
                if time.monotonic() >= housekeeping_at:
                    self._housekeep()
                    housekeeping_at = time.monotonic() + HOUSEKEEPING_SECONDS
                if time.monotonic() >= round_at:
                    round_at = time.monotonic() + ROUND_SECONDS
                    self._go_round()
                self._deliver()
            except DatabaseError as error:
                # A database that is away for a moment comes back; the queue is in it, so nothing is lost meanwhile.
                # Only the kind is logged: the text of a database error can quote a row.
                wait = min(2 * wait, LONGEST_WAIT)
                logger.error("the database did not answer (%s); trying again in %d s", type(error).__name__, wait)
            else:
                if wait > POLL_SECONDS:
                    logger.info("the database answers again")
                wait = POLL_SECONDS
            close_old_connections()
            self.stopping.wait(wait)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def _deliver(self) -> None:
        while not self.stopping.is_set() and deliver_next(now=timezone.now()):
            pass

    def _housekeep(self) -> None:
        removed = remove_due(now=timezone.now())
        if removed:
            logger.info("removed %d enquiries whose time had come", removed)

    def _go_round(self) -> None:
        """Do what the clock asks for beside the mail; what fails in one deed holds up no other."""
        away: Exception | None = None
        for deed in (settle_pause, remind_of_pause, call_due, remind_and_close, keep_list_true):
            if self.stopping.is_set():
                break
            try:
                deed(now=timezone.now())
            except (OperationalError, InterfaceError) as error:
                # Told once, by the caller, with the wait that follows.
                away = error
            except Exception as error:
                logger.error("%s failed: %s", deed.__name__, type(error).__name__)
        if away is not None:
            raise away
