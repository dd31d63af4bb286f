"""The private address is secret: no log, table or header contains it. Reading its pages changes nothing."""

import io
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django.urls import resolve
from django.utils import timezone
from django.views.debug import SafeExceptionReporterFilter

from home.models import ContactDetails
from intake.mail.queue import new_secret
from intake.mapping import private_pages
from intake.mapping.mails import MAPPING_LINK
from intake.models import Enquiry, InitialMapping, MappingLink, OutgoingMail
from tests.intake.mail.delivering import deliver_due
from tests.intake.mapping.answering import ANSWERS, Answerer, contact_facts
from tests.intake.mapping.database_dump import database_dump
from tests.intake.mapping.mailed_links import secrets_in_mails
from tests.intake.visiting import Visitor, letter
from tests.tools.smtp_server import SmtpServer

PLACES = ["", "yhteystiedot", "vaihe/1", "vaihe/2", "vaihe/9", "tarkista", "perilla", "muu", "vaihe/x"]
PRIVATE_HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """The output of the site's own log handler, with the loggers at DEBUG."""
    (handler,) = (one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    # Except django.template, which is quiet by default: at DEBUG it logs whole contexts.
    with caplog.at_level(logging.DEBUG):
        for name in ("django.request", "django.security", "intake", "wagtail"):
            caplog.set_level(logging.DEBUG, name)
        yield written
    handler.setStream(before)


def failing(*_arguments: object, **_named: object) -> Any:
    raise OperationalError("DETAIL: Salasanat")


def test_logs_contain_no_secret_or_typed_text(
    answerer: Answerer, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    answerer.client.raise_request_exception = False
    answerer.begins(contact_facts(name="Salamaija", email="salamaija@salanen.fi"))
    answerer.answers_all()
    words = {**ANSWERS[1], "q_muutos": "Salasanat"}
    answerer.sends_step(2, words)
    for place in PLACES:
        answerer.opens(place)
        if place != "tarkista":
            answerer.posts(answerer.address(place), words)
    answerer.client.get(answerer.address().rstrip("/"))
    statuses = []
    with monkeypatch.context() as broken:
        broken.setattr(InitialMapping, "save_base", failing)
        statuses.append(answerer.posts(answerer.address("vaihe/2"), words).status_code)
        statuses.append(answerer.sends().status_code)
    with monkeypatch.context() as broken:
        broken.setattr(private_pages, "steps_to_show", failing)
        statuses.append(answerer.opens("vaihe/2").status_code)
        statuses.append(answerer.posts(answerer.address("vaihe/2"), words).status_code)
    answerer.sends()
    answerer.posts(answerer.address("vaihe/2"), words)
    InitialMapping.objects.all().delete()
    answerer.opens("vaihe/2")
    answerer.posts(answerer.address("vaihe/2"), words)

    assert statuses == [503, 503, 503, 503]
    written = log.getvalue()
    # The errors are logged with the name of the view, without the URL.
    assert "503 Service Unavailable at POST mapping_step" in written
    assert "503 Service Unavailable at GET mapping_step" in written
    assert "404 Not Found at GET" in written
    assert "/jatka/" not in written
    assert answerer.secret not in written
    without_own_error = written.replace("DETAIL: Salasanat", "")
    assert "sala" not in without_own_error.lower()


def test_unreadable_private_request_has_privacy_headers(begun: Answerer, log: io.StringIO) -> None:
    answers = [
        begun.client.generic(
            "POST", begun.address("vaihe/1"), b"--x", content_type="multipart/form-data; boundary=\xe9"
        ),
        begun.client.get(begun.address("vaihe/1") + "?x=%00"),
    ]
    for answer in answers:
        assert answer.status_code in (400, 422)
        assert {name: answer[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
    assert begun.secret not in log.getvalue()


def _answers_everywhere(answerer: Answerer) -> Iterator[Any]:
    for place in PLACES:
        for method in ("get", "head", "post", "put", "options") if place == "vaihe/1" else ("get", "post"):
            yield getattr(answerer.client, method)(answerer.address(place))
    yield answerer.client.get(answerer.address().rstrip("/"))
    yield answerer.client.get("/jatka/")


@pytest.mark.parametrize("stage", ["begun", "sent", "unknown", "failing"])
def test_every_private_response_has_privacy_headers(
    begun: Answerer, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    if stage == "sent":
        begun.answers_all()
        begun.sends()
    elif stage == "unknown":
        begun.secret = new_secret()
    elif stage == "failing":
        monkeypatch.setattr(private_pages, "steps_to_show", failing)
    begun.client.raise_request_exception = False
    statuses = set()
    for answer in _answers_everywhere(begun):
        statuses.add(answer.status_code)
        assert {name: answer[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS, answer.request
        assert not answer.cookies
        assert not answer.has_header("Set-Cookie")
    assert {"begun": {200, 303, 404, 405, 422}, "sent": {302, 303, 404, 405}, "unknown": {404, 405}}.get(
        stage, {503}
    ) <= statuses | {302 if 303 in statuses else 0, 303 if 302 in statuses else 0}


def test_other_pages_keep_their_own_headers(answerer: Answerer) -> None:
    assert answerer.client.get("/alkukartoitus/")["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "X-Robots-Tag" not in answerer.client.get("/alkukartoitus/")


def reads_everything(answerer: Answerer) -> None:
    """Open every page, and assert that no row changes."""
    before = database_dump()
    for place in PLACES:
        answerer.client.get(answerer.address(place))
        answerer.client.head(answerer.address(place) + "?tarkista&back=1&q_kuka=kuka-1")
    assert database_dump() == before
    assert sum(rows.count("\n") + bool(rows) for rows in before.values()) > 10


def test_reading_changes_no_row(begun: Answerer) -> None:
    begun.answers_all()
    reads_everything(begun)
    before = database_dump()
    for address in ("/alkukartoitus/", "/alkukartoitus/aloita/", "/alkukartoitus/muualle/"):
        begun.client.get(address)
    assert database_dump() == before
    begun.sends()
    reads_everything(begun)


def test_reading_expired_pages_changes_no_row(begun: Answerer) -> None:
    InitialMapping.objects.update(expires_at=timezone.now())
    reads_everything(begun)


def test_reading_the_second_stage_changes_no_row(answerer: Answerer, visitor: Visitor) -> None:
    answerer.follows(visitor.client.post(visitor.sends()["Location"]))
    reads_everything(answerer)


def test_reading_the_thanks_page_changes_no_row(visitor: Visitor, mapping_page: object) -> None:
    thanks = visitor.sends()["Location"]
    before = database_dump()
    assert "alkukartoitu" in visitor.client.get(thanks).content.decode()
    visitor.client.head(thanks)
    assert database_dump() == before


def test_database_contains_no_private_link_secret(answerer: Answerer, visitor: Visitor, smtp: SmtpServer) -> None:
    answerer.sends_all(contact_facts(email="toinen@esimerkki.fi"))
    thanks = visitor.sends()["Location"]
    second = Answerer()
    second.follows(visitor.client.post(thanks))
    deliver_due(timezone.now() + timedelta(seconds=1))
    mailed = secrets_in_mails(smtp)
    assert len(mailed) == 1
    dump = str(database_dump())
    assert MAPPING_LINK.placeholder in dump
    for secret in (answerer.secret, second.secret, *mailed):
        assert len(secret) == 43
        assert secret not in dump
        assert re.search(rf"{secret[:20]}|{secret[-20:]}", dump) is None
    assert MappingLink.objects.count() == 3


def test_stored_mail_does_not_contain_the_secret(visitor: Visitor, mapping_page: object, smtp: SmtpServer) -> None:
    visitor.sends()
    deliver_due(timezone.now() + timedelta(seconds=1))
    (secret,) = secrets_in_mails(smtp)
    reader = Answerer(secret=secret)
    assert reader.opens()["Location"] == reader.address("vaihe/1")
    stored = OutgoingMail.objects.get(purpose="confirmation")
    for text in (stored.text, stored.html):
        assert f"/jatka/{MAPPING_LINK.placeholder}/" in text
    assert Answerer(secret=MAPPING_LINK.placeholder).opens().status_code == 404


def test_secrets_are_long_and_unique(mapping_page: object) -> None:
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[\w-]{43}", secret, re.ASCII) for secret in made)


def test_sitemap_and_robots_omit_private_links(begun: Answerer) -> None:
    listed = begun.client.get("/sitemap.xml").content.decode() + begun.client.get("/robots.txt").content.decode()
    assert "jatka" not in listed
    assert "aloita" not in listed
    assert "/alkukartoitus/" in listed


def test_mapping_pages_set_no_cookie(begun: Answerer) -> None:
    begun.answers_all()
    begun.sends()
    begun.opens("perilla")
    assert not begun.client.cookies
    assert database_dump()["django_session"] == ""


def test_object_repr_contains_no_typed_text(answerer: Answerer) -> None:
    answerer.sends_all(contact_facts(name="Sala", email="sala@salanen.fi"))
    for row in (InitialMapping.objects.get(), MappingLink.objects.get(), Enquiry.objects.get()):
        assert "sala" not in (str(row) + repr(row)).lower()
        assert answerer.secret not in str(row)


def test_error_report_hides_typed_text(begun: Answerer) -> None:
    # The view marks its request as sensitive, so Django's report filter hides the posted values.
    request = RequestFactory().post(begun.address("vaihe/9"), {"q_muutos": "Salasanat"})
    match = resolve(begun.address("vaihe/9"))
    match.func(request, *match.args, **match.kwargs)
    assert SafeExceptionReporterFilter().get_post_parameters(request)["q_muutos"] != "Salasanat"


def test_mapping_mails_contain_no_typed_text(answerer: Answerer) -> None:
    ContactDetails.objects.update(response_time="kahden viikon kuluessa")
    answerer.sends_all(contact_facts(name="Salamaija", organisation="Salayhdistys"))
    mails = OutgoingMail.objects.all()
    assert {mail.purpose for mail in mails} == {"notification", "confirmation"}
    for mail in mails:
        written = (mail.subject + mail.text + mail.html).lower()
        assert "sala" not in written
        assert "ajatella" not in written
        assert "edustan" not in written
        assert Enquiry.objects.get().reference.lower() in written
        # The mapping has arrived already, so no link to one is offered.
        assert "/jatka/" not in written


def test_message_without_mapping_page_gets_no_link(visitor: Visitor) -> None:
    visitor.sends(letter())
    assert "/jatka/" not in OutgoingMail.objects.get(purpose="confirmation").text
