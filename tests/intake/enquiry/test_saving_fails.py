"""When the database or a template fails, the form keeps its text and nothing is stored in part."""

import sqlite3
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection
from django.template import TemplateSyntaxError

from aijuu_site.settings.data import WAIT_SECONDS
from home.models import ContactDetails
from intake.mail import queue
from intake.models import AutomaticReplyTrace, Enquiry, OutgoingMail, PostingTrace
from tests.intake.failing_writes import refused_rows
from tests.intake.visiting import ShownForm, Visitor, letter

NOTICE = "Viestiä ei voitu tallentaa. Tekstisi on yhä lomakkeella – yritä uudelleen tai soita 050 534 8567."


def _failing(error: Exception) -> Any:
    def fail(*_arguments: object, **_named: object) -> None:
        raise error

    return fail


def _assert_nothing_stored() -> None:
    for model in (Enquiry, OutgoingMail, PostingTrace, AutomaticReplyTrace):
        assert not model.objects.exists()


@pytest.mark.parametrize("kind", [OperationalError, IntegrityError, DatabaseError])
@pytest.mark.parametrize("model", [Enquiry, OutgoingMail, PostingTrace, AutomaticReplyTrace])
def test_database_error_keeps_text_and_stores_nothing(
    visitor: Visitor, caplog: pytest.LogCaptureFixture, kind: type[DatabaseError], model: type[Enquiry]
) -> None:
    caplog.clear()
    with refused_rows(model, kind("DETAIL: Key (email)=(maija.meikalainen@esimerkki.fi)")):
        returned = ShownForm.of(answer := visitor.sends())

    assert answer.status_code == 503
    assert returned.title.startswith("Virhe:")
    assert returned.notice == NOTICE
    assert returned.words == letter()
    _assert_nothing_stored()
    logged = caplog.text
    assert kind.__name__ in logged
    for written in ("meikalainen", "Maija", "perhekeskus", "tilaa ajatella", "DETAIL"):
        assert written not in logged

    assert visitor.sends(returned.values).status_code == 303
    assert Enquiry.objects.count() == 1


def test_error_notice_omits_missing_phone_number(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    ContactDetails.objects.update(phone="")
    monkeypatch.setattr(Enquiry, "save_base", _failing(OperationalError()))
    assert ShownForm.of(visitor.sends()).notice == NOTICE.removesuffix(" tai soita 050 534 8567.") + "."
    settings.FORM_RATE_LIMIT = 0
    assert ShownForm.of(visitor.sends()).notice.endswith("60 minuuttia ja yritä uudelleen.")


@pytest.mark.parametrize("template", ["emails/notification.txt", "emails/confirmation.html"])
def test_mail_template_error_stores_nothing(visitor: Visitor, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    render = queue.render_to_string

    def broken(name: str, context: dict[str, object]) -> str:
        if name == template:
            raise TemplateSyntaxError("a fault of ours")
        return render(name, context)

    monkeypatch.setattr(queue, "render_to_string", broken)
    visitor.client.raise_request_exception = False
    assert visitor.sends().status_code == 500
    _assert_nothing_stored()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's way of failing: somebody holds the write lock")
def test_locked_sqlite_database_keeps_text(visitor: Visitor) -> None:
    visitor.opens()
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 100")
    try:
        answer = visitor.sends()
    finally:
        holder.close()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 5000")
    assert answer.status_code == 503
    assert visitor.sends(ShownForm.of(answer).values).status_code == 303


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's way of failing: somebody locks the table")
def test_locked_postgresql_table_keeps_text(visitor: Visitor) -> None:
    visitor.opens()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == (f"{WAIT_SECONDS}s",)
    holder = connection.copy()
    holder.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with holder.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE intake_enquiry IN ACCESS EXCLUSIVE MODE")
        answer = visitor.sends()
    finally:
        holder.close()
    assert answer.status_code == 503
    assert visitor.sends(ShownForm.of(answer).values).status_code == 303
