"""Concurrent workers, and a worker beside the supervisor: with real transactions and real processes.

For a killed worker see tests/intake/waiting/test_killed_worker.py.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connections
from django.utils import timezone

from intake import periodic_jobs
from intake.choices import MailState
from intake.enquiry.removal import before_removal, remove_enquiry
from intake.jobs.runner import DatabaseUnavailable
from intake.jobs.stopping import StopEvent
from intake.mail import delivery
from intake.mail.delivery import deliver_due as deliver_due_mail
from intake.mail.delivery import deliver_next
from intake.management.commands import work
from intake.models import Enquiry, JobRun, MailAttempt, OutgoingMail, PostingTrace
from tests.intake.enquiries import closed, received
from tests.intake.enquiry.test_parallel_posts import at_once
from tests.intake.mail.delivering import START
from tests.intake.mail.worker_process import worker_process
from tests.tools.smtp_server import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)


def _deliver_all(_number: int) -> int:
    tried = 0
    while deliver_next(now=timezone.now()):
        tried += 1
    return tried


@contextmanager
def _beside(job: Any) -> Iterator[list[BaseException]]:
    """Run the job in a thread beside the block, and yield a list that receives the exception it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            job()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield raised
    finally:
        thread.join(30)
        assert not thread.is_alive()


def test_concurrent_workers_send_each_mail_once(smtp: SmtpServer, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 10
    for _ in range(8):
        received()
    tried = at_once(4, _deliver_all)
    assert sum(tried) == 16
    assert len(smtp.messages) == 16
    assert {str(message["Message-ID"]) for message in smtp.messages} == set(
        OutgoingMail.objects.values_list("message_id", flat=True)
    )
    assert MailAttempt.objects.filter(succeeded=True).count() == 16
    assert not OutgoingMail.objects.exclude(state=MailState.SENT).exists()


@pytest.mark.parametrize("end", [Behaviour.ACCEPT, Behaviour.DROP])
def test_enquiry_can_be_removed_during_delivery(smtp: SmtpServer, settings: Any, end: Behaviour) -> None:
    settings.EMAIL_TIMEOUT = 10
    enquiry = received()
    smtp.behaviour = Behaviour.HANG
    with _beside(lambda: deliver_next(now=timezone.now())) as raised:
        smtp.wait_for_attempts(1)
        remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
        smtp.behaviour = end
    assert raised == []
    for model in (Enquiry, OutgoingMail, MailAttempt):
        assert not model.objects.exists()


def test_enquiry_removal_during_attempt_recording_succeeds(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    enquiry = received()
    recording, go_on = threading.Event(), threading.Event()
    create = MailAttempt.objects.create

    def slowly(**values: Any) -> MailAttempt:
        attempt = create(**values)
        recording.set()
        go_on.wait(10)
        return attempt

    monkeypatch.setattr(delivery.MailAttempt.objects, "create", slowly)
    with _beside(lambda: deliver_next(now=timezone.now())) as worker:
        assert recording.wait(10)
        with _beside(lambda: remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())) as supervisor:
            # Long enough for the removal to wait for the worker's open transaction.
            time.sleep(0.3)
            go_on.set()
    assert worker == []
    assert supervisor == []
    assert not Enquiry.objects.exists()
    assert not MailAttempt.objects.exists()


def test_worker_delivers_and_stops_at_sigterm(smtp: SmtpServer, tmp_path: Path) -> None:
    received()
    with worker_process(smtp, tmp_path) as process:
        smtp.wait_for(2, seconds=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {MailState.SENT}


def test_work_once_runs_each_job_and_returns(smtp: SmtpServer) -> None:
    closed(at=START - timedelta(days=400))
    OutgoingMail.objects.all().delete()
    waiting = received()
    PostingTrace.objects.update(posted_at=timezone.now() - timedelta(hours=2))
    call_command("work", once=True, stdout=StringIO())
    assert Enquiry.objects.get() == waiting
    assert len(smtp.messages) == 2
    assert not PostingTrace.objects.exists()


def _worker(monkeypatch: pytest.MonkeyPatch, deliver: Any) -> work.Command:
    """Return the worker's command, in this process, with `deliver` instead of the delivery of mails."""
    monkeypatch.setattr(periodic_jobs, "deliver_due", deliver)
    return work.Command()


def test_short_database_outage_does_not_end_the_worker(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    received()
    rounds = 0

    def deliver(*, must_stop: Any) -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise DatabaseUnavailable from OperationalError("could not receive data: maija@esimerkki.fi")
        tried = deliver_due_mail(must_stop=must_stop)
        command.stopping.set()
        return tried

    command = _worker(monkeypatch, deliver)
    monkeypatch.setattr(work, "POLL_SECONDS", 0)
    command.handle(once=False)
    assert len(smtp.messages) == 2
    assert "OperationalError" in caplog.text
    assert "maija@" not in caplog.text


def test_database_outage_backs_off_with_one_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "intake.management.commands.work")
    waits: list[float] = []

    def deliver(*, must_stop: Any) -> int:
        if len(waits) < 8:
            raise DatabaseUnavailable from OperationalError()
        return 0

    class Stopping(StopEvent):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            if len(waits) == 10:
                self.set()
            return self.is_set()

    command = _worker(monkeypatch, deliver)
    monkeypatch.setattr(work, "StopEvent", Stopping)
    command.handle(once=False)
    assert waits == [4, 8, 16, 32, 60, 60, 60, 60, 2, 2]
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 8 + ["INFO"]


@pytest.mark.parametrize("error", [IntegrityError, OperationalError, ZeroDivisionError])
def test_failing_removal_job_blocks_no_mail(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    received()

    def fails(*, now: Any, each: Any) -> int:
        raise error("maija@esimerkki.fi")

    monkeypatch.setattr(periodic_jobs, "remove_due", fails)
    with pytest.raises(CommandError, match=r"failed: removal$"):
        call_command("work", once=True, stdout=StringIO())
    assert len(smtp.messages) == 2
    assert JobRun.objects.get(name="removal").failures == 1


def test_failing_removal_blocks_no_other_enquiry(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, *_others = [closed(at=START - timedelta(days=400 - number)) for number in range(3)]

    def fails_for_one(*, enquiry: Enquiry, now: Any, **_signal: object) -> None:
        if enquiry == stuck:
            raise IntegrityError(stuck.email)

    before_removal.connect(fails_for_one)
    with pytest.raises(CommandError, match="removal"):
        call_command("work", once=True, stdout=StringIO())
    assert Enquiry.objects.get() == stuck
    assert JobRun.objects.get(name="removal").failing_items == 1
    assert stuck.email not in caplog.text
