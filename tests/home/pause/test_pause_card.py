"""The dashboard card of the pause: state, one button, undo."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from home.models import PauseNotice
from home.pause.rules import CALENDAR, FormMode, PauseState, pause_state
from tests.home.pause.pausing import HOME, client_with, form_values, parsed, stored, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 1, 10, 12, 30, tzinfo=CALENDAR)
TODAY = NOW.date()
CARD = ".pause-card"
BUTTON = ".pause-card__buttons form"
UNDO = "#pause-undo"


@pytest.fixture(autouse=True)
def on_that_day(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def kati(db: None) -> Client:
    return client_with("change_pausenotice", name="kati")


def card(client: Client) -> str:
    return text_of(client.get(HOME).text, CARD)


def press(client: Client, selector: str, html: str = "", **changes: str) -> str:
    """Submit the form `selector` of the dashboard (or of `html`) and return the HTML of the next page."""
    html = html or client.get(HOME).text
    form = parsed(html).select_one(selector)
    assert form is not None
    response = client.post(str(form["action"]), {**form_values(html, selector), **changes}, follow=True)
    assert response.status_code == 200
    return response.text


def state() -> PauseState:
    return pause_state(PauseNotice.objects.get().settings, NOW)


USUAL = "Yhteydenottosivu ottaa viestejä vastaan tavalliseen tapaan."


@pytest.mark.parametrize(
    ("fields", "sentences", "button"),
    [
        ({}, ["Aijuu on avoinna.", "Kävijät eivät näe ilmoitusta.", USUAL], "Aloita tauko nyt"),
        (
            {"active": True, "begins_on": date(2027, 1, 20), "returns_on": date(2027, 2, 1)},
            ["Tauosta on ilmoitettu: se alkaa 20.1.2027.", "Paluupäiväksi on ilmoitettu 1.2.2027.",
             "Kävijät näkevät: ”Aijuu on tauolla 20.1.2027 alkaen.", USUAL],
            "Peru ilmoitettu tauko",
        ),
        (
            {"active": True, "form_mode": FormMode.WAITING_LIST},
            ["Aijuu on tauolla. Paluupäivää ei ole ilmoitettu.", "toistaiseksi tauolla.",
             "Yhteydenottosivu ottaa ihmisiä odotuslistalle."],
            "Avaa Aijuu",
        ),
        (
            {"active": True, "begins_on": date(2027, 1, 3), "returns_on": date(2027, 2, 1), "opens_by_itself": True,
             "form_mode": FormMode.CONTACT_DETAILS},
            ["Aijuu on ollut tauolla 3.1.2027 alkaen. Aijuu avautuu itsestään 1.2.2027.",
             "Yhteydenottosivulla ovat yhteystiedot ja linkki lomakkeeseen."],
            "Avaa Aijuu",
        ),
        (
            {"active": True, "returns_on": TODAY},
            ["Ilmoittamasi paluupäivä 10.1.2027 on tullut.", "Avaa Aijuu tai valitse", "Valitse uusi päivä"],
            "Avaa Aijuu",
        ),
        (
            {"ended_on": date(2027, 1, 1)},
            ["Aijuu on taas avoinna. Paluusta kerrotaan sivustolla vielä 30.1.2027.", "Aijuu on palannut tauolta.",
             USUAL],
            "Aloita tauko nyt",
        ),
        (
            {"full": True},
            ["Aijuu on täynnä: uusia työnohjauksia ei aloiteta.", "”Aijuussa ei ole juuri nyt vapaita aikoja.”",
             "Yhteydenottosivu ottaa ihmisiä odotuslistalle."],
            "Ota taas uusia",
        ),
        (
            {"full": True, "active": True, "begins_on": date(2027, 1, 20)},
            ["Aijuu on täynnä: uusia työnohjauksia ei aloiteta. Tauosta on ilmoitettu: se alkaa 20.1.2027.",
             "Peru ilmoitettu tauko"],
            "Ota taas uusia",
        ),
        (
            {"full": True, "active": True},
            ["Aijuu on tauolla. Paluupäivää ei ole ilmoitettu. Tauon jälkeen Aijuu on yhä täynnä"],
            "Avaa Aijuu",
        ),
        # The pause ended by the clock, and the worker has not recorded it yet.
        (
            {"active": True, "returns_on": date(2027, 1, 1), "opens_by_itself": True},
            ["Aijuu on taas avoinna. Paluusta kerrotaan sivustolla vielä 30.1.2027."],
            "Aloita tauko nyt",
        ),
    ],
    ids=["open", "upcoming", "paused", "opens by itself", "overdue", "resumed", "full", "full and upcoming",
         "full and paused", "opened by the clock"],
)  # fmt: skip
def test_card_shows_state_and_main_action(
    kati: Client, fields: dict[str, Any], sentences: list[str], button: str
) -> None:
    stored(**fields)
    html = kati.get(HOME).text
    words = text_of(html, CARD)
    for sentence in sentences:
        assert sentence in words
    assert text_of(html, f"{BUTTON} button") == button
    assert ("on tullut" in words) is ("Valitse uusi päivä" in sentences)


@pytest.mark.parametrize(
    ("now", "overdue"),
    [
        (datetime(2027, 1, 31, 23, 59, 59, tzinfo=CALENDAR), False),
        (datetime(2027, 2, 1, tzinfo=CALENDAR), True),
    ],
)
def test_card_shows_overdue_from_return_day(time_machine: Any, now: datetime, overdue: bool) -> None:
    stored(active=True, returns_on=date(2027, 2, 1))
    time_machine.move_to(now, tick=False)
    words = card(client_with("change_pausenotice"))
    assert "Aijuu on tauolla." in words
    assert ("Ilmoittamasi paluupäivä 1.2.2027 on tullut." in words) is overdue


def test_card_button_begins_pause_and_undo_reverts(kati: Client) -> None:
    stored()
    html = press(kati, BUTTON)
    assert state() is PauseState.PAUSED
    assert "Aijuu on tauolla. Kävijät näkevät ilmoituksen" in html
    # The button in the message submits the form of the card by its `form` attribute, without a script.
    assert parsed(html).select_one('.messages button[form="pause-undo"]')
    assert "Viimeisin muutos: Tauko alkoi 10.1.2027 klo 12.30." in text_of(html, UNDO)
    html = press(kati, UNDO, html)
    assert state() is PauseState.OPEN
    assert "Muutos on kumottu" in html
    press(kati, UNDO, html)
    assert state() is PauseState.PAUSED


def test_card_button_ends_pause_with_return_notice(kati: Client) -> None:
    stored(active=True, returns_on=TODAY - timedelta(days=3))
    html = press(kati, BUTTON)
    assert state() is PauseState.RESUMED
    assert "Aijuu on avoinna. Kävijät näkevät sen" in html
    assert "Aijuu on ollut tauolla" not in html


def test_card_button_cancels_announced_pause(kati: Client) -> None:
    stored(active=True, begins_on=TODAY + timedelta(days=3))
    assert "Ilmoitettu tauko on peruttu." in press(kati, BUTTON)
    assert state() is PauseState.OPEN


FULL = '.pause-card__buttons form[action$="taynna/"]'
ROOM = '.pause-card__buttons form[action$="vapaata/"]'


def test_card_marks_full_and_available_again(kati: Client) -> None:
    stored()
    html = press(kati, FULL)
    assert state() is PauseState.FULL
    assert "Aijuu on täynnä. Kävijät näkevät sen heti seuraavalla sivulla ja voivat" in html
    assert "Viimeisin muutos: Aijuu tuli täyteen 10.1.2027 klo 12.30." in text_of(html, UNDO)
    html = press(kati, UNDO, html)
    assert state() is PauseState.OPEN
    press(kati, UNDO, html)
    assert state() is PauseState.FULL
    assert "Aijuussa on taas vapaita aikoja." in press(kati, ROOM)
    assert state() is PauseState.OPEN


def test_outdated_card_does_not_cancel_pause(kati: Client) -> None:
    """The page was loaded before another change: the pause is not cancelled, and the message says why."""
    notice = stored(full=True, active=True, begins_on=TODAY + timedelta(days=3))
    old = kati.get(HOME).text
    stored(full=True, active=True, begins_on=TODAY + timedelta(days=5), version=notice.version + 1)
    assert "Taukoa on muutettu muualla" in press(kati, '.pause-card__buttons form[action$="avaa/"]', old)
    assert PauseNotice.objects.get().begins_on == TODAY + timedelta(days=5)


def test_ending_pause_reports_practice_still_full(kati: Client) -> None:
    stored(active=True, full=True)
    assert "Tauko on päättynyt, ja Aijuu on täynnä." in press(kati, BUTTON)
    assert state() is PauseState.FULL


def test_button_pressed_twice_acts_once(kati: Client) -> None:
    stored()
    html = kati.get(HOME).text
    press(kati, BUTTON, html)
    assert "Tämä oli jo tehty." in press(kati, BUTTON, html)
    assert state() is PauseState.PAUSED


def test_outdated_version_changes_nothing(kati: Client) -> None:
    stored(active=True)
    old = kati.get(HOME).text
    press(kati, BUTTON, old)
    press(kati, BUTTON)
    assert state() is PauseState.PAUSED
    assert "Taukoa on muutettu muualla" in press(kati, BUTTON, old)
    assert state() is PauseState.PAUSED


def test_state_changed_at_midnight_refuses_the_button(kati: Client, time_machine: Any) -> None:
    stored(active=True, begins_on=TODAY + timedelta(days=1))
    evening = kati.get(HOME).text
    time_machine.shift(timedelta(hours=11, minutes=45))
    for button in (FULL, '.pause-card__buttons form[action$="avaa/"]'):
        assert "Taukoa on muutettu" in press(kati, button, evening)
    notice = PauseNotice.objects.get()
    assert (notice.active, notice.full) == (True, False)
    assert "Aijuu on avoinna." in press(kati, BUTTON)


@pytest.mark.parametrize("field", ["active", "full"])
def test_card_warns_of_past_day_in_custom_wording(kati: Client, field: str) -> None:
    words = "<p>Otan uusia taas 9.1.2027.</p>"
    stored(**{field: True}, message=words, full_message=words)
    assert "mennyt päivä: 9.1.2027." in card(kati)
    stored(**{field: True}, message=words.replace("9.1.", "10.1."), full_message=words.replace("9.1.", "10.1."))
    assert "mennyt päivä" not in card(kati)


def test_card_ignores_begin_and_end_days_in_wording(kati: Client) -> None:
    stored(active=True, begins_on=date(2027, 1, 5), message="<p>Olen tauolla 5.1.2027 alkaen.</p>")
    assert "mennyt päivä" not in card(kati)
    stored(ended_on=TODAY, resumed_message="<p>Palasin 9.1.2027.</p>")
    assert "Palasin 9.1.2027." in card(kati)
    assert "mennyt päivä" not in card(kati)


def test_a_forged_version_changes_nothing(kati: Client) -> None:
    stored()
    html = kati.get(HOME).text
    for version in ("", "x", "-1", "99999999999999999999", "²"):
        press(kati, BUTTON, html, version=version)
        assert state() is PauseState.OPEN, version


def test_expired_undo_is_not_offered_and_refused(kati: Client, time_machine: Any) -> None:
    stored()
    html = press(kati, BUTTON)
    time_machine.move_to(NOW + timedelta(hours=25), tick=False)
    next_day = client_with("change_pausenotice", name="seuraavana päivänä")
    assert "Aijuu on ollut tauolla 10.1.2027 alkaen." in card(next_day)
    assert "Kumoa" not in card(next_day)
    assert "ei enää voi kumota" in press(next_day, UNDO, html)
    assert state() is PauseState.PAUSED


def test_card_links_settings_preview_and_history(kati: Client) -> None:
    notice = stored()
    links = {str(link["href"]) for link in parsed(kati.get(HOME).text).select(f"{CARD} a")}
    assert links == {
        f"/admin/settings/home/pausenotice/{notice.pk}/", "/admin/tauko/esikatselu/", "/admin/tauko/historia/",
    }  # fmt: skip
    for link in links:
        assert kati.get(link).status_code == 200


def test_card_and_actions_need_change_permission() -> None:
    notice = stored()
    other = client_with("view_enquiry")
    assert card(other) == ""
    for action in ("aloita", "avaa", "taynna", "vapaata", "kumoa"):
        answer = other.post(f"/admin/tauko/{action}/", {"version": notice.version})
        assert answer.status_code in (302, 403)
        assert (
            Client().post(f"/admin/tauko/{action}/", {"version": notice.version})["Location"].startswith("/admin/login")
        )
    assert state() is PauseState.OPEN


def test_actions_need_post_and_csrf_token(kati: Client) -> None:
    notice = stored()
    assert kati.get("/admin/tauko/aloita/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = kati.cookies
    assert strict.post("/admin/tauko/aloita/", {"version": notice.version}).status_code == 403
    assert state() is PauseState.OPEN
