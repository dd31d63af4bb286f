"""Web server and worker under one supervisor: signals, restarts, and what ends all of it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings

from aijuu_site.management.commands import serve
from aijuu_site.serving import processes
from aijuu_site.serving.processes import Child, Supervisor, site_answers

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def supervised(web: list[str], worker: list[str], said: list[str]) -> Supervisor:
    return Supervisor(web=Child("web server", web), worker=Child("worker", worker), say=said.append)


def assert_gone(child: Child) -> None:
    assert child.process is not None
    assert child.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(child.process.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_both_processes_with_exit_0(number: signal.Signals) -> None:
    supervisor = supervised(SLEEPER, SLEEPER, [])
    code = supervisor.run(is_answering=lambda: True, on_ready=lambda: signal.raise_signal(number))
    assert code == 0
    assert_gone(supervisor.web)
    assert_gone(supervisor.worker)


def test_process_ignoring_sigterm_is_killed() -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    said: list[str] = []
    supervisor = supervised(SLEEPER, [sys.executable, "-c", deaf], said)
    supervisor.worker.stop_seconds = 0.5
    # Long enough for it to have become deaf.
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert_gone(supervisor.worker)
    assert any("killing" in line for line in said)


def test_worker_gets_grace_period_on_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes._TELL_AFTER", 0.2)
    slow = (
        "import signal, sys, time;signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit(0)));time.sleep(60)"
    )
    said: list[str] = []
    supervisor = supervised(SLEEPER, [sys.executable, "-c", slow], said)
    supervisor.worker.stop_seconds = 20
    stop = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert supervisor.run(is_answering=lambda: True, on_ready=stop.start) == 0
    assert supervisor.worker.exit_code() == 0
    assert said == ["The worker is finishing what it does (at most 20 s) …"]


def test_worker_stop_time_exceeds_mail_timeout() -> None:
    assert serve.Command()._plan("127.0.0.1", 8000).worker_stop_seconds > settings.EMAIL_TIMEOUT


def test_supervisor_imports_nothing_of_ours() -> None:
    """It stays in memory beside the processes that it watches."""
    script = f"import runpy, sys; runpy.run_path({processes.__file__!r}); print(*sys.modules)"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in finished.stdout.split()} & {"django", "wagtail", "aijuu_site", "home"}


def test_web_server_exit_stops_worker_and_fails() -> None:
    said: list[str] = []
    supervisor = supervised([sys.executable, "-c", "raise SystemExit(3)"], SLEEPER, said)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None) == 1
    assert any("web server ended" in line and "3" in line for line in said)
    assert_gone(supervisor.worker)


def test_start_fails_without_web_server_answer() -> None:
    said: list[str] = []
    supervisor = supervised(SLEEPER, SLEEPER, said)
    assert supervisor.run(is_answering=lambda: False, on_ready=lambda: None, ready_seconds=0.5) == 1
    assert any("did not answer" in line for line in said)
    assert_gone(supervisor.web)


def test_worker_restarts_with_backoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.processes.FIRST_WAIT", 0.1)
    starts = tmp_path / "starts"
    worker = [sys.executable, "-c", f"import os; open({str(starts)!r}, 'a').write('x'); os._exit(9)"]
    said: list[str] = []
    supervisor = supervised(SLEEPER, worker, said)
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
