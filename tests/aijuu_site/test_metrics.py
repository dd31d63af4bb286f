"""/metrics: who may read it, its text format, and its counts over processes and restarts."""

import asyncio
import errno
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django.utils import timezone

from aijuu_site.kept_pages.keeper import Keeper
from aijuu_site.metrics import BOUNDS, CLASSES, Counters, class_of, own_counters, totals
from aijuu_site.serving.shell import Shell
from intake.choices import MailState
from intake.models import FormProof, JobRun, OutgoingMail, WorkerHeartbeat
from intake.proof import ProofResult
from tests.aijuu_site.test_shell import HOST, Application, Protocol, Scope
from tests.intake.enquiries import received

TOKEN = "kuusen-alla-istuu-seitseman-lasta"
_SAMPLE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="[^"\\\n]*",?)+\})? (-?[0-9.e+]+)')


def read(settings: Any) -> dict[str, float]:
    """Parse /metrics strictly as a monitoring program does. Return name with labels -> value."""
    settings.MONITORING_TOKEN = TOKEN
    response = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert (response.status_code, response["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "no-store" in response["Cache-Control"]
    text = response.content.decode()
    assert text.endswith("\n")
    found, typed = {}, set()
    for line in text.splitlines():
        if line.startswith("#"):
            typed.add(line.split(" ")[2])
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] in typed or re.sub(r"_(bucket|sum|count)$", "", sample[1]) in typed
        assert sample[1] + (sample[2] or "") not in found
        found[sample[1] + (sample[2] or "")] = float(sample[3])
    return found


@pytest.mark.usefixtures("loaded_site")
def test_metrics_are_off_without_the_setting() -> None:
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    assert own_counters() is None


@pytest.mark.django_db
def test_metrics_need_the_token(settings: Any) -> None:
    settings.MONITORING_TOKEN = TOKEN
    for sent in ("", f"Bearer {TOKEN}x", f"Basic {TOKEN}"):
        response = Client().get("/metrics", headers={"authorization": sent})
        assert (response.status_code, response.content) == (401, b"")
    assert read(settings)["aijuu_database_up"] == 1


@pytest.mark.django_db
def test_metrics_of_mail_enquiries_jobs_and_proof(settings: Any) -> None:
    now = timezone.now()
    received(now=now - timedelta(hours=1))
    received()
    OutgoingMail.objects.filter(pk=OutgoingMail.objects.latest("pk").pk).update(state=MailState.FAILED)
    WorkerHeartbeat.objects.create(beat_at=now - timedelta(seconds=30))
    JobRun.objects.create(name="removal", failures=3)
    FormProof.objects.create(started_at=now - timedelta(hours=9), result=ProofResult.PASSED)
    found = read(settings)
    assert found['aijuu_letters{status="new"}'] == 2
    assert (found["aijuu_mails_waiting"], found["aijuu_mails_failed"]) == (3, 1)
    assert found["aijuu_oldest_mail_seconds"] == pytest.approx(3600, abs=60)
    assert found["aijuu_worker_heartbeat_seconds"] == pytest.approx(30, abs=60)
    assert found['aijuu_job_failures{job="removal"}'] == 3
    assert found["aijuu_form_proof_seconds"] == pytest.approx(9 * 3600, abs=60)
    assert found["aijuu_form_proof_passed"] == 1
    assert found["aijuu_disk_free_bytes"] > 0
    assert "aijuu_last_backup_seconds" not in found


@pytest.mark.django_db
def test_metrics_without_database(settings: Any) -> None:
    def away(*_arguments: object) -> None:
        raise DatabaseError("no answer")

    with connection.execute_wrapper(away):
        found = read(settings)
    assert found["aijuu_database_up"] == 0
    assert "aijuu_mails_waiting" not in found
    assert found["aijuu_disk_free_bytes"] > 0


def in_a_process(folder: Path, act: Callable[[Counters], None]) -> None:
    """Call `act` with counters in a forked process, which then ends without closing them."""
    child = os.fork()
    if child == 0:
        try:
            act(Counters(folder))
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_counters_add_up_over_processes_and_restarts(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    first, second = Counters(folder), Counters(folder)
    first.count("page", 200, 0.02)
    second.count("page", 200, 0.3)
    second.count("page", 418, 99.0)
    (found,) = totals(folder)
    assert (found.name, found.by_status) == ("page", {200: 2, 0: 1})
    assert found.seconds == pytest.approx(99.32)
    assert {bound: n for bound, n in zip((*BOUNDS, "more"), found.parts, strict=True) if n} == {
        0.025: 1,
        0.5: 1,
        "more": 1,
    }
    second.close()
    for _ in range(3):
        in_a_process(folder, lambda counters: counters.count("page", 200, 0.02))
    (found,) = totals(folder)
    assert found.by_status == {200: 5, 0: 1}
    # There are as many files as processes that ran at the same time.
    assert sorted(file.name for file in folder.iterdir()) == ["0", "1"]
    assert (folder / "0").stat().st_mode & 0o777 == 0o600
    first.close()


def test_counter_file_is_allocated_on_disk(tmp_path: Path) -> None:
    """On a full disk, a write into an unallocated part of a memory-mapped file kills the process."""
    counters = Counters(tmp_path)
    assert (tmp_path / "0").stat().st_blocks > 0
    counters.close()


def test_counter_file_of_other_layout_is_reset(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"\x40" * 800)
    counters = Counters(tmp_path)
    assert list(totals(tmp_path)) == []
    counters.close()


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize("failing", ["os.open", "os.posix_fallocate"])
def test_server_runs_when_counters_cannot_be_stored(
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failing: str,
    reason: int,
) -> None:
    settings.MONITORING_TOKEN, settings.DATA_DIR, settings.SITE_URL = TOKEN, tmp_path, f"http://{HOST}"
    keeper = Keeper()

    def fail(*_arguments: object) -> None:
        raise OSError(reason, os.strerror(reason))

    own_counters.cache_clear()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(failing, fail)
            shell = Shell(Application(keeps=True), keeper)
            assert own_counters() is None
        protocol = Protocol()
        asyncio.run(shell.__rsgi__(Scope(), protocol))  # type: ignore[arg-type]
    finally:
        own_counters.cache_clear()
    assert [record.getMessage() for record in caplog.records] == [
        f"This process counts no requests: {os.strerror(reason)}"
    ]
    assert protocol.status == 200


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "page"),
        ("GET", "/ota-yhteytta/", "page"),
        ("POST", "/ota-yhteytta/", "post"),
        ("POST", "/admin/login/", "admin"),
        ("GET", "/static/css/a.css", "static"),
        ("GET", "/media/a.svg", "media"),
        ("POST", "/jatka/x/", "private"),
        ("GET", "/health/ready", "machine"),
        ("GET", "/metrics", "machine"),
        ("GET", "/metricsx", "page"),
    ],
)
def test_class_of_a_request(method: str, path: str, expected: str) -> None:
    assert class_of(method, path) == expected
    assert expected in CLASSES


def test_server_counts_every_response(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.serving.shell.own_counters", lambda: Counters(tmp_path))
    with override_settings(SITE_URL=f"http://{HOST}"):
        shell = Shell(Application(keeps=True), Keeper())

    async def ask() -> None:
        for scope in (
            Scope(),
            Scope(),
            Scope(method="HEAD"),
            Scope(sent={"if-none-match": "*"}),
            Scope("/broken/"),
            Scope("/ota-yhteytta/", method="POST", sent={"content-length": "99999999"}),
            Scope("/admin/", sent={"cookie": "a=b"}),
        ):
            await shell.__rsgi__(scope, Protocol())  # type: ignore[arg-type]

    asyncio.run(ask())
    found = {one.name: one.by_status for one in totals(tmp_path)}
    assert found == {"kept": {200: 2, 304: 1}, "page": {200: 1, 500: 1}, "post": {413: 1}, "admin": {200: 1}}
