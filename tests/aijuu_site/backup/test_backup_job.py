"""The worker starts the nightly backup as a separate process and continues with its other jobs."""

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
    """Return the commands that were started. Instead of each, a process runs that waits for a line of input."""
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
    """End the process with success (code 0) by a line of input, or with failure by the end of its input."""
    process = periodic_jobs._backup.process
    assert process is not None
    process.communicate(b"\n" if code == 0 else b"")


def end_when_started(started: list[list[str]]) -> None:
    while not (started and periodic_jobs._backup.process):
        time.sleep(0.01)
    end(0)


def test_backup_jobs_are_registered() -> None:
    assert {"backup", "removal_records", "old_removal_records"} <= {job.name for job in registered_jobs()}


def test_missing_key_starts_no_backup(started: list[list[str]]) -> None:
    back_up(context())
    assert started == []


@pytest.mark.usefixtures("identity")
def test_due_backup_is_started_once(started: list[list[str]]) -> None:
    for _each in range(3):
        back_up(context())
    assert [command[-2:] for command in started] == [["backup", "--nightly"]]
    assert Path(started[0][1]).name == "manage.py"
    # The job does not wait for the process, which runs until the fixture kills it.
    assert periodic_jobs._backup.process is not None
    assert periodic_jobs._backup.process.poll() is None


@pytest.mark.usefixtures("identity")
def test_no_second_backup_after_successful_one(started: list[list[str]]) -> None:
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
    # A killed backup leaves its work folder.
    work_folder().mkdir()
    with pytest.raises(CommandFailed):
        back_up(context())
    assert not work_folder().exists()
    # The next attempt is an hour later.
    back_up(context())
    assert len(started) == 1


@pytest.mark.usefixtures("identity")
def test_failed_backup_dated_in_future_is_ignored(started: list[list[str]]) -> None:
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
