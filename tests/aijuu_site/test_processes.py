"""Web server and worker under one supervisor: signals, restarts, and what ends all of it."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from aijuu_site.serving import start
from aijuu_site.serving.processes import Child, Forked, Supervisor, site_answers

Run = Callable[[], object]


def sleep() -> None:
    time.sleep(600)


def supervised(web: Run, worker: Run, said: list[str]) -> Supervisor:
    return Supervisor(web=Child("web server", web), worker=Child("worker", worker), say=said.append)


def assert_gone(child: Child) -> None:
    assert child.process is not None
    assert child.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(child.process.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_both_processes_with_exit_0(number: signal.Signals) -> None:
    supervisor = supervised(sleep, sleep, [])
    code = supervisor.run(is_answering=lambda: True, on_ready=lambda: signal.raise_signal(number))
    assert code == 0
    assert_gone(supervisor.web)
    assert_gone(supervisor.worker)


def test_process_ignoring_sigterm_is_killed() -> None:
    def ignore() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleep()

    said: list[str] = []
    supervisor = supervised(sleep, ignore, said)
    supervisor.worker.stop_seconds = 0.5
    # Long enough for it to have become deaf.
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert_gone(supervisor.worker)
    assert any("killing" in line for line in said)


def test_worker_gets_grace_period_on_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes._TELL_AFTER", 0.2)

    def finish_first() -> None:
        def finish(*_signal: object) -> None:
            time.sleep(1)
            sys.exit(0)

        signal.signal(signal.SIGTERM, finish)
        sleep()

    said: list[str] = []
    supervisor = supervised(sleep, finish_first, said)
    supervisor.worker.stop_seconds = 20
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert supervisor.worker.exit_code() == 0
    assert said == ["The worker is finishing what it does (at most 20 s) …"]


def test_worker_stop_time_exceeds_mail_timeout() -> None:
    assert start.WORKER_STOP_SECONDS > settings.EMAIL_TIMEOUT


@pytest.mark.parametrize(
    ("run", "code"),
    [(lambda: None, 0), (lambda: sys.exit(3), 3), (lambda: sys.exit("A wrong setting."), 1), (lambda: 1 / 0, 1)],
)
def test_forked_process_ends_with_the_code_of_its_function(run: Run, code: int) -> None:
    process = Forked("child", run)
    assert process.ends_by(time.monotonic() + 10)
    assert process.poll() == code


def test_forked_process_goes_with_the_supervisor(tmp_path: Path) -> None:
    """Killed so that it can end nothing itself."""
    pid_file = tmp_path / "pid"

    def supervise() -> None:
        child = Forked("child", sleep)
        pid_file.write_text(str(child.pid))
        sleep()

    supervisor = Forked("supervisor", supervise)
    deadline = time.monotonic() + 10
    while not (pid_file.exists() and pid_file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int(pid_file.read_text())
    assert Path(f"/proc/{child}").exists()
    os.kill(supervisor.pid, signal.SIGKILL)
    assert supervisor.ends_by(time.monotonic() + 10)
    # Whoever takes it over may not have read its exit code: then it is a zombie.
    while Path(f"/proc/{child}").exists() and "Z (zombie)" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_web_server_exit_stops_worker_and_fails() -> None:
    said: list[str] = []
    supervisor = supervised(lambda: sys.exit(3), sleep, said)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None) == 1
    assert any("web server ended" in line and "3" in line for line in said)
    assert_gone(supervisor.worker)


def test_start_fails_without_web_server_answer() -> None:
    said: list[str] = []
    supervisor = supervised(sleep, sleep, said)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None, ready_seconds=0.5) == 1
    assert any("did not answer" in line for line in said)
    assert_gone(supervisor.web)


def test_worker_restarts_with_backoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes.FIRST_WAIT", 0.1)
    starts = tmp_path / "starts"

    def worker() -> None:
        with starts.open("a") as file:
            file.write("x")
        sys.exit(9)

    said: list[str] = []
    supervisor = supervised(sleep, worker, said)
    supervisor.worker.wait = 0.1

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            signal.raise_signal(signal.SIGTERM)

    supervisor.say = say
    assert supervisor.run(is_answering=lambda: True, on_ready=lambda: None) == 0
    assert starts.read_text() == "xxx"
    assert supervisor.worker.wait == pytest.approx(0.8)
    assert all("worker ended (code 9)" in line for line in said)


def test_nothing_answers_where_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert site_answers("127.0.0.1", port) is False
