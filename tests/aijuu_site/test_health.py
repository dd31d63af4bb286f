"""/health/live and /health/ready: one word for strangers, details with the token, and always a timely response."""

import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from aijuu_site import health
from aijuu_site.health import Findings, Probe, find_problems, probes
from intake.models import OutgoingMail, WorkerHeartbeat
from tests.intake.enquiries import received

TOKEN = "kuusen-alla-istuu-seitseman-lasta"
OK = {"database": "", "migrations": "", "worker": "", "mail": "", "storage": "", "disk": ""}

# The checks run in their own threads with their own connections, so the rows must be committed.
with_real_rows = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _new_probes() -> None:
    """Drop the cached results of earlier tests."""
    probes.cache_clear()


def details(settings: Any, **headers: str) -> tuple[int, dict[str, str]]:
    settings.MONITORING_TOKEN = TOKEN
    response = Client().get("/health/ready", headers={"authorization": f"Bearer {TOKEN}", **headers})
    word, *lines = response.content.decode().splitlines()
    assert word == ("ready" if response.status_code == 200 else "unavailable")
    return response.status_code, dict(line.split(": ", 1) for line in lines)  # type: ignore[misc]


@with_real_rows
def test_ready_when_nothing_is_wrong(settings: Any) -> None:
    assert find_problems() == OK
    response = Client().get("/health/ready")
    assert (response.status_code, response.content) == (200, b"ready\n")
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies
    assert details(settings) == (200, dict.fromkeys(OK, "ok"))


@with_real_rows
def test_silent_worker_and_old_mail_are_reported(settings: Any) -> None:
    WorkerHeartbeat.objects.create(beat_at=timezone.now() - timedelta(minutes=6))
    received(email="maija@esimerkki.fi")
    OutgoingMail.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=16))
    response = Client().get("/health/ready")
    assert (response.status_code, response.content) == (503, b"unavailable\n")
    status, found = details(settings)
    assert status == 503
    assert {name for name, problem in found.items() if problem != "ok"} == {"worker", "mail"}
    assert "maija" not in str(found)


@with_real_rows
def test_missing_migration_is_not_ready(settings: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'intake'")
    status, found = details(settings)
    assert (status, found["migrations"]) == (503, "1 not applied")


@with_real_rows
def test_full_disk_is_not_ready(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _path: usage(10**9, 10**9 - 10**8, 10**8))
    status, found = details(settings)
    assert (status, found["disk"]) == (503, "95 MB free")


@with_real_rows
def test_unwritable_storage_is_not_ready(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"
    status, found = details(settings)
    assert status == 503
    assert found["storage"].startswith("FileNotFoundError at ")
    assert str(tmp_path) not in str(found)


def test_health_check_result_is_cached() -> None:
    asked: list[int] = []

    def check() -> Findings:
        asked.append(1)
        return {"database": ""}

    probe = Probe("database", check, kept_seconds=60)
    for _ in range(20):
        assert probe.result(probe.start(), deadline=time.monotonic() + 5) == {"database": ""}
    assert asked == [1]


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[int]]]:
    """Let the database check hang until the event is set. Return the event and a list with one item per check."""
    answers, asked = threading.Event(), []

    def hang() -> Findings:
        asked.append(1)
        answers.wait(60)
        return {"database": ""}

    hanging_probes = (Probe("database", hang, kept_seconds=0), Probe("storage", health.check_storage))
    monkeypatch.setattr(health, "probes", lambda: hanging_probes)
    yield answers, asked
    answers.set()


def test_ready_responds_while_database_hangs(hanging: tuple[threading.Event, list[int]], settings: Any) -> None:
    answers, asked = hanging
    status, found = details(settings)
    assert (status, found) == (503, {"database": "no answer in 2 s", "storage": "ok", "disk": "ok"})
    assert not answers.is_set()
    # A second request waits for the same check, so that hanging checks don't pile up.
    assert details(settings)[0] == 503
    assert asked == [1]
    answers.set()
    assert eventually(lambda: details(settings)) == (200, {"database": "ok", "storage": "ok", "disk": "ok"})


def eventually(look: Callable[[], tuple[int, dict[str, str]]]) -> tuple[int, dict[str, str]]:
    for _ in range(20):
        if (found := look())[0] == 200:
            return found
    return found


def test_database_failure_shows_only_error_type(settings: Any) -> None:
    # pytest-django forbids the database here. The text of its error must not be shown.
    status, found = details(settings)
    assert status == 503
    assert found["database"].startswith("RuntimeError at ")
    assert "django_db" not in str(found)


def test_live_needs_no_database(client: Client) -> None:
    response = client.get("/health/live")
    assert (response.status_code, response.content) == (200, b"live\n")
    assert client.post("/health/live").status_code == 405


@pytest.mark.parametrize(
    "sent",
    [
        "",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        "Bearer kuusi\u00e4",
    ],
)
@pytest.mark.parametrize("token", [TOKEN, ""])
def test_details_need_the_token(settings: Any, sent: str, token: str) -> None:
    settings.MONITORING_TOKEN = token
    response = Client().get("/health/ready", headers={"authorization": sent})
    assert response.content == b"unavailable\n"
