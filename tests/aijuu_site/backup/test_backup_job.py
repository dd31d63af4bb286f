"""The worker starts the nightly backup in a process of its own, and goes on with its other jobs."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from aijuu_site import periodic_jobs
from aijuu_site.backup.work_folder import work_folder
from aijuu_site.models import Backup
from aijuu_site.periodic_jobs import CommandFailed, back_up
from intake.jobs.runner import JobContext, JobRunner, registered_jobs

pytestmark = pytest.mark.django_db


def context(*, stopping: bool = False) -> JobContext:
    return JobContext(name="backup", now=timezone.now(), budget=timedelta(seconds=20), is_stopping=lambda: stopping)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The commands that were started; each runs `script` in its place."""
    commands: list[list[str]] = []
    popen = subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        commands.append(command)
        return popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    monkeypatch.setattr(periodic_jobs.subprocess, "Popen", start)
    yield commands
    process = periodic_jobs._backup.process
    periodic_jobs._backup.process = None
    if process is not None:
        process.kill()
        process.wait()


def end(code: int) -> None:
    """Let the process end: with an empty line it succeeds, without any input it fails."""
    process = periodic_jobs._backup.process
    assert process is not None
    process.communicate(b"\n" if code == 0 else b"")


def end_when_started(started: list[list[str]]) -> None:
    while not (started and periodic_jobs._backup.process):
        time.sleep(0.01)
    end(0)


def test_the_worker_knows_the_jobs() -> None:
    assert {"backup", "removal_records", "old_removal_records"} <= {job.name for job in registered_jobs()}


def test_missing_key_starts_nothing(started: list[list[str]]) -> None:
    back_up(context())
    assert started == []


@pytest.mark.usefixtures("identity")
def test_due_backup_is_started_once(started: list[list[str]]) -> None:
    for _each in range(3):
        back_up(context())
    assert [command[-2:] for command in started] == [["backup", "--nightly"]]
    assert Path(started[0][1]).name == "manage.py"
    # It does not wait for the process, which runs until the end of this test.
    assert periodic_jobs._backup.process is not None
    assert periodic_jobs._backup.process.poll() is None


@pytest.mark.usefixtures("identity")
def test_good_backup_ends_the_night(started: list[list[str]]) -> None:
    back_up(context())
    Backup.objects.create(name="a", begun_at=timezone.now(), checked_at=timezone.now())
    end(0)
    back_up(context())
    back_up(context())
    assert len(started) == 1


@pytest.mark.usefixtures("identity")
def test_failed_backup_fails_the_job(started: list[list[str]]) -> None:
    back_up(context())
    Backup.objects.create(name="a", begun_at=timezone.now())
    end(1)
    # As a kill leaves it.
    work_folder().mkdir()
    with pytest.raises(CommandFailed):
        back_up(context())
    assert not work_folder().exists()
    # Again only after an hour.
    back_up(context())
    assert len(started) == 1


@pytest.mark.usefixtures("identity")
def test_failure_of_a_clock_that_was_ahead_does_not_count(started: list[list[str]]) -> None:
    now = timezone.now()
    Backup.objects.create(name="ahead", begun_at=now + timedelta(days=200))
    failed = Backup.objects.create(name="a", begun_at=now - timedelta(minutes=50))
    back_up(context())
    assert started == []
    failed.delete()
    back_up(context())
    assert len(started) == 1


@pytest.mark.usefixtures("identity")
def test_work_once_waits_for_the_backup(started: list[list[str]]) -> None:
    runner = JobRunner([job for job in registered_jobs() if job.name == "backup"], lambda: False)
    threading.Thread(target=end_when_started, args=[started]).start()
    assert runner.run_all() == []
    assert periodic_jobs._backup.process is None
    assert len(started) == 1


@pytest.mark.usefixtures("identity")
def test_stopping_worker_stops_the_backup(started: list[list[str]]) -> None:
    back_up(context(stopping=True))
    process = periodic_jobs._backup.process
    assert process is not None
    JobRunner(registered_jobs(), lambda: True).stop()
    assert process.returncode == -signal.SIGTERM
