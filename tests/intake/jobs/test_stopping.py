"""A signal stops a waiting process, whenever the signal arrives."""

import os
import signal
import subprocess
import sys
import time

from aijuu_site.serving.processes import Child, Supervisor
from aijuu_site.serving.web import make_server
from intake.jobs.stopping import StopEvent, set_on_signal

# Thousands of signals, each at a different moment of a wait.
_STORM = """
import signal
from {module} import {name} as Event
event = Event()
signal.signal(signal.SIGALRM, lambda _number, _frame: event.set())
for number in range(5_000):
    event.clear()
    signal.setitimer(signal.ITIMER_REAL, 0.000001 * (1 + number % 50))
    while not event.wait(0):
        pass
"""


def _survives(module: str, name: str) -> bool:
    program = [sys.executable, "-c", _STORM.format(module=module, name=name)]
    try:
        return subprocess.run(program, timeout=30, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def test_signal_at_any_moment_sets_the_event() -> None:
    assert _survives("intake.jobs.stopping", "StopEvent")


def test_supervisor_and_web_server_use_stop_event() -> None:
    """threading.Event could hang for ever at a stop, so both must use StopEvent. mypy checks the worker's."""
    child = Child("nothing", lambda: None)
    assert isinstance(Supervisor(web=child, worker=child, say=print)._stopping, StopEvent)
    assert isinstance(make_server("127.0.0.1", 0, 1).main_loop_interrupt, StopEvent)


def test_signal_ends_wait_and_restores_handlers() -> None:
    stopping = StopEvent()
    before = signal.getsignal(signal.SIGTERM)
    with set_on_signal(stopping):
        assert not stopping.wait(0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.wait(30)
    assert signal.getsignal(signal.SIGTERM) is before
    # The event stays set.
    assert stopping.wait(0)
    assert stopping.wait(30)
    assert stopping.is_set()


def test_signal_during_the_wait_ends_it() -> None:
    stopping = StopEvent()
    with set_on_signal(stopping):
        killer = subprocess.Popen([sys.executable, "-c", f"import os; os.kill({os.getpid()}, {int(signal.SIGINT)})"])
        began = time.monotonic()
        assert stopping.wait(60)
        assert time.monotonic() - began < 59
        killer.wait()


def test_set_after_clear_is_not_missed() -> None:
    stopping = StopEvent()
    stopping.set()
    stopping.clear()
    assert not stopping.is_set()
    # At most one wait returns early.
    assert not stopping.wait(0)
    stopping.set()
    assert stopping.wait(30)
