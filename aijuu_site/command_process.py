"""Management commands that the worker runs in a process of their own, so that its jobs don't wait, and their stop."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from django.conf import settings

from aijuu_site.storages import StorageUnreachable
from intake.jobs.runner import JobContext

COMMAND_STOP_SECONDS = 20


class CommandFailed(Exception):
    """The command ended with an error, which its own lines in the log explain."""


@dataclass
class CommandProcess:
    """The process of one command, where one runs."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *self.arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def is_running(self, context: JobContext) -> bool:
        """Return whether it runs. Raises CommandFailed, once, where it has ended with an error.

        Only the run that sees that it has ended well is a success of the job: not the one that starts it, which would
        forget the failures before.
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
        """Wait for its end. Otherwise like is_running()."""
        if self.process is not None:
            self.process.wait()
        self.is_running(context)

    def stop(self) -> None:
        """Stop it with the worker, and wait for what it does on its way out."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(COMMAND_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextmanager
def exit_on_signal() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that is gone, raise SystemExit inside, so that everything is cleaned up.

    Main thread only.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    # Of nohup.
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        # The way out must not be interrupted by a second one.
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        stopped.append(number)
        sys.exit(128 + number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except Exception as error:
        # Code that is not Python's own (pyrage) turns a SystemExit into an error of its own.
        if stopped:
            raise SystemExit(128 + stopped[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def described(error: OSError, *, with_path: bool = True) -> str:
    """Return what failed as part of one line. The path names which of several files it was; no log may have it."""
    place = error.place if isinstance(error, StorageUnreachable) else error.filename if with_path else ""
    return f"{f'{place}: ' if place else ''}{error.strerror or error} ({type(error).__name__})"
