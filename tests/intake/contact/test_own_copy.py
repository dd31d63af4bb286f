"""The sender's own copy: every field that was sent, for one day, only at the address with the receipt."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from aijuu_site.logs import redact_secrets
from home.pause.rules import FormMode
from intake.choices import Outcome, Status
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.rules import RECEIPT_WINDOW, receipt_is_fresh
from intake.models import Enquiry
from tests.intake.contact.copies import asked_and_answered, copy_link
from tests.intake.enquiries import give_status
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.visiting import Visitor, letter, page_text, token
from tests.intake.waiting.visitors import joins, set_pause, wish

HELSINKI = ZoneInfo("Europe/Helsinki")
GONE = "Tämä kopio ei ole enää nähtävillä"


def copy_of(visitor: Visitor, words: dict[str, Any] | None = None) -> str:
    """Send an enquiry and return the address of its copy."""
    answer = visitor.sends(words)
    assert answer.status_code == 303
    return copy_link(visitor.client.get(answer["Location"]))


def test_own_copy_of_message_has_every_field(visitor: Visitor) -> None:
    rows = asked_and_answered(visitor.client.get(copy_of(visitor)))
    assert rows == {
        "Nimesi": "Maija Meikäläinen",
        "Sähköpostiosoite": "maija.meikalainen@esimerkki.fi",
        "Viesti": "Hei Kati,\ntyöryhmämme kaipaa tilaa ajatella yhdessä.",
        "Puhelinnumero": "050 123 4567",
        "Organisaatio": "Porin perhekeskus",
        "Työnohjauksen muoto": "Ryhmätyönohjaus",
        "Missä tavattaisiin?": "Verkossa, Porissa Aijuun järjestämässä tilassa",
        "Mieluisin yhteydenottotapa": "Puhelin",
    }


def test_own_copy_shows_reference_and_time(visitor: Visitor) -> None:
    with time_machine.travel(datetime(2026, 11, 26, 9, 5, tzinfo=HELSINKI), tick=False):
        text = page_text(visitor.client.get(copy_of(visitor)))
    assert Enquiry.objects.get().reference in text
    assert "Viesti saapui 26.11.2026 klo 9.05" in text


@pytest.mark.parametrize("wants_mail", [True, False])
def test_own_copy_of_waiting_list_has_consent(visitor: Visitor, wants_mail: bool) -> None:
    set_pause(FormMode.WAITING_LIST)
    thanks = visitor.client.get(
        joins(visitor, {**wish(), **({"wants_mail": "on"} if wants_mail else {}), "form_token": token()})["Location"]
    )
    rows = asked_and_answered(visitor.client.get(copy_link(thanks)))
    assert rows["Mitä toivot?"] == "Porin seudulla, jos sopii."
    (consent,) = (label for label in rows if label.startswith("Haluan sähköpostia, kun Aijuussa vapautuu"))
    assert rows[consent] == ("Kyllä" if wants_mail else "Ei")
    assert "Organisaatio" not in rows


def test_downloaded_copy_is_complete(visitor: Visitor) -> None:
    copy = copy_of(visitor)
    page = visitor.client.get(copy)
    link = BeautifulSoup(page.content.decode(), "html.parser").find("a", string="Tallenna tiedostona")
    assert link is not None
    file = visitor.client.get(str(link["href"]))
    reference = Enquiry.objects.get().reference
    assert file["Content-Disposition"] == f'attachment; filename="aijuu-oma-kopio-{reference}.html"'
    assert file["Content-Type"] == "text/html; charset=utf-8"
    text = file.content.decode()
    assert text.startswith("<!doctype html>")
    soup = BeautifulSoup(text, "html.parser")
    assert soup.html is not None
    assert soup.html["lang"] == "fi"
    assert soup.select_one("meta[charset=utf-8]")
    assert asked_and_answered(file) == asked_and_answered(page)
    assert not soup.select("[src], [href], script, link")
    assert "url(" not in text
    assert str(Enquiry.objects.get().receipt) not in text


@pytest.mark.parametrize("end", ["kopio/", "kopio/tiedosto/"])
def test_own_copy_escapes_typed_text(visitor: Visitor, end: str) -> None:
    words = letter(name='Maija <b id="x">M</b>', message='<script id="x">alert(1)</script> & "sitaatti"')
    address = copy_of(visitor, words).replace("kopio/", end)
    page = visitor.client.get(address)
    soup = BeautifulSoup(page.content.decode(), "html.parser")
    assert not soup.select("#x")
    assert asked_and_answered(page)["Viesti"] == words["message"]


@pytest.mark.parametrize("end", ["kopio/", "kopio/tiedosto/"])
def test_own_copy_is_private(visitor: Visitor, end: str) -> None:
    address = copy_of(visitor).replace("kopio/", end)
    for page in (visitor.client.get(address), visitor.client.head(address)):
        assert page.status_code == 200
        assert page["Cache-Control"] == "no-store, private"
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        assert not page.cookies
    assert visitor.client.post(address, {"message": "x"}).status_code == 405
    assert visitor.client.delete(address).status_code == 405


@pytest.mark.parametrize("end", ["kopio/", "kopio/tiedosto/"])
def test_own_copy_is_gone_after_a_day(visitor: Visitor, end: str) -> None:
    start = datetime(2026, 11, 26, 9, 0, tzinfo=HELSINKI)
    with time_machine.travel(start, tick=False) as clock:
        answer = visitor.sends()
        address = copy_link(visitor.client.get(answer["Location"])).replace("kopio/", end)
        clock.shift(RECEIPT_WINDOW - timedelta(seconds=1))
        assert visitor.client.get(address).status_code == 200
        clock.shift(timedelta(seconds=1))
        gone = visitor.client.get(address)
        assert gone.status_code == 410
        assert GONE in page_text(gone)
        assert gone["Cache-Control"] == "no-store, private"
        assert "Maija" not in gone.content.decode()
        thanks = visitor.client.get(answer["Location"])
        assert thanks.status_code == 200
        assert copy_link(thanks) == ""


def another() -> str:
    return str(uuid.uuid4())


def repeated() -> str:
    """Return the receipt of a repeat with the same text from another form."""
    thanks = Visitor(network_address="198.51.100.8").sends()["Location"]
    receipt = str(Enquiry.objects.get().repeat_receipt)
    assert thanks.endswith(f"/{receipt}/")
    assert copy_link(Client().get(thanks)) == ""
    return receipt


def removed() -> str:
    enquiry = Enquiry.objects.get()
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    return str(enquiry.receipt)


def unsent() -> str:
    enquiry = Enquiry.objects.get()
    return mail_link_for_enquiry(enquiry=enquiry, now=timezone.now())


@pytest.mark.parametrize("secret", [another, repeated, removed, unsent, lambda: "x", lambda: "1" * 4000])
@pytest.mark.parametrize("end", ["kopio/", "kopio/tiedosto/"])
def test_other_addresses_show_no_copy(visitor: Visitor, secret: Callable[[], str], end: str) -> None:
    copy_of(visitor)
    answer = visitor.client.get(f"/jatka/{secret()}/{end}")
    assert answer.status_code == 410
    assert "Content-Disposition" not in answer
    assert "Maija" not in answer.content.decode()


def test_own_copy_does_not_reveal_suspicion(visitor: Visitor) -> None:
    address = copy_of(visitor, letter(extra_line="x"))
    enquiry = Enquiry.objects.get()
    assert enquiry.is_quarantined
    page = visitor.client.get(address)
    assert page.status_code == 200
    for reason in (*enquiry.reason_labels, "Epäilyttävä"):
        assert reason not in page.content.decode()


def test_own_copy_omits_note_and_status(visitor: Visitor) -> None:
    address = copy_of(visitor)
    enquiry = Enquiry.objects.get()
    Enquiry.objects.update(note="Katin muistiinpano")
    give_status(enquiry, Status.CLOSED, Outcome.SPAM)
    for end in ("kopio/", "kopio/tiedosto/"):
        text = visitor.client.get(address.replace("kopio/", end)).content.decode()
        assert "työryhmämme kaipaa" in text
        for word in ("Katin muistiinpano", str(Status.CLOSED.label), str(Outcome.SPAM.label)):
            assert word not in text


@pytest.mark.parametrize(
    "day",
    [
        # Its next night has 23 hours.
        datetime(2026, 3, 28, 12, 0, tzinfo=HELSINKI),
        # Its next night has 25.
        datetime(2026, 10, 24, 12, 0, tzinfo=HELSINKI),
        datetime(2026, 11, 26, 12, 0, tzinfo=HELSINKI),
    ],
)
@pytest.mark.parametrize("zone", [HELSINKI, UTC])
def test_receipt_is_fresh_for_24_hours_over_dst(day: datetime, zone: tzinfo) -> None:
    ends = day.astimezone(UTC) + timedelta(hours=24)
    assert receipt_is_fresh(day, day)
    assert receipt_is_fresh(day, (ends - timedelta(seconds=1)).astimezone(zone))
    assert not receipt_is_fresh(day, ends.astimezone(zone))


def test_receipt_from_the_future_is_not_fresh() -> None:
    now = datetime(2026, 11, 26, 12, 0, tzinfo=HELSINKI)
    assert receipt_is_fresh(now + timedelta(seconds=30), now)
    assert not receipt_is_fresh(now + timedelta(hours=2), now)


def test_receipts_are_redacted_in_logs(visitor: Visitor) -> None:
    thanks = visitor.sends()["Location"]
    receipt = str(Enquiry.objects.get().receipt)
    for address in (thanks, copy_link(visitor.client.get(thanks))):
        assert receipt in address
        assert receipt not in redact_secrets(f"at {address}")
