"""Mail to a real server that accepts, refuses, hangs or disconnects: nothing is lost, and every attempt is recorded."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from intake.choices import MailPurpose, MailState
from intake.mail import delivery
from intake.mail.delivery import build_message, deliver_next, requeue
from intake.mail.models import CLAIM_LIFETIME, WAITS
from intake.models import Enquiry, MailAttempt, OutgoingMail
from tests.intake.enquiries import received
from tests.intake.mail.delivering import START, deliver_due, subjects, use_server
from tests.intake.visiting import Visitor
from tests.tools.running_site import free_port
from tests.tools.smtp_server import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db


def test_both_mails_are_sent_once_and_recorded(smtp: SmtpServer) -> None:
    enquiry = received(now=START)
    assert enquiry.mail_state == MailState.QUEUED

    assert deliver_due(START) == 2
    assert deliver_due(START + timedelta(days=30)) == 0

    assert subjects(smtp) == [
        f"Uusi yhteydenotto {enquiry.reference}",
        f"Viestisi on perillä (viite {enquiry.reference})",
    ]
    for mail in enquiry.mails.all():
        assert mail.state == MailState.SENT
        assert mail.sent_at == START
        assert not mail.is_late
        attempt = mail.attempts.get()
        assert attempt.succeeded
        assert attempt.explanation == "Sähköpostipalvelin otti viestin vastaan."
    assert enquiry.mail_state == MailState.SENT


def test_mail_arrives_as_it_was_queued(smtp: SmtpServer) -> None:
    received(now=START, email="maija@esimerkki.fi")
    deliver_due(START)
    message = next(message for message in smtp.messages if message["To"] == "maija@esimerkki.fi")
    mail = OutgoingMail.objects.get(purpose=MailPurpose.CONFIRMATION)
    body = message.get_body(preferencelist=("plain",))
    assert body is not None
    assert body.get_content().strip().splitlines() == mail.text.strip().splitlines()
    assert message["Message-ID"] == mail.message_id
    assert message["From"] == "Aijuu työnohjaus <kati.levola@aijuu.fi>"


def test_a_refused_sender_is_tried_with_one_mail(smtp: SmtpServer) -> None:
    """All mails have the same sender, so one attempt is enough."""
    enquiry = received(now=START)
    smtp.behaviour = Behaviour.REFUSE
    assert deliver_due(START) == 1
    tried, spared = enquiry.mails.all()
    assert (tried.failures, spared.failures) == (1, 0)
    attempt = tried.attempts.get()
    assert attempt.smtp_code == 451
    assert attempt.explanation.startswith("Sähköpostipalvelin ei ottanut viestiä vastaan (koodi 451).")
    smtp.behaviour = Behaviour.ACCEPT
    assert deliver_due(START + timedelta(minutes=1)) == 2
    assert len(subjects(smtp)) == 2


def test_refusal_is_recorded_and_retried_once(smtp: SmtpServer) -> None:
    enquiry = received(now=START)
    smtp.behaviour = Behaviour.REJECT
    assert deliver_due(START) == 2

    assert Enquiry.objects.filter(pk=enquiry.pk).exists()
    for mail in enquiry.mails.all():
        assert mail.state == MailState.QUEUED
        assert mail.is_late
        assert mail.next_attempt_at == START + timedelta(minutes=1)
        attempt = mail.attempts.get()
        assert not attempt.succeeded
        assert attempt.attempted_at == START
        assert attempt.smtp_code == 550
        assert attempt.explanation.startswith("Sähköpostipalvelin ei ottanut viestiä vastaan (koodi 550).")
    assert smtp.messages == []

    smtp.behaviour = Behaviour.ACCEPT
    assert deliver_due(START + timedelta(seconds=59)) == 0
    assert deliver_due(START + timedelta(minutes=1)) == 2
    assert len(subjects(smtp)) == len(set(subjects(smtp))) == 2
    assert not any(mail.is_late for mail in enquiry.mails.all())


@pytest.mark.parametrize(("fault", "taken"), [(Behaviour.HANG, 1), (Behaviour.DROP, 0)])
def test_lost_connection_is_retried_with_one_mail(smtp: SmtpServer, fault: Behaviour, taken: int) -> None:
    enquiry = received(now=START)
    smtp.behaviour = fault
    assert deliver_due(START) == 1

    tried, spared = enquiry.mails.all()
    for mail, failures in ((tried, 1), (spared, 0)):
        assert (mail.state, mail.failures) == (MailState.QUEUED, failures)
        assert mail.attempts.count() == failures
        assert mail.next_attempt_at == START + timedelta(minutes=1)
    assert tried.attempts.get().explanation.startswith("Sähköpostipalvelimeen ei saatu yhteyttä (")

    smtp.behaviour = Behaviour.ACCEPT
    assert deliver_due(START + timedelta(seconds=59)) == 0
    assert deliver_due(START + timedelta(minutes=1)) == 2
    # Delivery is at least once: a mail that the hanging server accepted is sent again with the same Message-ID.
    assert len({str(message["Message-ID"]) for message in smtp.messages}) == 2
    assert len(smtp.messages) <= 2 + taken
    assert not any(mail.is_late for mail in enquiry.mails.all())


def test_refusal_leaves_mail_of_another_worker_alone(smtp: SmtpServer) -> None:
    received(now=START)
    claimed = OutgoingMail.objects.order_by("pk").last()
    assert claimed is not None
    OutgoingMail.objects.filter(pk=claimed.pk).update(state=MailState.SENDING, claimed_at=START)
    smtp.behaviour = Behaviour.REJECT
    assert deliver_next(now=START)
    assert MailAttempt.objects.get().mail_id != claimed.pk
    claimed.refresh_from_db()
    assert (claimed.state, claimed.claimed_at, claimed.failures) == (MailState.SENDING, START, 0)


def test_unreachable_server_backs_off_until_failed(settings: Any) -> None:
    use_server(settings, free_port())
    enquiry = received(now=START)
    enquiry.mails.filter(purpose=MailPurpose.CONFIRMATION).delete()
    mail = enquiry.mails.get()
    waits, moment = [], START

    while True:
        assert deliver_due(moment - timedelta(seconds=1)) == 0
        assert deliver_due(moment) == 1
        mail.refresh_from_db()
        if mail.next_attempt_at is None:
            break
        assert mail.state == MailState.QUEUED
        waits.append(mail.next_attempt_at - moment)
        moment = mail.next_attempt_at

    assert waits == sorted(set(waits))
    assert waits[0] == timedelta(minutes=1)
    assert sum(waits, timedelta()) >= timedelta(days=1)
    assert mail.state == MailState.FAILED
    assert enquiry.mail_state == MailState.FAILED
    assert mail.is_late
    assert mail.attempts.count() == len(waits) + 1 == len(WAITS) + 1
    assert set(mail.attempts.values_list("error", flat=True)) == {"ConnectionRefusedError"}
    assert deliver_due(moment + timedelta(days=365)) == 0


def test_requeued_mail_gets_all_retries(smtp: SmtpServer) -> None:
    enquiry = received(now=START)
    OutgoingMail.objects.update(state=MailState.FAILED, next_attempt_at=None, failures=len(WAITS) + 1)
    later = START + timedelta(days=5)
    for mail in enquiry.mails.all():
        assert requeue(mail=mail, now=later)
    smtp.behaviour = Behaviour.REJECT
    assert deliver_due(later) == 2
    assert {mail.next_attempt_at for mail in enquiry.mails.all()} == {later + WAITS[0]}
    smtp.behaviour = Behaviour.ACCEPT
    assert deliver_due(later + WAITS[0]) == 2
    assert len(smtp.messages) == 2


def test_requeue_hurries_queued_but_not_sent_mail(smtp: SmtpServer) -> None:
    enquiry = received(now=START)
    smtp.behaviour = Behaviour.REFUSE
    deliver_due(START)
    smtp.behaviour = Behaviour.ACCEPT
    for mail in enquiry.mails.all():
        assert requeue(mail=mail, now=START)
    assert deliver_due(START) == 2
    for mail in enquiry.mails.all():
        assert not requeue(mail=mail, now=START)
    assert deliver_due(START) == 0
    assert len(smtp.messages) == 2


def test_mail_being_sent_is_not_requeued(smtp: SmtpServer) -> None:
    mail = received(now=START).mails.all()[0]
    OutgoingMail.objects.update(state=MailState.SENDING, claimed_at=START)
    assert not requeue(mail=mail, now=START)
    assert deliver_due(START) == 0


def test_retries_keep_the_same_message_id() -> None:
    mail = received(now=START).mails.all()[0]
    first, second = (build_message(mail, now=START + timedelta(days=day)).message() for day in (0, 90))
    assert first["Message-ID"] == second["Message-ID"] == mail.message_id
    # The Date is the time of the attempt, so a mail that was held for months does not look old.
    assert (first["Date"], second["Date"]) == ("Sun, 22 Nov 2026 08:00:00 -0000", "Sat, 20 Feb 2027 08:00:00 -0000")
    assert len(set(OutgoingMail.objects.values_list("message_id", flat=True))) == 2


@pytest.mark.parametrize("fault", [Behaviour.ACCEPT, Behaviour.REJECT, Behaviour.DROP])
def test_logs_and_attempts_omit_the_recipient(
    smtp: SmtpServer, caplog: pytest.LogCaptureFixture, fault: Behaviour
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    smtp.behaviour = fault
    received(now=START, email="salamaija@esimerkki.fi", name="Salamaija")
    deliver_due(START)
    # Django logs SQL only with DEBUG on.
    lines = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert not [line for line in lines if "salamaija" in line.lower()]
    assert MailAttempt.objects.exists()
    assert "salamaija" not in str(list(MailAttempt.objects.values())).lower()


def test_error_in_one_mail_blocks_no_other(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    enquiry = received(now=START, email="salamaija@esimerkki.fi")
    build = delivery.build_message

    def broken(mail: OutgoingMail, *, now: datetime) -> Any:
        if mail.purpose == MailPurpose.NOTIFICATION:
            raise ValueError("salamaija@esimerkki.fi")
        return build(mail, now=now)

    monkeypatch.setattr(delivery, "build_message", broken)
    assert deliver_due(START) == 2
    assert len(smtp.messages) == 1
    notice = enquiry.mails.get(purpose=MailPurpose.NOTIFICATION)
    assert notice.attempts.get().error == "internal error: ValueError"
    assert notice.attempts.get().explanation == "Sivusto ei saanut viestiä lähetettyä (internal error: ValueError)."
    assert notice.is_late
    assert "ValueError" in caplog.text
    assert "salamaija" not in caplog.text


def test_expired_claim_is_sent_by_next_worker(smtp: SmtpServer) -> None:
    mail = received(now=START).mails.all()[0]
    OutgoingMail.objects.update(state=MailState.SENDING, claimed_at=START)
    assert deliver_due(START + CLAIM_LIFETIME - timedelta(seconds=1)) == 0
    assert deliver_due(START + CLAIM_LIFETIME) == 2
    assert len(smtp.messages) == 2
    assert [attempt.error for attempt in mail.attempts.all()] == ["interrupted", ""]


def test_expired_claim_does_not_overwrite_another_workers_result(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enquiry = received(now=START)
    enquiry.mails.filter(purpose=MailPurpose.CONFIRMATION).delete()
    build = delivery.build_message
    slept: list[bool] = []

    def sleep_first(mail: OutgoingMail, *, now: datetime) -> Any:
        if not slept:
            slept.append(True)
            assert deliver_next(now=START + CLAIM_LIFETIME)
            raise TimeoutError
        return build(mail, now=now)

    monkeypatch.setattr(delivery, "build_message", sleep_first)
    assert deliver_next(now=START)
    assert enquiry.mails.get().state == MailState.SENT
    assert deliver_due(START + timedelta(days=3)) == 0
    assert len(smtp.messages) == 1


@pytest.mark.parametrize("fault", list(Behaviour))
def test_form_response_is_independent_of_mail_server(visitor: Visitor, smtp: SmtpServer, fault: Behaviour) -> None:
    smtp.behaviour = fault
    sent = visitor.sends()
    assert sent.status_code == 303
    assert visitor.client.get(sent["Location"]).status_code == 200
    assert smtp.attempts == 0
