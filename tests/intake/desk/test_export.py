"""The export: Finnish headings, local times, and no cell that a spreadsheet would run as a formula."""

import csv
import gc
import io
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from intake.choices import Status
from intake.desk import export
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.services import change_status, save_handling
from intake.models import Enquiry
from intake.waiting.models import WaitingPlace
from intake.waiting.places import move_ahead
from tests.intake.desk.pages import LIST, suspicious, words
from tests.intake.enquiries import closed, received
from tests.intake.waiting.admin.waiters import waiting
from tests.tools.many_enquiries import fill
from tests.tools.measured import queries_of

HEADINGS = [
    "Viitenumero", "Saapunut", "Tila", "Lopputulos", "Päättynyt", "Poistuu automaattisesti", "Tyyppi", "Arvio",
    "Paikka odotuslistalla",
    "Liittynyt odotuslistalle",
    "Haluaa sähköpostia vapaista ajoista", "Vapaista ajoista ilmoitettu", "Syy kärkeen siirtämiseen",
    "Nimi",
    "Sähköpostiosoite", "Puhelinnumero", "Organisaatio", "Työnohjauksen muoto", "Tapaamistapa", "Ryhmän koko",
    "Paikkakunta", "Alue",
    "Maksaja", "Mieluisin yhteydenottotapa", "Viesti", "Alkukartoitus saapunut", "Alkukartoituksen vastaukset",
    "Muistiinpanot tapaamista varten", "Muistiinpano",
]  # fmt: skip
DAYS = ("Saapunut", "Päättynyt", "Alkukartoitus saapunut", "Liittynyt odotuslistalle", "Vapaista ajoista ilmoitettu")
FREE_TEXT = ("Nimi", "Organisaatio", "Viesti", "Muistiinpano")
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "＋1", "－1", "＠SUM(A1)", "=HYPERLINK(\"http://x\")",
            "-2+3+cmd|' /C calc'!A0"]  # fmt: skip


def as_csv(client: Client, **filters: str) -> list[dict[str, str]]:
    response = client.get(LIST, {"export": "csv", **filters})
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))


def as_xlsx(client: Client, **filters: str) -> list[dict[str, Any]]:
    response = client.get(LIST, {"export": "xlsx", **filters})
    assert response.status_code == 200
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    headings, *rows = sheet.iter_rows()
    return [dict(zip((str(cell.value) for cell in headings), row, strict=True)) for row in rows]


def test_headings_and_choices_are_finnish_and_times_local(kati: Client) -> None:
    enquiry = closed(at=datetime(2026, 7, 4, 6, 5, tzinfo=UTC), delivery_modes=("online", "pori_premises"))
    save_handling(enquiry_id=enquiry.pk, version=enquiry.version, note="Soitettu", by=None, now=timezone.now())
    [row] = as_csv(kati)
    assert list(row) == HEADINGS
    assert row == {
        "Viitenumero": enquiry.reference, "Saapunut": "1.7.2026 9.05", "Tila": "Päättynyt",
        "Lopputulos": "Sopimus tehty", "Päättynyt": "4.7.2026 9.05",
        "Poistuu automaattisesti": "4.1.2027", "Tyyppi": "Viesti", "Arvio": "Tavallinen",
        "Paikka odotuslistalla": "", "Liittynyt odotuslistalle": "", "Haluaa sähköpostia vapaista ajoista": "",
        "Vapaista ajoista ilmoitettu": "", "Syy kärkeen siirtämiseen": "",
        "Nimi": "Maija Meikäläinen", "Sähköpostiosoite": enquiry.email, "Puhelinnumero": "050 123 4567",
        "Organisaatio": "Porin perhekeskus", "Työnohjauksen muoto": "Ryhmätyönohjaus",
        "Tapaamistapa": "Verkossa, Porissa Aijuun järjestämässä tilassa", "Ryhmän koko": "", "Paikkakunta": "",
        "Alue": "", "Maksaja": "", "Alkukartoitus saapunut": "", "Alkukartoituksen vastaukset": "",
        "Muistiinpanot tapaamista varten": "", "Mieluisin yhteydenottotapa": "Sähköposti",
        "Viesti": "Hei Kati, työryhmämme kaipaa tilaa ajatella.", "Muistiinpano": "Soitettu",
    }  # fmt: skip
    [cells] = as_xlsx(kati)
    assert list(cells) == HEADINGS
    assert cells["Saapunut"].value == datetime(2026, 7, 1, 9, 5)
    assert cells["Saapunut"].number_format == "d.m.yyyy h:mm"
    texts = [heading for heading in HEADINGS if heading not in DAYS]
    assert {heading: cells[heading].value or "" for heading in texts} == {heading: row[heading] for heading in texts}


def test_empty_fields_are_empty_cells(kati: Client) -> None:
    received(phone="", organisation="")
    [row] = as_csv(kati)
    [cells] = as_xlsx(kati)
    for heading in ("Lopputulos", "Päättynyt", "Puhelinnumero", "Organisaatio", "Muistiinpano"):
        assert row[heading] == ""
        assert cells[heading].value in (None, "")


def test_export_preserves_line_breaks_quotes_and_semicolons(kati: Client) -> None:
    message = 'Hei;\n"lainaus", ja;toinen\n\n– Ääkköset 🙂'
    received(message=message)
    assert as_csv(kati)[0]["Viesti"] == message
    assert as_xlsx(kati)[0]["Viesti"].value == message


def test_export_escapes_formulas_without_losing_text(kati: Client) -> None:
    for number, formula in enumerate(FORMULAS):
        values = {"name": formula, "organisation": formula, "message": formula, "note": formula}
        Enquiry.objects.filter(pk=received(email=f"=cmd{number}@esimerkki.fi").pk).update(**values)
    wanted = [f"'{formula}" for formula in reversed(FORMULAS)]
    as_text, cells = as_csv(kati), as_xlsx(kati)
    for heading in FREE_TEXT:
        assert [row[heading] for row in as_text] == wanted
        assert [row[heading].value for row in cells] == wanted
    assert as_text[-1]["Sähköpostiosoite"] == cells[-1]["Sähköpostiosoite"].value == "'=cmd0@esimerkki.fi"
    assert "f" not in {cell.data_type for row in cells for cell in row.values()}


def test_typed_separator_does_not_split_a_csv_cell(kati: Client) -> None:
    received(name="Maija;=1+1", organisation='x";=1+1;"', message="Hei,=1+1")
    content = kati.get(LIST, {"export": "csv"}).getvalue().decode("utf-8-sig")
    assert '"Maija;=1+1"' in content
    assert '"x"";=1+1;"""' in content
    assert '"Hei,=1+1"' in content


def test_phone_numbers_are_exported_as_text(kati: Client) -> None:
    readable = {"": "", "+46701234567": "00 46 70 123 45 67", "+358505348567": "050 534 8567"}
    for phone in readable:
        received(phone=phone)
    wanted = list(readable.values())[::-1]
    assert [row["Puhelinnumero"] for row in as_csv(kati)] == wanted
    assert [row["Puhelinnumero"].value or "" for row in as_xlsx(kati)] == wanted


def test_export_contains_filtered_list_only(kati: Client) -> None:
    received(name="Uusi Henkilö")
    suspicious(name="Outo Henkilö")
    closed(name="Vanha Henkilö", at=datetime(2026, 7, 1, tzinfo=UTC))
    assert [row["Nimi"] for row in as_csv(kati, verdict__exact="quarantined")] == ["Outo Henkilö"]
    assert [row["Nimi"] for row in as_csv(kati, status__exact=Status.CLOSED)] == ["Vanha Henkilö"]
    assert [row["Nimi"].value for row in as_xlsx(kati, q="uusi henkilö")] == ["Uusi Henkilö"]
    assert len(as_csv(kati, message__contains="zzz")) == 3


def test_export_includes_all_list_pages(kati: Client) -> None:
    for _number in range(52):
        received()
    assert len(as_csv(kati)) == 52


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_is_uncached_attachment(kati: Client, enquiry: Enquiry, kind: str) -> None:
    response = kati.get(LIST, {"export": kind})
    assert response.headers["Content-Disposition"].startswith('attachment; filename="yhteydenotot-20')
    assert response.headers["Content-Disposition"].endswith(f'.{kind}"')
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_csv_begins_with_byte_order_mark(kati: Client, enquiry: Enquiry) -> None:
    assert kati.get(LIST, {"export": "csv"}).getvalue().startswith(b"\xef\xbb\xbf")


def test_control_characters_do_not_break_export(kati: Client) -> None:
    # Older rows may contain characters that the form removes today.
    messages = ["\x0bx", "\x1b[0m", "\ufffe", "x" * 40000, "_x0041_"]
    for message in messages:
        Enquiry.objects.filter(pk=received().pk).update(message=message)
    assert len(as_csv(kati)) == len(as_xlsx(kati)) == len(messages)


def test_export_shows_changed_status(kati: Client, enquiry: Enquiry) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    change_status(enquiry_id=enquiry.pk, version=1, status=Status.OFFER_SENT, outcome="", by=None, now=now)
    assert as_csv(kati)[0]["Tila"] == "Tarjous lähetetty"


def test_export_shows_waiting_list_places(kati: Client) -> None:
    first = waiting("Aino", now=datetime(2026, 7, 1, 6, 5, tzinfo=UTC))
    waiting("Bertta", wants_mail=False)
    third = waiting("Cilla")
    received(name="Dora")
    move_ahead(enquiry_id=third.pk, version=third.version, reason="=Kiire", by=None, now=timezone.now())
    WaitingPlace.objects.filter(enquiry=first).update(notified_at=datetime(2027, 2, 1, 7, 0, tzinfo=UTC))
    rows = {row["Nimi"]: row for row in as_csv(kati)}
    assert {name: row["Paikka odotuslistalla"] for name, row in rows.items()} == {
        "Cilla": "1", "Aino": "2", "Bertta": "3", "Dora": "",
    }  # fmt: skip
    assert {name: row["Haluaa sähköpostia vapaista ajoista"] for name, row in rows.items()} == {
        "Cilla": "Kyllä", "Aino": "Kyllä", "Bertta": "Ei", "Dora": "",
    }  # fmt: skip
    assert (rows["Aino"]["Liittynyt odotuslistalle"], rows["Aino"]["Vapaista ajoista ilmoitettu"]) == (
        "1.7.2026 9.05",
        "1.2.2027 9.00",
    )
    assert (rows["Cilla"]["Syy kärkeen siirtämiseen"], rows["Aino"]["Syy kärkeen siirtämiseen"]) == ("'=Kiire", "")


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_BATCH_SIZE", 3)


def test_export_needs_constant_queries_a_batch(kati: Client, few_at_once: None) -> None:
    def queries() -> int:
        return queries_of(lambda: kati.get(LIST, {"export": "csv"}).getvalue())

    for number in range(3):
        waiting(f"Odottaja {number}")
    of_one_batch = queries()
    for number in range(9):
        waiting(f"Odottaja {number}")
    assert queries() == of_one_batch + 3


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_is_sent_while_rows_are_read(kati: Client, few_at_once: None, kind: str) -> None:
    """A cancelled download reads no more rows."""
    for _number in range(12):
        received()
    response = kati.get(LIST, {"export": kind})
    chunks = iter(response.streaming_content)  # type: ignore[attr-defined]
    assert next(chunks)
    assert 1 <= queries_of(lambda: next(chunks)) <= 2
    assert queries_of(response.close) == queries_of(lambda: list(chunks)) == 0


def test_enquiry_removed_during_export_is_left_out(kati: Client, few_at_once: None) -> None:
    enquiries = [received(name=f"Nimi {number}") for number in range(9)]
    chunks = iter(kati.get(LIST, {"export": "csv"}).streaming_content)  # type: ignore[attr-defined]
    sent = [next(chunks), next(chunks)]
    for enquiry in enquiries[:4]:
        remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    content = b"".join([*sent, *chunks]).decode("utf-8-sig")
    found = [row["Nimi"] for row in csv.DictReader(io.StringIO(content, newline=""), delimiter=";")]
    assert found == [f"Nimi {number}" for number in (8, 7, 6, 5, 4)]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_long_export_needs_no_more_memory(kati: Client, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    # With a full-size batch, some hundred enquiries would not make a difference.
    monkeypatch.setattr(export, "_BATCH_SIZE", 20)

    def peak() -> int:
        # Frozen objects are not scanned by the gc.collect() after each chunk.
        gc.collect()
        gc.freeze()
        tracemalloc.start()
        try:
            for _chunk in kati.get(LIST, {"export": kind}).streaming_content:  # type: ignore[attr-defined]
                gc.collect()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    fill(60)
    # The first request fills caches, which would hide the memory that a long export needs.
    kati.get(LIST, {"export": kind}).getvalue()  # type: ignore[attr-defined]
    of_few = peak()
    fill(160)
    # A row is some kilobytes, but only eight bytes for each enquiry may stay in memory.
    assert peak() < of_few + 200_000


def test_list_shows_number_of_exported_enquiries(kati: Client, enquiry: Enquiry) -> None:
    received(name="Toinen Henkilö")
    assert "Tiedostoon tulee 2 yhteydenottoa." in words(kati.get(LIST))
    assert "Tiedostoon tulee 1 yhteydenotto." in words(kati.get(LIST, {"q": "toinen"}))
