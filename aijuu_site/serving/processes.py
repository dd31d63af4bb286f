"""The supervisor of the web server and the worker, which it forks."""

import ctypes
import http.client
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from aijuu_site.settings.hosts import reachable_host

# The web server finishes its requests within five (serving.web).
STOP_SECONDS = 10.0
# When stopping takes longer than this, the terminal says why.
_TELL_AFTER = 2.0
# A worker that ran this long was healthy: the next restart delay is FIRST_WAIT again.
HEALTHY_SECONDS = 60.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
_TICK = 0.2
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_STOPPING = (signal.SIGTERM, signal.SIGINT)

_logger = logging.getLogger(__name__)
Say = Callable[[str], None]


def site_answers(host: str, port: int) -> bool:
    """Return whether /health/live answers 200."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Forked:
    """A process that runs `run` in the memory of this one, which it shares as long as neither changes it.

    In a session of its own: Ctrl-C in the terminal reaches only the supervisor. Fork only where no other threads run.
    """

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.returncode: int | None = None
        # A signal that comes before the child is ready for it waits, and is not taken by this process's handler in it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_run_forked(name, run, parent))
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def ends_by(self, deadline: float) -> bool:
        """Wait until `deadline` (time.monotonic()). Return whether the process has exited."""
        while self.poll() is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_TICK / 10)
        return True


def _run_forked(name: str, run: Callable[[], object], parent: int) -> int:
    """Run in the new process and return its exit code."""
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            # Linux terminates it when the supervisor is killed, so that it does not keep the port.
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            libc.prctl(_PR_SET_NAME, name.encode())
            if os.getppid() != parent:
                return 1
        run()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        _logger.exception("The %s failed.", name)
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


@dataclass
class Child:
    """What runs in a child process. `name` has at most 15 letters and is the process's name."""

    name: str
    run: Callable[[], object]
    # The grace period between SIGTERM and SIGKILL.
    stop_seconds: float = STOP_SECONDS
    process: Forked | None = None
    started_at: float = 0.0
    wait: float = FIRST_WAIT
    restart_at: float | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.restart_at = None
        self.process = Forked(self.name, self.run)

    def exit_code(self) -> int | None:
        """Return the exit code; None while the process runs."""
        return self.process.poll() if self.process else None

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the whole process group, also where its leader has exited."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            # All have exited, or the leader has no group of its own yet.
            if self.process.poll() is None:
                os.kill(self.process.pid, number)


@dataclass
class Supervisor:
    """Run `web` and `worker` until SIGTERM, SIGINT, or the exit of `web`.

    A worker that exits is restarted with exponential backoff. When the web server exits, everything stops with a
    failure, so that a service manager notices.
    """

    web: Child
    worker: Child
    say: Say
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, is_answering: Callable[[], bool], on_ready: Callable[[], None], ready_seconds: float = 60.0) -> int:
        """Return the exit code: 0 after a signal, 1 after a failure."""
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self.web.start()
            self.worker.start()
            if not self._wait_until_ready(is_answering, ready_seconds):
                return 0 if self._stopping.is_set() else 1
            on_ready()
            return self._watch()
        finally:
            self._end_children()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _wait_until_ready(self, is_answering: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._stopping.is_set():
            if self._web_is_gone():
                return False
            if is_answering():
                return True
            if time.monotonic() > deadline:
                self.say(f"The web server did not answer in {seconds:.0f} seconds; its messages are above.")
                return False
            self._stopping.wait(_TICK)
        return False

    def _watch(self) -> int:
        while not self._stopping.wait(_TICK):
            if self._web_is_gone():
                return 1
            self._restart_worker_if_ended()
        return 0

    def _web_is_gone(self) -> bool:
        code = self.web.exit_code()
        if code is None:
            return False
        self.say(f"The {self.web.name} ended by itself (code {code}); stopping.")
        return True

    def _restart_worker_if_ended(self) -> None:
        now = time.monotonic()
        child = self.worker
        if child.restart_at is not None:
            if now >= child.restart_at:
                child.start()
            return
        code = child.exit_code()
        if code is None:
            return
        # Its child processes must not run beside the next worker.
        child.signal_group(signal.SIGKILL)
        if now - child.started_at >= HEALTHY_SECONDS:
            child.wait = FIRST_WAIT
        self.say(f"The {child.name} ended (code {code}); starting it again in {child.wait:.0f} s.")
        child.restart_at = now + child.wait
        child.wait = min(child.wait * 2, LONGEST_WAIT)

    def _end_children(self) -> None:
        started = [(child, child.process) for child in (self.web, self.worker) if child.process is not None]
        for child, process in started:
            if process.poll() is None:
                child.signal_group(signal.SIGTERM)
        asked_at = time.monotonic()
        for child, process in started:
            if not process.ends_by(asked_at + min(_TELL_AFTER, child.stop_seconds)):
                self.say(f"The {child.name} is finishing what it does (at most {child.stop_seconds:.0f} s) …")
            if not process.ends_by(asked_at + child.stop_seconds):
                self.say(f"The {child.name} did not stop in {child.stop_seconds:.0f} seconds; killing it.")
            # Also for child processes that outlived the leader.
            child.signal_group(signal.SIGKILL)
            process.ends_by(math.inf)
