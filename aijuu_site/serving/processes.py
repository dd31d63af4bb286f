"""The supervisor of the web server and the worker, which it forks."""

import ctypes
import http.client
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aijuu_site.settings.hosts import reachable_host
from intake.jobs.stopping import StopEvent, set_on_signal

# The web server finishes its requests within five seconds (serving.web).
STOP_SECONDS = 10.0
# If stopping takes longer than this, the terminal shows why.
_TELL_AFTER = 2.0
# A process that ran this long was healthy: the next restart delay is FIRST_WAIT again.
HEALTHY_SECONDS = 60.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
# If the web server still exits after waits of up to this, forking it again does not help.
_LONGEST_WEB_WAIT = 8.0
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
    """A process that runs `run` in a fork of this one. Both share memory until one of them modifies it.

    It has a session of its own, so that Ctrl-C in the terminal reaches only the supervisor. Fork only where no other
    threads run.
    """

    def __init__(self, name: str, run: Callable[[], object]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.returncode: int | None = None
        # A signal that arrives before the child is ready stays pending; the child must not run this process's handler.
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

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the whole process group, even if its leader has exited."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            # All have exited, or the leader has no group of its own yet.
            if self.poll() is None:
                os.kill(self.pid, number)

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
            # Linux terminates this process when the supervisor is killed, so that it does not keep the port.
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
    """A child process and its restarts. `name` has at most 15 letters and is the process's name."""

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

    def next_wait(self, now: float) -> float:
        """Return how long to wait before the next start of a process that has ended."""
        return FIRST_WAIT if now - self.started_at >= HEALTHY_SECONDS else self.wait


@dataclass
class Supervisor:
    """Run `web` and `worker` until SIGTERM or SIGINT.

    A process that exits is restarted with exponential backoff. If the web server never answers at the start, or exits
    again and again, everything stops with a failure, so that a service manager starts it again.
    """

    web: Child
    worker: Child
    say: Say
    # The socket that `web` listens on. It stays open here, so that clients wait during a restart and are not refused.
    listener: socket.socket | None = None
    _stopping: StopEvent = field(default_factory=StopEvent)
    # Process groups whose leader has exited, and until when they may finish.
    _leaving: list[tuple[Forked, float]] = field(default_factory=list)

    def run(self, is_answering: Callable[[], bool], on_ready: Callable[[], None], ready_seconds: float = 60.0) -> int:
        """Return the exit code: 0 after a signal, 1 after a failure."""
        with set_on_signal(self._stopping):
            try:
                self.web.start()
                self.worker.start()
                if not self._wait_until_ready(is_answering, ready_seconds):
                    return 0 if self._stopping.is_set() else 1
                on_ready()
                return self._watch()
            finally:
                self._end_children()

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
            if self._web_keeps_ending():
                return 1
            self._restart_if_ended(self.web)
            self._restart_if_ended(self.worker)
            self._kill_leaving(time.monotonic())
        return 0

    def _web_is_gone(self) -> bool:
        code = self.web.exit_code()
        if code is None:
            return False
        self.say(f"The {self.web.name} ended by itself (code {code}); stopping.")
        return True

    def _web_keeps_ending(self) -> bool:
        has_ended = self.web.restart_at is None and self.web.exit_code() is not None
        return has_ended and self.web.next_wait(time.monotonic()) > _LONGEST_WEB_WAIT and self._web_is_gone()

    def _restart_if_ended(self, child: Child) -> None:
        now = time.monotonic()
        if child.restart_at is not None:
            if now >= child.restart_at:
                child.start()
            return
        code = child.exit_code()
        if code is None or child.process is None:
            return
        if child is self.web:
            # The processes that it has started finish their requests and accept no new ones.
            child.process.signal_group(signal.SIGTERM)
            self._leaving.append((child.process, now + child.stop_seconds))
        else:
            # The processes that it has started must not run beside the next worker.
            child.process.signal_group(signal.SIGKILL)
        child.wait = child.next_wait(now)
        self.say(f"The {child.name} ended (code {code}); starting it again in {child.wait:.0f} s.")
        child.restart_at = now + child.wait
        child.wait = min(child.wait * 2, LONGEST_WAIT)

    def _kill_leaving(self, until: float) -> None:
        for process, deadline in self._leaving:
            if deadline <= until:
                process.signal_group(signal.SIGKILL)
        self._leaving = [(process, deadline) for process, deadline in self._leaving if deadline > until]

    def _end_children(self) -> None:
        if self.listener is not None:
            self.listener.close()
        started = [(child, child.process) for child in (self.web, self.worker) if child.process is not None]
        for _child, process in started:
            if process.poll() is None:
                process.signal_group(signal.SIGTERM)
        asked_at = time.monotonic()
        for child, process in started:
            if not process.ends_by(asked_at + min(_TELL_AFTER, child.stop_seconds)):
                self.say(f"The {child.name} is finishing what it does (at most {child.stop_seconds:.0f} s) …")
            if not process.ends_by(asked_at + child.stop_seconds):
                self.say(f"The {child.name} did not stop in {child.stop_seconds:.0f} seconds; killing it.")
            # Even if the leader has exited: child processes may have outlived it.
            process.signal_group(signal.SIGKILL)
            process.ends_by(math.inf)
        self._kill_leaving(math.inf)
