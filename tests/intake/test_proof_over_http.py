"""The automatic test of the form: its requests over HTTP to a running site, and its results when something fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.utils import timezone
from wagtail.models import Page

from home.pause.rules import FormMode
from intake import proof as form_proof
from intake.choices import Kind, MailPurpose, MailState
from intake.enquiry.forms import ContactFactsForm
from intake.mail.delivery import deliver_due
from intake.models import (
    AutomaticReplyTrace,
    ContactPage,
    Enquiry,
    FormProof,
    InitialMapping,
    IntakeSettings,
    OutgoingMail,
    PostingTrace,
    RemovedEnquiry,
    WaitingLink,
    WaitingPlace,
)
from intake.proof import AlreadyRunning, ProofResult, begin, follow_up, last_proof, prove_by_night
from tests.intake.enquiries import received
from tests.intake.waiting.list_people import waiter
from tests.intake.waiting.visitors import set_pause
from tests.tools.running_site import free_port
from tests.tools.smtp_server import SmtpServer

KATI = "kati@example.fi"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loaded_site", "running_site")]


@pytest.fixture
def running_site(live_server: Any, settings: Any) -> None:
    """The site over HTTP, configured as behind a proxy that terminates TLS."""
    settings.LOCAL_ADDRESS = (live_server.thread.host, live_server.thread.port)
    settings.SITE_URL = "https://www.aijuu-koe.fi"
    settings.ALLOWED_HOSTS = ["www.aijuu-koe.fi"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = 1
    settings.PROOF_EMAIL = ""
    IntakeSettings.objects.update(notification_email=KATI)


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Advance the clock instead of waiting for the seconds in which a person would read the form."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        monkeypatch.setattr(form_proof, "sleep", clock.shift)
        yield


def nothing_is_left() -> bool:
    """Return whether the test enquiry, its mails and traces, and the record of its removal are all gone."""
    kinds = (OutgoingMail, PostingTrace, AutomaticReplyTrace, InitialMapping, RemovedEnquiry, WaitingPlace)
    return not Enquiry.with_proofs.exists() and not any(kind.objects.exists() for kind in kinds)


def finished(proof: FormProof) -> ProofResult:
    follow_up(proof, now=timezone.now())
    proof.refresh_from_db()
    return ProofResult(proof.result)


def test_proof_enquiry_is_mailed_and_removed(smtp: SmtpServer) -> None:
    proof = begin(now=timezone.now())
    assert proof.result == ProofResult.RUNNING
    letter = Enquiry.with_proofs.get()
    assert (letter.is_proof, letter.kind, letter.email, letter.verdict_reasons) == (True, Kind.CONTACT, KATI, [])
    assert not Enquiry.objects.exists()
    # Its mails are not sent yet.
    assert finished(proof) == ProofResult.RUNNING
    assert deliver_due() == 2
    assert {mail["To"] for mail in smtp.messages} == {KATI}
    subjects = [str(make_header(decode_header(str(mail["Subject"])))).strip() for mail in smtp.messages]
    assert [subject.partition(": ")[0] for subject in subjects] == ["Koe, ei vaadi toimia"] * 2, subjects
    assert finished(proof) == ProofResult.PASSED
    assert nothing_is_left()
    found = last_proof(now=timezone.now())
    assert found is not None
    assert found.has_passed


def test_mails_go_to_proof_email_setting(settings: Any) -> None:
    settings.PROOF_EMAIL = "koe@example.fi"
    begin(now=timezone.now())
    deliver_due()
    assert set(OutgoingMail.objects.values_list("recipient", flat=True)) == {"koe@example.fi"}


def test_proof_counts_towards_no_limit(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 1
    received(email=KATI)
    before = PostingTrace.objects.count(), AutomaticReplyTrace.objects.count()
    for _ in range(2):
        proof = begin(now=timezone.now())
        OutgoingMail.objects.update(state=MailState.SENT)
        assert finished(proof) == ProofResult.PASSED
    assert (PostingTrace.objects.count(), AutomaticReplyTrace.objects.count()) == before
    assert Enquiry.with_proofs.count() == 1


def test_waiting_list_form_and_mails_are_tested(smtp: SmtpServer) -> None:
    set_pause(FormMode.WAITING_LIST)
    proof = begin(now=timezone.now())
    assert proof.result == ProofResult.RUNNING
    assert Enquiry.with_proofs.get().kind == Kind.WAITING
    purposes = set(OutgoingMail.objects.values_list("purpose", flat=True))
    assert purposes == {MailPurpose.NOTIFICATION, MailPurpose.WAITING_CONFIRMATION}
    # Somebody with the same e-mail address is on the waiting list and has not been reached.
    real = waiter(now=timezone.now(), email=KATI, is_reached=False)
    real.enquiry.mails.all().delete()
    AutomaticReplyTrace.objects.all().delete()
    assert deliver_due() == 2
    assert {mail["To"] for mail in smtp.messages} == {KATI}
    subjects = [str(make_header(decode_header(str(mail["Subject"])))).strip() for mail in smtp.messages]
    assert all(subject.startswith("Koe, ei vaadi toimia: ") for subject in subjects), subjects
    assert any("odotuslistalla" in subject for subject in subjects), subjects
    assert [place.pk for place in WaitingPlace.objects.all()] == [real.pk]
    real.refresh_from_db()
    assert real.reached_at is None
    assert not WaitingLink.objects.exists()
    assert finished(proof) == ProofResult.PASSED
    real.enquiry.delete()
    assert nothing_is_left()


def test_message_form_is_tested_with_contact_details() -> None:
    set_pause(FormMode.CONTACT_DETAILS)
    proof = begin(now=timezone.now())
    assert proof.result == ProofResult.RUNNING
    assert Enquiry.with_proofs.get().kind == Kind.CONTACT


def broken_page(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page.show_form", lambda *_: HttpResponse("", status=500))


def no_form_on_page(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page.show_form", lambda *_: HttpResponse("<h1>Ota yhteyttä</h1>"))


def unpublished(_monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    page: Page = ContactPage.objects.get()
    page.unpublish()


def no_server(_monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.LOCAL_ADDRESS = ("127.0.0.1", free_port())


def database_refuses(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page.receive_enquiry", lambda **_: 1 / 0)


def broken_thanks(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page.show_thanks", lambda *_: HttpResponse("", status=500))


def thanks_of_another_enquiry(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page.show_thanks", lambda *_: HttpResponse("Kiitos! Viitenumero: AAAA-AAAA"))


def answered_but_not_stored(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page._store", lambda *_: "/")


def other_words(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.contact.page.ContactForm.facts", _other_facts)


def _other_facts(form: Any) -> Any:
    return replace(ContactFactsForm.facts(form), message="Jotakin muuta.")


def spam(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr(form_proof, "_WORDS", {**form_proof._WORDS, "message": "Cheap SEO backlinks"})


def mail_is_not_made(monkeypatch: pytest.MonkeyPatch, _settings: Any) -> None:
    monkeypatch.setattr("intake.enquiry.services.queue_mails", lambda *_, **__: None)


@pytest.mark.parametrize(
    ("breaks", "result"),
    [
        (unpublished, ProofResult.NO_PAGE),
        (no_server, ProofResult.NO_ANSWER),
        (broken_page, ProofResult.NO_FORM),
        (no_form_on_page, ProofResult.NO_FORM),
        (database_refuses, ProofResult.REFUSED),
        (answered_but_not_stored, ProofResult.NOT_STORED),
        (other_words, ProofResult.NOT_STORED),
        (broken_thanks, ProofResult.NO_THANKS),
        (thanks_of_another_enquiry, ProofResult.NO_THANKS),
        (spam, ProofResult.SUSPECTED),
        (mail_is_not_made, ProofResult.NO_MAIL),
    ],
)
def test_first_failure_is_reported_and_cleaned_up(
    breaks: Callable[[pytest.MonkeyPatch, Any], None],
    result: ProofResult,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    breaks(monkeypatch, settings)
    proof = begin(now=timezone.now())
    assert ProofResult(proof.result) == result
    assert nothing_is_left()
    assert last_proof(now=timezone.now()) == proof


def test_unsent_mail_is_a_failure() -> None:
    proof = begin(now=timezone.now())
    follow_up(proof, now=timezone.now() + timedelta(minutes=29))
    assert proof.result == ProofResult.RUNNING
    follow_up(proof, now=timezone.now() + timedelta(minutes=31))
    assert proof.result == ProofResult.MAIL_WAITS
    assert nothing_is_left()


class Killed(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("at", ["new_proof_mark", "find_form", "_opened", "ask"])
def test_next_run_cleans_up_after_a_killed_one(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(form_proof, at, kill)
        with pytest.raises(Killed):
            begin(now=timezone.now())
    assert_cleaned_up()


def test_enquiry_of_killed_run_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = form_proof.ask

    def die_after_post(path: str, **fields: Any) -> Any:
        answer = ask(path, **fields)
        if fields:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(form_proof, "ask", die_after_post)
        with pytest.raises(Killed):
            begin(now=timezone.now())
    assert Enquiry.with_proofs.count() == 1
    assert_cleaned_up()


def kill(*_arguments: object, **_named: object) -> Any:
    raise Killed


def assert_cleaned_up() -> None:
    with pytest.raises(AlreadyRunning):
        begin(now=timezone.now())
    prove_by_night(now=timezone.now() + timedelta(minutes=31))
    assert FormProof.objects.get().result == ProofResult.INTERRUPTED
    assert nothing_is_left()


def test_command_reports_that_form_works(
    smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In place of the worker.
    monkeypatch.setattr("intake.management.commands.prove_form.time.sleep", lambda _seconds: deliver_due())
    call_command("prove_form")
    assert "The form works" in capsys.readouterr().out
    assert len(smtp.messages) == 2
    assert nothing_is_left()


def test_command_fails_when_form_fails(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    no_server(monkeypatch, settings)
    with pytest.raises(CommandError, match=r"The site did not answer\."):
        call_command("prove_form")


def test_command_fails_when_mail_is_unsent() -> None:
    with pytest.raises(CommandError, match="did not go out in 0 s"):
        call_command("prove_form", "--wait", "0")
    with pytest.raises(CommandError, match="A proof is running"):
        call_command("prove_form")


@pytest.mark.parametrize("written", ["-5", "1.5", "²", ""])
def test_command_refuses_invalid_wait(written: str) -> None:
    with pytest.raises(CommandError, match="is no whole number from 0 up"):
        call_command("prove_form", f"--wait={written}")
    assert not FormProof.objects.exists()
