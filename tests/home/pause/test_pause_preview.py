"""Previews of the pause: real pages in another state, by permission, without storing anything."""

import re
from datetime import date, datetime
from html import unescape
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from home.models import ContactDetails, PauseChange, PauseNotice
from home.pause.rules import CALENDAR, FormMode
from tests.home.pause.pausing import client_with, form_values, stored

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 1, 10, 12, 30, tzinfo=CALENDAR)
PREVIEW = "/admin/tauko/esikatselu/"
UNDATED = "Aijuun palvelut ovat toistaiseksi tauolla."


@pytest.fixture(autouse=True)
def on_that_day(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def kati(loaded_site: None) -> Client:
    return client_with("change_pausenotice", name="kati")


def frames(html: str) -> list[BeautifulSoup]:
    """Return the framed pages: front page and contact page."""
    # Found with a regular expression: parsing the surrounding page each time would be slow.
    return [
        BeautifulSoup(unescape(frame), "html.parser") for frame in re.findall(r'<iframe[^>]*srcdoc="([^"]*)"', html)
    ]


def notice_in(page: BeautifulSoup) -> str:
    found = page.select_one("aside.pause")
    return " ".join(found.get_text(" ").split()) if found else ""


def previewed(client: Client, **query: str) -> list[BeautifulSoup]:
    response = client.get(PREVIEW, {f"preview-{name}": value for name, value in query.items()})
    assert response.status_code == 200
    return frames(response.text)


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        ("open", ""),
        ("full", "Aijuussa ei ole juuri nyt vapaita aikoja."),
        ("upcoming", "Aijuu on tauolla 17.1.2027 alkaen."),
        ("paused", UNDATED),
        ("overdue", UNDATED),
        ("resumed", "Aijuu on palannut tauolta."),
    ],
)
def test_preview_shows_real_pages_in_every_state(kati: Client, state: str, notice: str) -> None:
    stored(form_mode=FormMode.WAITING_LIST)
    front, contact = previewed(kati, state=state)
    for page in (front, contact):
        assert notice_in(page).startswith(notice)
        assert bool(notice_in(page)) is bool(notice)
    heading = front.select_one("h1")
    assert heading is not None
    assert heading.get_text().strip() == "Työnohjausta Porissa ja verkossa"
    assert front.select_one(".hero") is not None
    assert contact.select_one("form") is not None
    # The label of the button follows the state.
    button = front.select_one(".hero .button")
    assert button is not None
    takes_list = state in ("paused", "overdue", "full")
    assert button.get_text() == ("Ilmoittaudu odotuslistalle" if takes_list else "Ota yhteyttä")


def test_preview_shows_notice_at_future_time(kati: Client) -> None:
    stored(active=True, begins_on=date(2027, 1, 20), returns_on=date(2027, 2, 1), opens_by_itself=True)
    seen = {
        "": "Aijuu on tauolla 20.1.2027 alkaen.",
        "20.1.2027": "Aijuun palvelut ovat tauolla. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen.",
        "1.2.2027": "Aijuu on palannut tauolta.",
        "3.3.2027": "",
    }
    for day, words in seen.items():
        for page in previewed(kati, day=day):
            assert notice_in(page).startswith(words)
            assert bool(notice_in(page)) is bool(words)
    eve = previewed(kati, day="31.1.2027", clock="23.59")
    midnight = previewed(kati, day="1.2.2027", clock="0.00")
    assert notice_in(eve[0]).startswith("Aijuun palvelut ovat tauolla.")
    assert notice_in(midnight[0]).startswith("Aijuu on palannut")
    html = kati.get(PREVIEW, {"preview-day": "31.1.2027", "preview-clock": "23.59"}).text
    assert "Esikatselu: 31.1.2027 klo 23.59" in html


@pytest.mark.parametrize(("name", "typed"), [("day", "huomenna"), ("clock", "25.00"), ("state", "hassu")])
def test_invalid_preview_input_shows_errors_only(kati: Client, name: str, typed: str) -> None:
    response = kati.get(PREVIEW, {f"preview-{name}": typed})
    assert response.status_code == 422
    assert frames(response.text) == []
    if name == "day":
        assert "Tarkista päivä. Kirjoita se näin: 1.2.2027." in response.text


def test_preview_frame_is_sandboxed_and_uncached(kati: Client) -> None:
    """The frame runs no scripts and submits no forms; the response is not cached or indexed."""
    stored()
    response = kati.get(PREVIEW, {"preview-state": "paused"})
    found = BeautifulSoup(response.text, "html.parser").select("iframe")
    assert len(found) == 2
    for frame in found:
        assert frame["sandbox"] == ["allow-same-origin"]
        assert str(frame["title"]).startswith("Esikatselu: ")
        assert "<script" not in str(frame["srcdoc"])
        assert '<base target="_blank">' in str(frame["srcdoc"])
    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex"


def form_of(client: Client, **changes: str) -> dict[str, str]:
    html = client.get(settings_page()).text
    return {**form_values(html, "#w-editor-form"), **changes}


def settings_page() -> str:
    return f"/admin/settings/home/pausenotice/{PauseNotice.load().pk}/"


def sent_to_preview(client: Client, **changes: str) -> dict[str, bool]:
    """Send the unsaved form as Wagtail's script does, and return the JSON response."""
    response = client.post(f"{settings_page()}preview/", form_of(client, **changes))
    assert response.status_code == 200
    answer: dict[str, bool] = response.json()
    return answer


def unsaved(client: Client, mode: str) -> BeautifulSoup:
    response = client.get(f"{settings_page()}preview/", {"mode": mode, "in_preview_panel": "true"})
    assert response.status_code == 200
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    return BeautifulSoup(response.content, "html.parser")


def test_unsaved_settings_are_previewed_in_every_state(kati: Client) -> None:
    stored()
    assert sent_to_preview(kati, active="on", returns_on="1.2.2027", form_mode="waiting_list")["is_valid"]
    until = "Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."
    seen = {
        "": f"Aijuun palvelut ovat tauolla. {until}",
        "open": "",
        "full": "Aijuussa ei ole juuri nyt vapaita aikoja.",
        "upcoming": f"Aijuu on tauolla 17.1.2027 alkaen. {until}",
        "paused": f"Aijuun palvelut ovat tauolla. {until}",
        "overdue": UNDATED,
        "resumed": "Aijuu on palannut tauolta.",
    }
    for state, words in seen.items():
        notice = notice_in(unsaved(kati, f"front-{state}"))
        assert notice.startswith(words), state
        assert bool(notice) is bool(words), state
    for state, label in (("", "Ilmoittaudu odotuslistalle"), ("open", "Lähetä")):
        contact = unsaved(kati, f"contact-{state}")
        assert notice_in(contact).startswith(seen[state])
        assert bool(notice_in(contact)) is bool(seen[state])
        button = contact.select_one("main form button[type=submit]")
        assert button is not None
        assert label in button.get_text()
    assert not PauseNotice.objects.get().active
    assert not PauseChange.objects.exists()
    assert notice_in(BeautifulSoup(Client().get("/").text, "html.parser")) == ""


def test_settings_page_lists_preview_modes(kati: Client) -> None:
    html = kati.get(settings_page()).text
    assert f'"{settings_page()}preview/"' in html
    options = [option.get_text() for option in BeautifulSoup(html, "html.parser").select("#id_preview_mode option")]
    assert len(options) == 14
    assert {"Etusivu: nyt", "Yhteydenottosivu: Palattu tauolta"} <= set(options)


def test_preview_of_invalid_form_is_refused(kati: Client) -> None:
    stored()
    assert sent_to_preview(kati, active="on", returns_on="1.1.2027") == {"is_valid": False, "is_available": False}


def test_outdated_settings_page_can_preview(kati: Client) -> None:
    stored()
    old = form_of(kati, active="on")
    PauseNotice.objects.update(version=7)
    assert kati.post(f"{settings_page()}preview/", old).json()["is_valid"]
    assert notice_in(unsaved(kati, "front-")).startswith(UNDATED)


def test_an_unknown_preview_mode_is_not_found(kati: Client) -> None:
    sent_to_preview(kati)
    for mode in ("hassu", "front-hassu", "back-paused", "-"):
        assert kati.get(f"{settings_page()}preview/", {"mode": mode}).status_code == 404


def test_preview_writes_nothing(kati: Client) -> None:
    """Nothing is written except the session, as in any view of the admin."""
    stored(form_mode=FormMode.WAITING_LIST)
    kati.get(PREVIEW)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for state in ("paused", "resumed"):
            kati.get(PREVIEW, {"preview-state": state})
    writes = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert writes == []


def test_preview_audience_grants_access(loaded_site: None) -> None:
    other = client_with("view_enquiry", name="toinen")
    notice = stored(active=True)
    assert other.get(PREVIEW).status_code in (302, 403)
    assert "Tauon esikatselu" not in other.get("/admin/").text
    notice.preview_audience = "everybody"
    notice.save()
    assert len(previewed(other, state="resumed")) == 2
    assert "Tauon esikatselu" in other.get("/admin/").text
    # Previewing unsaved settings needs the permission to change them.
    for response in (other.get(f"{settings_page()}preview/"), other.post(f"{settings_page()}preview/")):
        assert response.status_code in (302, 403)
    assert Client().get(PREVIEW)["Location"].startswith("/admin/login")


def test_visitor_cannot_preview_another_state(kati: Client) -> None:
    stored()
    assert notice_in(BeautifulSoup(Client().get("/", {"preview-state": "paused"}).text, "html.parser")) == ""
    previewed(kati, state="paused")
    assert notice_in(BeautifulSoup(kati.get("/").text, "html.parser")) == ""


def test_preview_without_contact_page_shows_front_page(kati: Client) -> None:
    ContactDetails.objects.update(contact_page=None)
    assert len(previewed(kati, state="paused")) == 1


@pytest.mark.parametrize("day", ["31.12.9999", "1.1.0001", "1.1.1900", "1.2.2049", "1.1.2207"])
def test_implausible_preview_year_is_refused(kati: Client, day: str) -> None:
    stored(returns_on=date(2027, 2, 1))
    response = kati.get(PREVIEW, {"preview-day": day, "preview-clock": "23.59"})
    assert response.status_code == 422
    assert "Tarkista vuosi." in response.text
    assert day in response.text
    assert not frames(response.text)


def test_preview_day_in_twenty_years_is_accepted(kati: Client) -> None:
    stored()
    assert len(previewed(kati, day="31.12.2046", clock="23.59")) == 2
