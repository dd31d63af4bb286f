"""The cost of one post of the contact form: its queries, and the content of its transaction. No times are measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.template import Template
from django.test.utils import CaptureQueriesContext

from home.models import ContactDetails
from home.pause.rules import FormMode
from intake.enquiry import services
from intake.mail import queue
from intake.models import Enquiry, OutgoingMail, PostingTrace
from tests.intake.visiting import Visitor, letter, token
from tests.intake.waiting.visitors import set_pause


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the statements before the transaction that receives an enquiry, and those in it."""
    before: list[str] = []
    within: list[str] = []
    store, place = services._store, before

    def stored(*arguments: Any) -> Enquiry:
        nonlocal place
        place = within
        try:
            return store(*arguments)
        finally:
            place = before

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        place.append(sql.strip())
        return execute(sql, params, many, context)

    with monkeypatch.context() as patch, connection.execute_wrapper(note):
        patch.setattr(services, "_store", stored)
        yield before, within


def writes(sql: list[str]) -> list[str]:
    return [statement.split()[2].strip('"') for statement in sql if statement.startswith("INSERT")]


def test_transaction_of_a_post_is_short(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.opens()
    visitor.sends(letter(message="Ensimmäinen.", email="eka@esimerkki.fi"))
    with statements(monkeypatch) as (before, within):
        assert visitor.sends(letter(form_token=token())).status_code == 303
    assert not writes(before)
    assert writes(within) == [
        "intake_postingtrace",
        "intake_enquiry",
        "intake_automaticreplytrace",
        "intake_outgoingmail",
    ]
    # The only read is the check for a repeat. The test's savepoint and PostgreSQL's lock are not counted.
    reads = [sql for sql in within if sql.startswith("SELECT") and "advisory" not in sql]
    assert len(reads) == 1, reads
    assert len(before) <= 9, before


def test_post_renders_no_mail_in_its_transaction(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    is_storing = False
    store, render = services._store, Template.render

    def stored(*arguments: Any) -> Enquiry:
        nonlocal is_storing
        is_storing = True
        try:
            return store(*arguments)
        finally:
            is_storing = False

    def noted(template: Template, context: Any) -> Any:
        if str(template.name).startswith("emails/"):
            rendered.append(f"{template.name} {'within' if is_storing else 'before'}")
        return render(template, context)

    monkeypatch.setattr(services, "_store", stored)
    monkeypatch.setattr(Template, "render", noted)
    assert visitor.sends().status_code == 303
    mails = {"confirmation.html", "confirmation.txt", "notification.html", "notification.txt"}
    assert {f"emails/{name} before" for name in mails} <= set(rendered)
    assert [name for name in rendered if name.endswith("within")] == []
    enquiry = Enquiry.objects.get()
    notification = OutgoingMail.objects.get(purpose="notification")
    assert f"/inspect/{enquiry.pk}/" in notification.text
    assert f"/inspect/{enquiry.pk}/" in notification.html
    assert notification.enquiry == enquiry


def test_next_post_renders_no_mail_again(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel("2026-11-26 10:00+02:00", tick=False):
        visitor.sends(letter(message="Ensimmäinen.", email="eka@esimerkki.fi"))

        def rendered(*_arguments: Any) -> str:
            raise AssertionError("rendered again")

        monkeypatch.setattr(queue, "render_to_string", rendered)
        assert visitor.sends(letter(email="toka@esimerkki.fi")).status_code == 303
    for enquiry in Enquiry.objects.all():
        for mail in enquiry.mails.all():
            assert enquiry.reference in mail.subject
            for text in (mail.text, mail.html):
                assert enquiry.reference in text
                assert "paikka" not in text
                assert "9999" not in text
        notification = enquiry.mails.get(purpose="notification")
        assert f"/inspect/{enquiry.pk}/" in notification.html
    assert OutgoingMail.objects.count() == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"business_name": "Toinen nimi"}, "Toinen nimi"),
        ({"person_name": "Toinen ihminen"}, "Toinen ihminen"),
        ({"phone": "0401234567"}, "040 123 4567"),
        ({"response_time": "yhdessä yössä"}, "yhdessä yössä"),
    ],
)
def test_next_mail_has_changed_contact_details(visitor: Visitor, change: dict[str, str], words: str) -> None:
    visitor.sends(letter(message="Ensimmäinen.", email="eka@esimerkki.fi"))
    ContactDetails.objects.update(**change)
    visitor.sends(letter(email="toka@esimerkki.fi"))
    first, second = OutgoingMail.objects.filter(purpose="confirmation").order_by("pk")
    assert words not in first.text.replace("\xa0", " ")
    for text in (second.text, second.html):
        assert words in text.replace("\xa0", " ").replace("&nbsp;", " ")


def test_next_mail_follows_pause_and_suspicion(visitor: Visitor) -> None:
    visitor.sends(letter(message="Ensimmäinen.", email="eka@esimerkki.fi"))
    set_pause(FormMode.AS_USUAL)
    visitor.sends(letter(message="Toinen.", email="toka@esimerkki.fi"))
    visitor.sends(letter(message="Kolmas.", email="kolmas@esimerkki.fi", extra_line="x"))
    first, second = OutgoingMail.objects.filter(purpose="confirmation").order_by("pk")
    assert "tauolla" not in first.text
    assert "tauolla" in second.text
    plain, _plain, suspicious = OutgoingMail.objects.filter(purpose="notification").order_by("pk")
    assert "Roskapostisuodatin" not in plain.text
    assert "Roskapostisuodatin" in suspicious.text


def test_rate_limit_reads_one_row(visitor: Visitor, settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 5
    for number in range(5):
        assert visitor.sends(letter(message=f"Viesti {number}")).status_code == 303
    with CaptureQueriesContext(connection) as captured:
        assert visitor.sends().status_code == 429
    reads = [query["sql"] for query in captured if "FROM intake_postingtrace" in query["sql"]]
    assert reads
    assert all("LIMIT 1" in read for read in reads)


def test_taken_reference_is_generated_again(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.sends(letter(message="Ensimmäinen.", email="eka@esimerkki.fi"))
    taken = Enquiry.objects.get().reference
    drawn = iter([taken, taken, "ABC2345"])
    monkeypatch.setattr(services, "new_reference", lambda: next(drawn))
    assert visitor.sends().status_code == 303
    assert set(Enquiry.objects.values_list("reference", flat=True)) == {taken, "ABC2345"}
    assert OutgoingMail.objects.filter(subject__contains="ABC2345").count() == 2
    assert PostingTrace.objects.count() == 2
