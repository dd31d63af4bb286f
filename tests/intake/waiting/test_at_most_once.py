"""Mails that must not go twice: sent again where the server surely has not got them, else left for Kati to decide."""

import logging
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, MailState
from intake.mail_lateness import CLAIM_LIFETIME
from intake.models import OutgoingMail, WaitingLink, WaitingPlace
from intake.services import delivery
from intake.services.delivery import WAITS, deliver_next, send_again
from intake.services.returning import call_due, start_plan
from intake.services.waiting_links import find_place
from intake.waiting.private_link import PLACEHOLDER
from tests.intake.delivering import use_server
from tests.intake.waiting.list_people import deliver, waiter
from tests.intake.waiting.post_office import Behaviour, Killed, PostOffice
from tests.tools.running_site import free_port
from tests.tools.smtp_server import Behaviour as Smtp
from tests.tools.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))


@pytest.fixture
def notice(db: None) -> OutgoingMail:
    """One notice of the return in the queue."""
    waiter(now=NOW - timedelta(days=40), email="maija@esimerkki.fi")
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)
    assert call_due(now=NOW) == 1
    return OutgoingMail.objects.get(purpose=MailPurpose.RETURN_NOTICE)


def test_it_goes_out_once_with_a_link_of_its_own_that_is_stored_nowhere(notice: OutgoingMail, smtp: SmtpServer) -> None:
    deliver(NOW)
    deliver(NOW + timedelta(days=30))
    (message,) = smtp.messages
    body = message.get_body(preferencelist=("plain",))
    assert body is not None
    words = body.get_content()
    assert PLACEHOLDER not in words
    secret = words.partition("/jatka/")[2].partition("/")[0]
    assert find_place(secret) == WaitingPlace.objects.get()
    notice.refresh_from_db()
    assert secret not in notice.text
    assert (notice.state, notice.handed_at, notice.sent_at) == (MailState.SENT, NOW, NOW)
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(("fault", "code"), [(Smtp.REFUSE, 451), (Smtp.REJECT, 550)])
def test_what_the_server_refuses_is_tried_again(notice: OutgoingMail, smtp: SmtpServer, fault: Smtp, code: int) -> None:
    smtp.behaviour = fault
    deliver(NOW)
    notice.refresh_from_db()
    assert (notice.state, notice.handed_at, notice.failures) == (MailState.QUEUED, None, 1)
    assert notice.attempts.get().smtp_code == code
    smtp.behaviour = Smtp.ACCEPT
    deliver(NOW + WAITS[0])
    assert len(smtp.messages) == 1


def test_while_there_is_no_server_it_waits_and_goes_out_when_there_is(
    notice: OutgoingMail, settings: Any, smtp: SmtpServer
) -> None:
    use_server(settings, free_port())
    deliver(NOW)
    notice.refresh_from_db()
    assert (notice.state, notice.handed_at) == (MailState.QUEUED, None)
    assert notice.attempts.get().error == "ConnectionRefusedError"
    assert not WaitingLink.objects.exists()
    use_server(settings, smtp.port, timeout=10)
    deliver(NOW + WAITS[0])
    assert len(smtp.messages) == 1


@pytest.mark.parametrize("fault", [Smtp.HANG, Smtp.DROP])
def test_where_the_server_says_nothing_kati_decides(
    notice: OutgoingMail, smtp: SmtpServer, fault: Smtp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    smtp.behaviour = fault
    deliver(NOW)
    smtp.behaviour = Smtp.ACCEPT
    deliver(NOW + timedelta(days=30))
    notice.refresh_from_db()
    assert (notice.state, notice.next_attempt_at) == (MailState.FAILED, None)
    attempt = notice.attempts.get()
    assert not attempt.succeeded
    assert attempt.explanation.startswith("Lähetys katkesi kesken.")
    # At most the one that hung.
    assert len(smtp.messages) <= 1
    lines = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert not [line for line in lines if "maija" in line]

    before = len(smtp.messages)
    assert send_again(mail=notice, now=NOW + timedelta(days=31))
    notice.refresh_from_db()
    assert notice.handed_at is None
    deliver(NOW + timedelta(days=31))
    assert len(smtp.messages) == before + 1
    notice.refresh_from_db()
    assert notice.state == MailState.SENT


@pytest.mark.parametrize(("death", "taken"), [(Behaviour.KILLS_BEFORE, 0), (Behaviour.KILLS_AFTER, 1)])
def test_a_worker_that_dies_with_the_mail_in_its_hands_leaves_it_to_kati(
    notice: OutgoingMail, server: PostOffice, death: Behaviour, taken: int
) -> None:
    server.behaviour = death
    with pytest.raises(Killed):
        deliver(NOW)
    deliver(NOW + CLAIM_LIFETIME - timedelta(seconds=1))
    notice.refresh_from_db()
    assert notice.state == MailState.SENDING
    deliver(NOW + CLAIM_LIFETIME)
    deliver(NOW + timedelta(days=30))
    notice.refresh_from_db()
    assert notice.state == MailState.FAILED
    assert [attempt.error for attempt in notice.attempts.all()] == ["interrupted"]
    assert len(server.taken) == taken


def test_a_worker_that_dies_before_the_server_gets_it_loses_nothing(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**_values: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "hand_over", die)
        with pytest.raises(Killed):
            deliver(NOW)
    deliver(NOW + CLAIM_LIFETIME)
    notice.refresh_from_db()
    assert notice.state == MailState.SENT
    assert len(server.taken) == 1


def test_a_worker_that_cannot_record_what_it_sent_does_not_send_it_again(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_values: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "_record_success", die)
        with pytest.raises(Killed):
            deliver(NOW)
    deliver(NOW + timedelta(days=1))
    notice.refresh_from_db()
    assert notice.state == MailState.FAILED
    assert len(server.taken) == 1


def test_a_worker_that_slept_does_not_send_what_another_has_sent(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over = delivery.hand_over
    slept: list[bool] = []

    def sleep_first(*, mail: OutgoingMail, now: datetime) -> bool:
        if not slept:
            slept.append(True)
            assert deliver_next(now=NOW + CLAIM_LIFETIME)
        return hand_over(mail=mail, now=now)

    monkeypatch.setattr(delivery, "hand_over", sleep_first)
    assert deliver_next(now=NOW)
    deliver(NOW + timedelta(days=1))
    assert len(server.taken) == 1
    notice.refresh_from_db()
    assert notice.state == MailState.SENT


def test_a_fault_of_ours_in_writing_it_out_is_tried_again(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_mail: OutgoingMail) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "build_message", broken)
        deliver(NOW)
    notice.refresh_from_db()
    assert (notice.state, notice.handed_at) == (MailState.QUEUED, None)
    deliver(NOW + WAITS[0])
    assert len(server.taken) == 1


def test_a_server_that_takes_the_mail_and_no_leave_has_taken_it(
    notice: OutgoingMail, server: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rude(_backend: object) -> None:
        raise OSError

    monkeypatch.setattr("tests.intake.waiting.post_office.Backend.close", rude)
    deliver(NOW)
    notice.refresh_from_db()
    assert notice.state == MailState.SENT
    assert len(server.taken) == 1
