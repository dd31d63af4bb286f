"""The supervisor of the web server and the worker: `manage.py serve` becomes it after the preparations.

It imports neither Django nor anything of ours, since it stays in memory beside them.
"""

import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from types import FrameType
from typing import NoReturn

# The web server finishes its requests within five (serving.web).
STOP_SECONDS = 10.0
# When stopping takes longer than this, the terminal says why.
_TELL_AFTER = 2.0
# A worker that ran this long was healthy: the next restart delay is FIRST_WAIT again.
HEALTHY_SECONDS = 60.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
_TICK = 0.2
_PR_SET_PDEATHSIG = 1

Say = Callable[[str], None]


def reachable_host(host: str) -> str:
    """Return the local address of a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def site_answers(host: str, port: int) -> bool:
    """Return whether /healthz/live/ answers 200."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz/live/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the supervisor runs. `ready_lines` are printed once the site answers at `host`:`port`."""

    host: str
    port: int
    web: list[str]
    worker: list[str]
    worker_stop_seconds: float
    ready_lines: list[str]

    def become(self) -> NoReturn:
        """Replace this program by the supervisor. The process and its open locks stay."""
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, __file__, json.dumps(asdict(self))])  # noqa: S606


def _die_with_parent() -> None:
    """Runs in the child: let Linux terminate it when the supervisor is killed, so that it does not keep the port."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A child process in its own session: Ctrl-C in the terminal reaches only the supervisor."""

    name: str
    command: Sequence[str]
    # The grace period between SIGTERM and SIGKILL.
    stop_seconds: float = STOP_SECONDS
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait: float = FIRST_WAIT
    restart_at: float | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.restart_at = None
        self.process = subprocess.Popen(
            list(self.command),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )

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
            return


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
            if not _ends_by(process, asked_at + min(_TELL_AFTER, child.stop_seconds)):
                self.say(f"The {child.name} is finishing what it does (at most {child.stop_seconds:.0f} s) …")
            if not _ends_by(process, asked_at + child.stop_seconds):
                self.say(f"The {child.name} did not stop in {child.stop_seconds:.0f} seconds; killing it.")
            # Also for child processes that outlived the leader.
            child.signal_group(signal.SIGKILL)
            process.wait()


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait until `deadline` (time.monotonic()). Return whether the process has exited."""
    try:
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _say(line: str) -> None:
    print(line, flush=True)


def main(plan: Plan) -> int:
    """Run `plan` and return the exit code."""
    supervisor = Supervisor(
        web=Child("web server", plan.web),
        worker=Child("worker", plan.worker, stop_seconds=plan.worker_stop_seconds),
        say=_say,
    )
    code = supervisor.run(
        is_answering=partial(site_answers, plan.host, plan.port),
        on_ready=partial(_say, "\n".join(plan.ready_lines)),
    )
    _say("Stopped.")
    return code


if __name__ == "__main__":
    sys.exit(main(Plan(**json.loads(sys.argv[1]))))
