"""Workers beside each other, beside the supervisor, and killed: with real transactions, and real processes."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.utils import timezone

from intake.choices import MailState
from intake.management.commands import work
from intake.models import Enquiry, MailAttempt, OutgoingMail, PostingTrace
from intake.services import delivery
from intake.services.delivery import CLAIM_LIFETIME, deliver_next
from intake.services.removing import remove_enquiry
from tests.intake.delivering import START, deliver_due, use_server
from tests.intake.enquiries import closed, received
from tests.intake.test_parallel_posts import at_once
from tests.intake.worker_process import worker_process
from tests.tools.smtp_server import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)


def _deliver_all(_number: int) -> int:
    tried = 0
    while deliver_next(now=timezone.now()):
        tried += 1
    return tried


@contextmanager
def _beside(job: Any) -> Iterator[list[BaseException]]:
    """Run the job in a thread of its own beside the block; what it raised is in the list afterwards."""
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


def test_workers_at_once_send_each_mail_once(smtp: SmtpServer, settings: Any) -> None:
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
def test_an_enquiry_can_be_removed_while_its_mail_is_on_its_way(
    smtp: SmtpServer, settings: Any, end: Behaviour
) -> None:
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


def test_an_enquiry_can_be_removed_while_an_attempt_is_being_recorded(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
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
            # Long enough for the removal to run into the worker's transaction, which is still open.
            time.sleep(0.3)
            go_on.set()
    assert worker == []
    assert supervisor == []
    assert not Enquiry.objects.exists()
    assert not MailAttempt.objects.exists()


def test_the_worker_delivers_and_stops_soon_when_asked(smtp: SmtpServer, tmp_path: Path) -> None:
    received()
    with worker_process(smtp, tmp_path) as process:
        smtp.wait_for(2, seconds=60)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - asked < 5
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {MailState.SENT}


def test_a_worker_that_is_killed_while_sending_loses_nothing(smtp: SmtpServer, tmp_path: Path, settings: Any) -> None:
    received()
    smtp.behaviour = Behaviour.HANG
    with worker_process(smtp, tmp_path) as process:
        smtp.wait_for_attempts(1, seconds=60)
        process.kill()
        process.wait(10)
    claimed = OutgoingMail.objects.get(state=MailState.SENDING)
    assert claimed.claimed_at is not None

    smtp.behaviour = Behaviour.ACCEPT
    use_server(settings, smtp.port, timeout=10)
    # The mail that was not claimed goes at once, the other when its claim has run out.
    assert deliver_due(timezone.now()) == 1
    assert deliver_due(claimed.claimed_at + CLAIM_LIFETIME) == 1
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {MailState.SENT}
    assert [attempt.error for attempt in claimed.attempts.all()] == ["interrupted", ""]
    assert len(smtp.messages) == 2


def test_the_worker_asked_for_one_round_does_what_is_due_and_returns(smtp: SmtpServer) -> None:
    closed(at=START - timedelta(days=400))
    OutgoingMail.objects.all().delete()
    waiting = received()
    PostingTrace.objects.update(posted_at=timezone.now() - timedelta(hours=2))
    call_command("work", once=True, stdout=StringIO())
    assert Enquiry.objects.get() == waiting
    assert len(smtp.messages) == 2
    assert not PostingTrace.objects.exists()


def test_a_database_that_is_away_for_a_moment_does_not_end_the_worker(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    received()
    command = work.Command()
    rounds = 0

    def deliver(*, now: Any) -> bool:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise OperationalError("could not receive data: maija@esimerkki.fi")
        if deliver_next(now=now):
            return True
        command.stopping.set()
        return False

    monkeypatch.setattr(work, "deliver_next", deliver)
    monkeypatch.setattr(work, "POLL_SECONDS", 0)
    monkeypatch.setattr(work.signal, "signal", lambda *_arguments: None)
    command.handle(once=False)
    assert len(smtp.messages) == 2
    assert "OperationalError" in caplog.text
    assert "maija@" not in caplog.text


def test_a_database_that_stays_away_is_tried_more_and_more_seldom_with_one_line_each(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "intake.management.commands.work")
    command = work.Command()
    waits: list[float] = []

    def deliver(*, now: Any) -> bool:
        if len(waits) < 8:
            raise OperationalError
        return False

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            waits.append(timeout)
            if len(waits) == 10:
                self.set()
            return self.is_set()

    monkeypatch.setattr(work, "deliver_next", deliver)
    monkeypatch.setattr(work, "threading", SimpleNamespace(Event=Stopping))
    monkeypatch.setattr(work.signal, "signal", lambda *_arguments: None)
    command.handle(once=False)
    assert waits == [4, 8, 16, 32, 60, 60, 60, 60, 2, 2]
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 8 + ["INFO"]


def test_a_deed_of_the_round_that_fails_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    def fails(*, now: Any) -> None:
        raise ValueError("maija@esimerkki.fi")

    for name in ("settle_pause", "call_due", "keep_list_true"):
        fails.__name__ = name
        monkeypatch.setattr(work, name, fails)
    for name in ("remind_of_pause", "remind_and_close"):
        monkeypatch.setattr(work, name, lambda *, now, name=name: done.append(name))
    call_command("work", once=True, stdout=StringIO())
    assert done == ["remind_of_pause", "remind_and_close"]
    assert caplog.text.count("ValueError") == 3
    assert "maija@" not in caplog.text


def test_a_database_that_is_away_in_the_round_is_told_once_after_every_deed_was_tried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def away(*, now: Any) -> None:
        tried.append(now)
        raise OperationalError

    for name in ("settle_pause", "remind_of_pause", "call_due", "remind_and_close", "keep_list_true"):
        monkeypatch.setattr(work, name, away)
    command = work.Command()

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return True

    monkeypatch.setattr(work, "threading", SimpleNamespace(Event=Stopping))
    monkeypatch.setattr(work.signal, "signal", lambda *_arguments: None)
    command.handle(once=False)
    assert len(tried) == 5
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "the database did not answer (OperationalError); trying again in 4 s"
    ]
