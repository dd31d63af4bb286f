"""A job that runs a command as a separate process succeeds only when that process has exited with success."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from aijuu_site import periodic_jobs
from aijuu_site.models import Backup
from intake.health import read_health
from intake.jobs.runner import Job, JobRun, JobRunner, registered_jobs

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
STEP = timedelta(minutes=2)


class Commands:
    """Replaces Popen: each process exits at once with `code`, and a backup leaves its record."""

    def __init__(self) -> None:
        self.code = 1
        self.at: list[datetime] = []

    def __call__(self, command: list[str], **_options: Any) -> Any:
        now = timezone.now()
        self.at.append(now)
        if "backup" in command:
            good = {"checked_at": now} if self.code == 0 else {"error": "OSError"}
            Backup.objects.create(name=f"backup {len(self.at)}", begun_at=now, **good)
        code = self.code
        return SimpleNamespace(poll=lambda: code)


@pytest.fixture(params=["backup", "problems"])
def job(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    settings.ALERT_EMAIL = ["yllapito@example.fi"]
    settings.BACKUP_KEYS = ["age1example"]
    (found,) = (each for each in registered_jobs() if each.name == request.param)
    monkeypatch.setattr("intake.management.commands.work.registered_jobs", lambda: [found])
    yield found
    periodic_jobs._backup.process = periodic_jobs._look.process = None


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    commands = Commands()
    monkeypatch.setattr(periodic_jobs.subprocess, "Popen", commands)
    return commands


def failing_jobs_after(runner: JobRunner, start: datetime, hours: float) -> set[str]:
    """Run the worker for `hours` from `start`. Return the names of the jobs that the dashboard then reports."""
    with time_machine.travel(start, tick=False) as clock:
        while timezone.now() < start + timedelta(hours=hours):
            runner.run_due()
            clock.shift(STEP)
        return {each.name for each in read_health(now=timezone.now()).failing}


def test_repeatedly_failing_command_is_reported(job: Job, commands: Commands) -> None:
    # A single failure is not reported.
    assert failing_jobs_after(JobRunner([job], lambda: False), MIDNIGHT, 0.5) == set()
    # A restarted worker still counts that failure.
    worker = JobRunner([job], lambda: False)
    assert failing_jobs_after(worker, MIDNIGHT + timedelta(hours=0.5), 4) == {job.name}
    assert 3 <= len(commands.at) <= 5
    # The job stays reported, also while its command runs again.
    for hour in range(5, 10):
        start = MIDNIGHT + timedelta(hours=hour)
        assert failing_jobs_after(worker, start, 1.1) == {job.name}
    assert JobRun.objects.get().failures > 3


def test_recovered_command_is_no_longer_reported(job: Job, commands: Commands) -> None:
    worker = JobRunner([job], lambda: False)
    assert failing_jobs_after(worker, MIDNIGHT, 5) == {job.name}
    commands.code = 0
    assert failing_jobs_after(worker, MIDNIGHT + timedelta(hours=5), 3) == set()
    assert JobRun.objects.get().failures == 0


def test_disabled_job_is_no_longer_reported(job: Job, commands: Commands, settings: Any) -> None:
    worker = JobRunner([job], lambda: False)
    assert failing_jobs_after(worker, MIDNIGHT, 5) == {job.name}
    settings.BACKUP_KEYS, settings.ALERT_EMAIL = [], []
    assert failing_jobs_after(worker, MIDNIGHT + timedelta(hours=5), 3) == set()


def test_work_once_reports_failed_command(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    popen = subprocess.Popen

    def start(_command: list[str], **_options: Any) -> Any:
        return popen([sys.executable, "-c", f"raise SystemExit({code})"])

    monkeypatch.setattr(periodic_jobs.subprocess, "Popen", start)
    code = 1
    with pytest.raises(CommandError, match=f"^failed: {job.name}$"):
        call_command("work", once=True)
    assert JobRun.objects.get().failures == 1
    code = 0
    call_command("work", once=True)
    assert JobRun.objects.get().failures == 0


def test_manual_backup_ends_the_report(commands: Commands, settings: Any) -> None:
    settings.BACKUP_KEYS = ["age1example"]
    (job,) = (each for each in registered_jobs() if each.name == "backup")
    worker = JobRunner([job], lambda: False)
    try:
        assert failing_jobs_after(worker, MIDNIGHT, 5) == {"backup"}
        at = MIDNIGHT + timedelta(hours=5)
        # docs/monitoring.md advises to run `manage.py backup`.
        Backup.objects.create(name="by hand", begun_at=at, checked_at=at)
        assert failing_jobs_after(worker, at + timedelta(minutes=1), 3) == set()
    finally:
        periodic_jobs._backup.process = None
