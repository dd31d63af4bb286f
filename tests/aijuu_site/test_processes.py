"""Web server and worker under one supervisor: signals, restarts, and what ends all processes."""

import errno
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from aijuu_site.periodic_jobs import COMMAND_STOP_SECONDS
from aijuu_site.serving import start
from aijuu_site.serving.processes import Child, Forked, Supervisor, site_answers
from intake.mail.delivery import attempt_seconds
from tests.tools.running_site import ROOT

Run = Callable[[], object]


def sleep() -> None:
    time.sleep(600)


def supervised(web: Run, worker: Run, lines: list[str]) -> Supervisor:
    return Supervisor(web=Child("web server", web), worker=Child("worker", worker), say=lines.append)


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

    lines: list[str] = []
    supervisor = supervised(sleep, ignore, lines)
    supervisor.worker.stop_seconds = 0.5
    # By then the worker ignores SIGTERM.
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert_gone(supervisor.worker)
    assert any("killing" in line for line in lines)


def test_worker_gets_grace_period_on_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes._TELL_AFTER", 0.2)

    def finish_first() -> None:
        def finish(*_signal: object) -> None:
            time.sleep(1)
            sys.exit(0)

        signal.signal(signal.SIGTERM, finish)
        sleep()

    lines: list[str] = []
    supervisor = supervised(sleep, finish_first, lines)
    supervisor.worker.stop_seconds = 20
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert supervisor.worker.exit_code() == 0
    assert lines == ["The worker is finishing what it does (at most 20 s) …"]


def test_worker_stop_timeouts_are_consistent() -> None:
    assert attempt_seconds() + COMMAND_STOP_SECONDS < start.WORKER_STOP_SECONDS
    # After this time systemd kills the remaining processes.
    [patience] = re.findall(r"^TimeoutStopSec=(\d+)$", (ROOT / "deploy" / "aijuu.service").read_text(), re.MULTILINE)
    assert int(patience) > start.WORKER_STOP_SECONDS


@pytest.mark.parametrize(
    ("run", "code"),
    [(lambda: None, 0), (lambda: sys.exit(3), 3), (lambda: sys.exit("A wrong setting."), 1), (lambda: 1 / 0, 1)],
)
def test_forked_process_exit_code(run: Run, code: int) -> None:
    process = Forked("child", run)
    assert process.ends_by(time.monotonic() + 10)
    assert process.poll() == code


def test_forked_process_ends_with_killed_supervisor(tmp_path: Path) -> None:
    """SIGKILL leaves the supervisor no chance to end its child."""
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
    # The process that adopts the child may not have read its exit code; then it stays as a zombie.
    while Path(f"/proc/{child}").exists() and "Z (zombie)" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_web_server_exit_stops_worker_and_fails() -> None:
    lines: list[str] = []
    supervisor = supervised(lambda: sys.exit(3), sleep, lines)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: lines.append("ready")) == 1
    # A web server that fails at the start is not restarted.
    [line] = lines
    assert "web server ended" in line
    assert "3" in line
    assert_gone(supervisor.worker)


def test_start_fails_without_web_server_answer() -> None:
    lines: list[str] = []
    supervisor = supervised(sleep, sleep, lines)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None, ready_seconds=0.5) == 1
    assert any("did not answer" in line for line in lines)
    assert_gone(supervisor.web)


def test_worker_restarts_with_backoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes.FIRST_WAIT", 0.1)
    starts = tmp_path / "starts"

    def worker() -> None:
        with starts.open("a") as file:
            file.write("x")
        sys.exit(9)

    lines: list[str] = []
    supervisor = supervised(sleep, worker, lines)
    supervisor.worker.wait = 0.1

    def say(line: str) -> None:
        lines.append(line)
        if len(lines) == 3:
            signal.raise_signal(signal.SIGTERM)

    supervisor.say = say
    assert supervisor.run(is_answering=lambda: True, on_ready=lambda: None) == 0
    assert starts.read_text() == "xxx"
    assert supervisor.worker.wait == pytest.approx(0.8)
    assert all("worker ended (code 9)" in line for line in lines)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def answering(listener: socket.socket, pids: Path) -> Callable[[], None]:
    """Return a web server that appends its pid to the file `pids` at its start, and answers each connection with it."""

    def run() -> None:
        with pids.open("a") as file:
            file.write(f"{os.getpid()}\n")
        while True:
            connection, _address = listener.accept()
            connection.sendall(str(os.getpid()).encode())
            connection.close()

    return run


def test_killed_web_server_restarts_without_refusing_visitors(
    tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes.FIRST_WAIT", 0.3)
    pids, answers, lines = tmp_path / "pids", list[int](), list[str]()
    supervisor = supervised(answering(listener, pids), sleep, lines)
    supervisor.web.wait = 0.3
    supervisor.listener = listener
    address = listener.getsockname()

    def visit() -> None:
        try:
            for _visitor in range(2):
                with socket.create_connection(address, 30) as visitor:
                    answers.append(int(visitor.recv(100)))
                if len(answers) == 1:
                    os.kill(answers[0], signal.SIGKILL)
                    # Until it has ended it can accept a connection. The supervisor may have reaped it already.
                    with suppress(ChildProcessError):
                        os.waitid(os.P_PID, answers[0], os.WEXITED | os.WNOWAIT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    visitors = threading.Thread(target=visit)
    assert supervisor.run(is_answering=lambda: True, on_ready=visitors.start) == 0
    visitors.join(30)
    assert [str(pid) for pid in answers] == pids.read_text().split()
    assert len(set(answers)) == 2
    assert lines == ["The web server ended (code -9); starting it again in 0 s."]
    assert_gone(supervisor.web)


@pytest.mark.parametrize("has_time", [True, False])
def test_children_of_killed_web_server_may_finish(tmp_path: Path, has_time: bool) -> None:
    began, finished = tmp_path / "began", tmp_path / "finished"

    def answer_slowly() -> None:
        def finish(*_signal: object) -> None:
            time.sleep(1)
            finished.touch()
            os._exit(0)

        signal.signal(signal.SIGTERM, finish)
        began.touch()
        sleep()

    def web() -> None:
        if not began.exists() and os.fork() == 0:
            answer_slowly()
        sleep()

    def kill() -> None:
        deadline = time.monotonic() + 30
        while not began.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process = supervisor.web.process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        while time.monotonic() < deadline and not (finished.exists() if has_time else group_is_gone(process.pid)):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    supervisor = supervised(web, sleep, [])
    supervisor.web.stop_seconds = 20 if has_time else 0.3
    assert supervisor.run(is_answering=lambda: True, on_ready=threading.Thread(target=kill).start) == 0
    assert finished.exists() == has_time


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_repeatedly_ending_web_server_stops_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes._LONGEST_WEB_WAIT", 0.2)
    lines: list[str] = []
    supervisor = supervised(lambda: sys.exit(3), sleep, lines)
    supervisor.web.wait = 0.1
    supervisor._wait_until_ready = lambda *_arguments: True  # type: ignore[method-assign]
    assert supervisor.run(is_answering=lambda: True, on_ready=lambda: None) == 1
    assert [line.partition(";")[0] for line in lines] == [
        "The web server ended (code 3)",
        "The web server ended (code 3)",
        "The web server ended by itself (code 3)",
    ]
    assert_gone(supervisor.worker)


def test_connections_are_refused_while_worker_finishes(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy retries a refused connection. A request on an accepted one would be lost."""
    address = listener.getsockname()
    refused: list[bool] = []

    def finish_slowly(_command: str) -> None:
        signal.signal(signal.SIGTERM, lambda *_signal: None)
        sleep()

    def ask(line: str) -> None:
        if "worker is finishing" in line:
            with socket.socket() as visitor:
                refused.append(visitor.connect_ex(address) == errno.ECONNREFUSED)

    monkeypatch.setattr("aijuu_site.serving.processes._TELL_AFTER", 0.5)
    monkeypatch.setattr(start, "call_command", finish_slowly)
    supervisor = Supervisor(
        web=Child("web server", sleep),
        worker=Child("worker", partial(start._work, listener), stop_seconds=1.5),
        say=ask,
        listener=listener,
    )
    stop = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert refused == [True]


def test_site_answers_is_false_without_listener() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert site_answers("127.0.0.1", port) is False
