"""Typed text is in the database and nowhere else: not in logs, URLs or the repr of objects."""

import logging
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from intake.contact import page
from intake.enquiry.removal import remove_due
from intake.mail.delivery import deliver_next
from intake.models import Enquiry
from intake.rate_limit import TooManyPosts
from tests.intake.enquiries import closed
from tests.intake.visiting import ADDRESS, Visitor, letter, page_text

WORDS = letter(
    name="Salamaija Salanen",
    email="salamaija@salanen.fi",
    organisation="Salayhdistys",
    phone="040 9998877",
    message="Salaviesti, jota kukaan muu ei lue.",
)
MARKS = ("sala", "9998877", "999 8877")


def _has_words(text: str) -> bool:
    return any(mark in text.lower() for mark in MARKS)


def test_typed_text_is_recognised_by_these_tests() -> None:
    assert all(_has_words(str(WORDS[name])) for name in ("name", "email", "organisation", "phone", "message"))


def test_thanks_page_has_no_typed_text(visitor: Visitor) -> None:
    location = visitor.sends(WORDS)["Location"]
    enquiry = Enquiry.objects.get()
    assert location == f"{ADDRESS}kiitos/{enquiry.receipt}/"
    page = visitor.client.get(location)
    assert not _has_words(page.content.decode())
    assert '<meta name="robots" content="noindex">' in page.content.decode()


def test_a_thanks_page_cannot_be_guessed(visitor: Visitor) -> None:
    visitor.sends(WORDS)
    enquiry = Enquiry.objects.get()
    for guess in (uuid.uuid4(), uuid.UUID(int=enquiry.pk), enquiry.submission_id, enquiry.reference, enquiry.pk):
        assert visitor.client.get(f"{ADDRESS}kiitos/{guess}/").status_code == 404


def test_object_repr_contains_no_typed_text(visitor: Visitor) -> None:
    visitor.sends(WORDS)
    closed(at=timezone.now(), name="Sala", email="sala@salanen.fi")
    while deliver_next(now=timezone.now()):
        pass
    remove_due(now=timezone.now() + timedelta(days=4000))
    seen = []
    for model in apps.get_app_config("intake").get_models():
        for row in model._default_manager.all():
            seen.append(model.__name__)
            assert not _has_words(str(row) + repr(row)), model
    assert {"Enquiry", "OutgoingMail", "MailAttempt", "PostingTrace", "AutomaticReplyTrace"} - set(seen) <= {
        "PostingTrace",
        "AutomaticReplyTrace",
    }
    assert {"RemovedEnquiry"} <= set(seen)


def test_typed_text_is_never_logged(visitor: Visitor, caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 2
    with caplog.at_level(logging.DEBUG):
        statuses = [
            visitor.sends({**WORDS, "name": ""}).status_code,
            visitor.sends({**WORDS, "form_token": ""}).status_code,
            visitor.sends(WORDS, headers={"Origin": "https://evil.example"}).status_code,
            visitor.sends({**WORDS, "extra_line": "sala"}).status_code,
            (sent := visitor.sends(WORDS)).status_code,
            visitor.sends(WORDS).status_code,
            visitor.client.get(sent["Location"]).status_code,
        ]
        while deliver_next(now=timezone.now()):
            pass
    assert statuses == [422, 422, 403, 303, 303, 429, 200]
    # Django logs SQL only with DEBUG on.
    lines = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert not [line for line in lines if _has_words(line)]


def test_log_of_an_error_hides_the_form(
    visitor: Visitor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_arguments: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(page, "receive_enquiry", broken)
    visitor.client.raise_request_exception = False
    answer = visitor.sends(WORDS)
    assert answer.status_code == 500
    # The response returns the typed text to the sender only.
    assert str(WORDS["message"]) in page_text(answer)
    assert answer["Cache-Control"] == "no-store"
    assert "a fault of ours" in caplog.text
    assert not _has_words(caplog.text)


def test_rate_limit_exception_has_no_personal_data() -> None:
    assert str(TooManyPosts(timedelta(minutes=1))) == "too many posts"
