"""The private page: reading changes nothing, a post stores the answer, and no cache, log or header reveals it."""

import io
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from home.dates import finnish_day
from intake.choices import Kind, Outcome, Status
from intake.enquiry.rules import months_later
from intake.enquiry.services import change_status
from intake.mail.delivery import deliver_next
from intake.models import Enquiry, IntakeSettings, OutgoingMail
from intake.waiting.mails import WAITING_LINK, queue_waiting_link
from intake.waiting.models import WaitingLink, WaitingPlace
from intake.waiting.reading import read_list, read_place
from tests.intake.enquiries import received
from tests.intake.mapping.mailed_links import secrets_in_mails
from tests.intake.visiting import ShownForm, Visitor, page_text
from tests.intake.waiting.list_people import waiter
from tests.intake.waiting.visitors import joins, presses, private_address, set_pause, wish
from tests.tools.smtp_server import SmtpServer

PRIVATE_HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}

pytestmark = pytest.mark.usefixtures("contact_page")


@pytest.fixture
def enquiry() -> Enquiry:
    """Somebody on the list."""
    return received(
        kind=Kind.WAITING, wants_mail=True, name="Salamaija", email="salamaija@salanen.fi", message="Salasanat"
    )


def buttons(response: Any) -> dict[str, str]:
    """Return the answer buttons: value -> text."""
    found = ShownForm.of(response).soup.select("main form[method=post] button[name=answer]")
    return {str(one["value"]): one.get_text(strip=True) for one in found}


def notify(enquiry: Enquiry) -> None:
    WaitingPlace.objects.filter(enquiry=enquiry).update(notified_at=timezone.now())


def test_private_page_shows_status_without_typed_text(enquiry: Enquiry) -> None:
    page = Client().get(private_address(enquiry))
    assert page.status_code == 200
    assert buttons(page) == {
        "stay": "Haluan pysyä odotuslistalla",
        "no": "En halua enää odottaa",
        "remove": "Poista tietoni nyt",
    }
    text = page_text(page)
    assert page.content.startswith(b"<!doctype html>\n")
    assert "Olet odotuslistalla" in text
    assert enquiry.reference in text
    assert "sala" not in page.content.decode().lower()
    assert not page.cookies


def test_removal_takes_two_presses(enquiry: Enquiry) -> None:
    soup = ShownForm.of(Client().get(private_address(enquiry))).soup
    fold = soup.select_one("details:has(button[value=remove])")
    assert fold is not None
    assert not fold.has_attr("open")
    assert fold.summary is not None
    assert fold.summary.get_text(strip=True) == "Poista tietoni"
    # Enter in the other form, or its first button, removes nothing.
    assert [len(form.select("button[value=remove]")) for form in soup.select("main form")] == [0, 1]


@pytest.mark.parametrize("notified", [True, False])
def test_get_with_any_query_changes_nothing(enquiry: Enquiry, notified: bool) -> None:
    if notified:
        notify(enquiry)
    address = private_address(enquiry)
    models = (Enquiry, WaitingPlace, WaitingLink, OutgoingMail)
    before = [list(model.objects.values()) for model in models]
    client = Client()
    for query in ("", "?answer=no", "?answer=remove", "?answer=yes"):
        assert client.get(address + query).status_code == 200
        assert client.head(address + query).status_code == 200
    for method in ("put", "delete", "patch", "options"):
        assert getattr(client, method)(address).status_code == 405
    assert [list(model.objects.values()) for model in models] == before


@pytest.mark.parametrize(
    ("notified", "answer", "heading", "status", "then"),
    [
        (False, "stay", "Kiitos, pysyt odotuslistalla", "waiting_list", {"no", "remove"}),
        (False, "no", "Et ole enää odotuslistalla", "closed", {"stay", "remove"}),
        (True, "yes", "Kiitos, vastauksesi on perillä", "new", {"no", "remove"}),
        (True, "no", "Et ole enää odotuslistalla", "closed", {"yes", "remove"}),
    ],
)
def test_answer_redirects_to_page_showing_it(
    enquiry: Enquiry, notified: bool, answer: str, heading: str, status: str, then: set[str]
) -> None:
    if notified:
        notify(enquiry)
    address = private_address(enquiry)
    if notified:
        assert buttons(Client().get(address)) == {
            "yes": "Olen yhä kiinnostunut",
            "no": "En enää",
            "remove": "Poista tietoni nyt",
        }
    pressed = [presses(address, answer) for _ in range(2)]
    assert [(one.status_code, one["Location"]) for one in pressed] == [(303, address)] * 2
    page = Client().get(address)
    shown = ShownForm.of(page)
    assert shown.title == f"{heading} – Aijuu työnohjaus"
    assert [one.get_text(strip=True) for one in shown.soup.select("h1")] == [heading]
    assert set(buttons(page)) == then
    assert Enquiry.objects.get().status == status
    assert Enquiry.objects.get().steps.count() == 1


def test_page_after_leaving_announces_the_removal(enquiry: Enquiry) -> None:
    address = private_address(enquiry)
    presses(address, "no")
    enquiry.refresh_from_db()
    text = page_text(Client().get(address))
    assert "Tietosi poistetaan itsestään viimeistään" in text
    assert buttons(Client().get(address))["stay"] == "Haluan takaisin odotuslistalle"


def test_page_after_removal_mentions_remaining_places(enquiry: Enquiry) -> None:
    other = received(kind=Kind.WAITING, wants_mail=True, email=enquiry.email, message="Toinen viesti")
    address = private_address(enquiry)
    presses(address, "remove")
    page = page_text(Client().get(address))
    assert WaitingPlace.objects.get().enquiry == other
    assert "eikä niistä tule enää sähköpostia. Jos olet liittynyt listalle useammin kuin kerran" in page
    assert "paikka, jota et poistanut, on yhä voimassa" in page


def test_link_after_removal_is_404_with_advice(enquiry: Enquiry) -> None:
    address, other = private_address(enquiry), private_address(enquiry)
    assert presses(address, "remove").status_code == 303
    assert not Enquiry.objects.exists()
    for gone in (address, other, "/jatka/aivan-muuta/odotuslista/"):
        page = Client().get(gone)
        assert page.status_code == 404
        assert "Jos poistit tietosi, ne ovat nyt poissa" in page_text(page)
        for answer in ("remove", "yes", "no", "stay"):
            assert presses(gone, answer).status_code == 404
        assert {name: page[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS


@pytest.mark.parametrize("answer", ["", "YES", "maybe", "\x00", "x" * 10_000])
def test_unknown_answer_changes_nothing(enquiry: Enquiry, answer: str) -> None:
    before = Enquiry.objects.values().get()
    response = presses(private_address(enquiry), answer)
    assert response.status_code == 303
    assert Enquiry.objects.values().get() == before


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--b\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=b"),
        (b"answer=no", "multipart/form-data"),
        (b'{"answer": "no"}', "application/json"),
        (b"answer=n%FFo&%zz", "application/x-www-form-urlencoded"),
        (b"answer=no", "text/plain; charset=hex"),
        (
            b'--b\r\nContent-Disposition: form-data; name="answer"\r\n\r\nn+AA-\xff\r\n--b--\r\n',
            "multipart/form-data; boundary=b; charset=hex",
        ),
    ],
)
def test_malformed_post_is_handled_and_changes_nothing(enquiry: Enquiry, body: bytes, content_type: str) -> None:
    response = Client().generic("POST", private_address(enquiry), body, content_type=content_type)
    assert response.status_code in (303, 400)
    assert Enquiry.objects.get().status == "waiting_list"


def test_oversized_post_changes_nothing(enquiry: Enquiry, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    address = private_address(enquiry)
    response = Client().post(address, "answer=no&x=" + "x" * 1000, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response["Location"]) == (303, address)
    assert Enquiry.objects.get().status == "waiting_list"


@pytest.mark.parametrize(
    ("status", "outcome", "heading"),
    [
        (Status.IN_REVIEW, "", "Asiasi on Katilla"),
        (Status.CLOSED, Outcome.AGREEMENT, "Asiasi on päättynyt"),
        (Status.CLOSED, Outcome.NO_RESPONSE, "Et ole enää odotuslistalla"),
    ],
)
def test_page_shows_status_set_by_kati_meanwhile(enquiry: Enquiry, status: Status, outcome: str, heading: str) -> None:
    address = private_address(enquiry)
    change_status(enquiry_id=enquiry.pk, version=1, status=status, outcome=outcome, by=None, now=timezone.now())
    # The button of a page that was opened before the change.
    assert presses(address, "no").status_code == 303
    page = Client().get(address)
    assert heading in [one.get_text(strip=True) for one in ShownForm.of(page).soup.select("h1")]
    enquiry.refresh_from_db()
    assert (enquiry.status, enquiry.outcome) == (status, outcome)


@pytest.mark.parametrize("answer", ["yes", "no", "stay", "remove"])
def test_database_error_is_shown_and_changes_nothing(
    enquiry: Enquiry, answer: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if answer == "yes":
        notify(enquiry)
    address = private_address(enquiry)
    row = Enquiry.objects.values().get()

    def failing(*_arguments: object, **_named: object) -> None:
        raise OperationalError("DETAIL: Salasanat")

    with monkeypatch.context() as broken:
        broken.setattr(Enquiry, "save_base", failing)
        broken.setattr(Enquiry, "delete", failing)
        response = presses(address, answer)
    assert response.status_code == 503
    shown = ShownForm.of(response)
    assert shown.title.startswith("Virhe:")
    assert shown.notice == "Vastausta ei voitu tallentaa. Yritä hetken kuluttua uudelleen tai soita 050 534 8567."
    assert Enquiry.objects.values().get() == row
    assert not OutgoingMail.objects.filter(purpose="waiting_answer").exists()
    assert "OperationalError" in caplog.text
    assert "Sala" not in caplog.text
    assert presses(address, answer).status_code == 303


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """The output of the site's own log handler."""
    (handler,) = (one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    with caplog.at_level(logging.DEBUG):
        for name in ("django.request", "django.security", "intake"):
            caplog.set_level(logging.DEBUG, name)
        yield written
    handler.setStream(before)


def test_secret_is_not_logged_and_responses_are_private(
    enquiry: Enquiry, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = private_address(enquiry)
    secret = address.split("/")[2]
    client = Client(raise_request_exception=False)
    answers = [client.get(address), client.post(address, {"answer": "stay"}), client.put(address)]
    answers.append(client.get(address.rstrip("/")))
    with monkeypatch.context() as broken:
        broken.setattr("intake.waiting.private_page.view_of_place", _raise_error)
        answers.append(client.get(address))
    answers.append(client.post(address, {"answer": "remove"}))
    answers.append(client.get(address))
    assert [one.status_code for one in answers] == [200, 303, 405, 302, 500, 303, 404]
    for one in answers:
        assert {name: one[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
        assert not one.cookies
    assert "404 Not Found at GET waiting_answer" in log.getvalue()
    assert "/jatka/" not in log.getvalue()
    assert secret not in log.getvalue()
    assert "salamaija" not in log.getvalue().lower()


def _raise_error(*_arguments: object) -> None:
    raise RuntimeError("a fault of ours")


def test_private_post_needs_no_csrf_cookie(enquiry: Enquiry) -> None:
    response = Client(enforce_csrf_checks=True).post(private_address(enquiry), {"answer": "no"})
    assert response.status_code == 303
    assert Enquiry.objects.get().status == "closed"


@pytest.mark.parametrize("ticked", [{"wants_mail": "1"}, {}])
def test_confirmation_describes_the_list_with_a_link(
    visitor: Visitor, smtp: SmtpServer, ticked: dict[str, str]
) -> None:
    set_pause()
    joins(visitor, wish(name="Nimimerkki", message="Viestimerkki", **ticked))
    queued = OutgoingMail.objects.get(purpose="waiting_confirmation")
    while deliver_next(now=timezone.now()):
        pass
    mail = OutgoingMail.objects.get(purpose="waiting_confirmation")
    assert (mail.text, mail.html) == (queued.text, queued.html)
    reference = Enquiry.objects.get().reference
    assert mail.subject == f"Olet odotuslistalla (viite {reference})"
    assert (WAITING_LINK.placeholder in mail.text, WAITING_LINK.placeholder in mail.html) == (True, True)
    for part in (mail.text, mail.html):
        assert "Odotuslista ei sido sinua mihinkään, eikä se takaa aikaa." in part
        day = finnish_day(months_later(timezone.localdate(), 12))
        assert f"Tietosi poistetaan odotuslistalta {day}, ellet vahvista sitä ennen odottavasi yhä." in " ".join(
            part.split()
        )
        assert ("kysyn, odotatko yhä" in part) == bool(ticked)
        assert ("otan sinuun itse yhteyttä" in part) != bool(ticked)
        assert "merkki" not in part.replace("esimerkki", "")
    (secret,) = secrets_in_mails(smtp)
    page = Client().get(f"/jatka/{secret}/odotuslista/")
    assert set(buttons(page)) == {"stay", "no", "remove"}
    assert reference in page_text(page)
    # Kati's notification states the kind of the enquiry, and has no private link.
    notification = OutgoingMail.objects.get(purpose="notification")
    assert "Tyyppi: Odotuslista" in notification.text
    assert WAITING_LINK.placeholder not in notification.text


def test_page_and_link_mail_name_the_day_of_removal() -> None:
    """The form states a number of months; the page and the mail state the exact day, the same as Kati's list."""
    set_pause()
    joined = datetime(2026, 1, 12, 10, tzinfo=ZoneInfo("Europe/Helsinki"))
    place = waiter(now=joined, email="maija@esimerkki.fi", wants_mail=False)
    IntakeSettings.objects.update(waiting_months=1)
    waiter(now=joined, email="maija@esimerkki.fi", wants_mail=True)
    for days in (1, 340):
        now = joined + timedelta(days=days)
        with time_machine.travel(now, tick=False):
            page = page_text(Client().get(private_address(place.enquiry)))
        assert "Tietosi poistetaan odotuslistalta 12.1.2027, ellet vahvista sitä ennen odottavasi yhä." in page
        assert "kuukauden kuluttua" not in page
    queue_waiting_link(place=place, removed_on=read_place(place.enquiry).removed_on, now=now)  # type: ignore[union-attr]
    mail = OutgoingMail.objects.get(purpose="waiting_link")
    for part in (mail.text, mail.html):
        assert "12.1.2027, ellet vahvista sitä ennen odottavasi yhä." in " ".join(part.split())
        assert "kuukauden kuluttua" not in part


def test_page_shows_removal_day_of_the_later_place() -> None:
    set_pause()
    joined = datetime(2026, 1, 12, 10, tzinfo=ZoneInfo("Europe/Helsinki"))
    first, second = (waiter(now=joined + timedelta(days=days), email="maija@esimerkki.fi") for days in (0, 40))
    with time_machine.travel(joined + timedelta(days=41), tick=False):
        [day] = {each.removed_on for each in read_list()}
        for place in (first, second):
            page = page_text(Client().get(private_address(place.enquiry)))
            assert f"odotuslistalta {finnish_day(day)}, ellet" in page
