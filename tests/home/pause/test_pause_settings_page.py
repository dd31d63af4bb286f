"""The settings page of the pause saves through the service, and never overwrites a change made after it was loaded."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from aijuu_site.accounts.models import User
from home.models import PauseAction, PauseChange, PauseNotice
from home.pause import settings_page as form_module
from home.pause.rules import CALENDAR, FormMode
from home.pause.services import PauseChangedMeanwhile
from tests.home.pause.pausing import client_with, form_values, parsed, stored, text_of

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 1, 10, 12, 30, tzinfo=CALENDAR)
TODAY = NOW.date()
FORM = "#w-editor-form"
WORDS = (
    '{"blocks":[{"key":"a","text":"%s","type":"unstyled","depth":0,"inlineStyleRanges":[],"entityRanges":[]}],'
    '"entityMap":{}}'
)


@pytest.fixture(autouse=True)
def on_that_day(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def kati(db: None) -> Client:
    return client_with("change_pausenotice", name="kati")


def address() -> str:
    return f"/admin/settings/home/pausenotice/{PauseNotice.load().pk}/"


def opened(client: Client) -> str:
    response = client.get(address())
    assert response.status_code == 200
    return response.text


def saved(client: Client, html: str, **changes: str | None) -> HttpResponse:
    """Submit the form in `html` with some fields changed; None unticks a checkbox."""
    sent = {name: value for name, value in {**form_values(html, FORM), **changes}.items() if value is not None}
    return client.post(address(), sent)  # type: ignore[return-value]


def own_words(html: str) -> str:
    """Return the value of the field `message`."""
    content = json.loads(form_values(html, FORM)["message"])
    return "\n".join(block["text"] for block in content["blocks"])


def errors(html: str) -> dict[str, str]:
    """Return the error messages by field."""
    fields = parsed(html).select("[data-field]")
    found = {}
    for field in fields:
        control, expected = field.select_one("[name]"), field.select_one(".w-field__errors")
        if control is not None and expected is not None and expected.get_text(strip=True):
            found[str(control["name"])] = " ".join(expected.get_text(" ").split())
    return found


def test_saved_settings_are_stored_and_recorded(kati: Client) -> None:
    stored()
    response = saved(
        kati, opened(kati), active="on", begins_on="20.1.2027", returns_on="1.2.2027", opens_by_itself="on",
        form_mode="waiting_list", upcoming_message=WORDS % "Lähden.", message=WORDS % "Olen poissa.",
        overdue_message=WORDS % "Palaan myöhemmin.", resumed_message=WORDS % "Täällä taas!", welcome_days="12",
        preview_audience="everybody",
    )  # fmt: skip
    assert response.status_code == 302
    notice = PauseNotice.objects.get()
    assert (notice.active, notice.begins_on.isoformat(), notice.returns_on.isoformat()) == (  # type: ignore[union-attr]
        True, "2027-01-20", "2027-02-01",
    )  # fmt: skip
    assert (notice.opens_by_itself, notice.form_mode, notice.welcome_days) == (True, FormMode.WAITING_LIST, 12)
    assert "Lähden." in notice.upcoming_message
    assert "Olen poissa." in notice.message
    assert "Palaan myöhemmin." in notice.overdue_message
    assert "Täällä taas!" in notice.resumed_message
    assert notice.preview_audience == "everybody"
    change = PauseChange.objects.get()
    assert (change.action, change.changed_by, change.changed_at) == (PauseAction.PLANNED, User.objects.get(), NOW)


def test_saved_settings_can_be_undone(kati: Client) -> None:
    stored()
    saved(kati, opened(kati), active="on")
    html = opened(kati)
    assert "Asetukset on tallennettu." in html
    assert parsed(html).select_one('.messages button[form="pause-undo"]')
    response = kati.post("/admin/tauko/kumoa/", form_values(html, "#pause-undo"), follow=True)
    assert response.request["PATH_INFO"] == address()
    assert not PauseNotice.objects.get().active
    assert "checked" not in str(parsed(response.text).select_one("#id_active"))


def test_full_with_custom_wording_is_stored_and_undone(kati: Client) -> None:
    stored()
    assert saved(kati, opened(kati), full="on", full_message=WORDS % "Kevät on täynnä.").status_code == 302
    notice = PauseNotice.objects.get()
    assert (notice.full, notice.active) == (True, False)
    assert "Kevät on täynnä." in notice.full_message
    history = text_of(kati.get("/admin/tauko/historia/").text, ".pause-history__changes")
    assert history.startswith("Aijuu tuli täyteen 10.1.2027 klo 12.30")
    assert "Aijuu on täynnä: kyllä" in history
    assert "Oma teksti, kun Aijuu on täynnä: ”Kevät on täynnä.”" in history
    kati.post("/admin/tauko/kumoa/", form_values(opened(kati), "#pause-undo"))
    notice = PauseNotice.objects.get()
    assert (notice.full, notice.full_message) == (False, "")
    # Days without `active` are refused also while full; days with `active` are stored.
    assert saved(kati, opened(kati), full="on", returns_on="1.2.2027").status_code == 200
    assert saved(kati, opened(kati), full="on", active="on", begins_on="20.1.2027").status_code == 302
    assert PauseChange.objects.latest("version").action == PauseAction.PLANNED


def test_unticking_active_ends_pause_despite_past_day(kati: Client) -> None:
    stored(active=True, returns_on=TODAY - timedelta(days=3))
    assert saved(kati, opened(kati), active=None).status_code == 302
    notice = PauseNotice.objects.get()
    assert (notice.active, notice.returns_on, notice.ended_on) == (False, None, TODAY)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"returns_on": "1.2.2027"},
            {"active": "Rastita tämä, jotta päivät tulevat voimaan, tai tyhjennä päivät."},
        ),
        (
            {"active": "on", "returns_on": "10.1.2027"},
            {"returns_on": "Valitse päivä, joka on vielä edessä, tai jätä päivä tyhjäksi."},
        ),
        (
            {"active": "on", "begins_on": "9.1.2027"},
            {"begins_on": "Valitse tämä tai jokin myöhempi päivä, tai jätä päivä tyhjäksi."},
        ),
        (
            {"active": "on", "begins_on": "1.2.2027", "returns_on": "1.2.2027"},
            {"returns_on": "Valitse päivä, joka on tauon alkamisen jälkeen."},
        ),
        (
            {"active": "on", "opens_by_itself": "on"},
            {"opens_by_itself": "Valitse päivä, jona Aijuu avautuu, tai ota rasti pois."},
        ),
    ],
)
def test_errors_are_shown_beside_their_fields(kati: Client, changes: dict[str, str], expected: dict[str, str]) -> None:
    stored()
    response = saved(kati, opened(kati), **changes, message=WORDS % "Nämä sanat jäävät.")
    assert response.status_code == 200
    assert errors(response.text) == expected
    assert own_words(response.text) == "Nämä sanat jäävät."
    assert "Taukoa ei tallennettu." in response.text
    assert not PauseChange.objects.exists()


def test_old_version_is_refused_and_keeps_input(kati: Client) -> None:
    stored()
    old = opened(kati)
    saved(kati, opened(kati), active="on")
    response = saved(kati, old, message=WORDS % "Vanhan välilehden sanat.")
    assert response.status_code == 200
    messages = text_of(response.text, ".messages")
    assert "Taukoa on muutettu muualla sen jälkeen, kun avasit tämän sivun." in messages
    assert "Viimeksi: Tauko alkoi (10.1.2027 klo 12.30)." in messages
    assert own_words(response.text) == "Vanhan välilehden sanat."
    assert PauseNotice.objects.get().active
    assert PauseNotice.objects.get().message == ""
    # Saving again after the warning stores the input.
    assert saved(kati, response.text).status_code == 302
    assert not PauseNotice.objects.get().active
    assert "Vanhan välilehden sanat." in PauseNotice.objects.get().message


def test_old_version_and_invalid_field_both_reported(kati: Client) -> None:
    stored()
    old = opened(kati)
    saved(kati, opened(kati), active="on")
    response = saved(kati, old, active="on", returns_on="1.1.2020")
    assert set(errors(response.text)) == {"returns_on"}
    assert "Taukoa on muutettu muualla" in text_of(response.text, ".messages")


@pytest.mark.parametrize("version", [None, "x"])
def test_form_without_version_is_refused(kati: Client, version: str | None) -> None:
    stored()
    response = saved(kati, opened(kati), active="on", seen_version=version)
    assert response.status_code == 200
    assert not PauseNotice.objects.get().active


def test_concurrent_change_is_refused_as_old_version(kati: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A concurrent change between is_valid() and save()."""
    stored()
    html = opened(kati)

    def too_late(**values: Any) -> None:
        raise PauseChangedMeanwhile

    monkeypatch.setattr(form_module, "change_pause", too_late)
    response = saved(kati, html, active="on", message=WORDS % "Nämä sanat jäävät.")
    assert response.status_code == 200
    assert "Taukoa on muutettu muualla" in text_of(response.text, ".messages")
    assert own_words(response.text) == "Nämä sanat jäävät."


def test_form_shows_elapsed_pause_as_over(kati: Client) -> None:
    """An elapsed return that the worker has not recorded: saving the form records both."""
    stored(active=True, returns_on=TODAY, opens_by_itself=True)
    html = opened(kati)
    values = form_values(html, FORM)
    assert "active" not in values
    assert (values["returns_on"], "opens_by_itself" in values) == ("", False)
    assert saved(kati, html, welcome_days="10").status_code == 302
    notice = PauseNotice.objects.get()
    assert (notice.active, notice.ended_on, notice.welcome_days) == (False, TODAY, 10)
    actions = list(PauseChange.objects.order_by("version").values_list("action", flat=True))
    assert actions == [PauseAction.OPENED_BY_ITSELF, PauseAction.CHANGED]


def test_pause_settings_hidden_without_permission() -> None:
    stored()
    other = client_with("view_enquiry")
    assert other.get(address()).status_code in (302, 403)
    assert other.post(address(), {"active": "on"}).status_code in (302, 403)
    assert not PauseNotice.objects.get().active


@pytest.mark.parametrize("typed", ["31.2.2027", "ensi kuussa"])
def test_invalid_date_is_shown_again_as_typed(kati: Client, typed: str) -> None:
    stored()
    response = saved(kati, opened(kati), active="on", returns_on=typed)
    assert response.status_code == 200
    assert errors(response.text) == {"returns_on": "Tarkista päivä. Kirjoita se näin: 1.2.2027."}
    assert form_values(response.text, FORM)["returns_on"] == typed
    assert not PauseNotice.load().active


@pytest.mark.parametrize("field", ["begins_on", "returns_on"])
def test_date_chooser_keeps_invalid_input_on_blur(kati: Client, field: str) -> None:
    stored()
    scripts = parsed(opened(kati)).find_all("script")
    own = [script.get_text() for script in scripts if f'initDateChooser("id_{field}"' in script.get_text()]
    assert len(own) == 1
    assert '"validateOnBlur": false' in own[0]


@pytest.mark.parametrize(
    ("field", "typed"), [("begins_on", "1.2.2048"), ("returns_on", "1.2.2048"), ("returns_on", "31.12.9999")]
)
def test_implausible_year_is_refused(kati: Client, field: str, typed: str) -> None:
    stored()
    response = saved(kati, opened(kati), active="on", **{field: typed})
    assert errors(response.text) == {field: "Tarkista vuosi. Kirjoita päivä esimerkiksi näin: 1.2.2027."}
    assert form_values(response.text, FORM)[field] == typed


@pytest.mark.parametrize(("ended_on", "numbers"), [(TODAY, ("366", "3000000")), (None, ("9" * 30, "-1", "x"))])
def test_invalid_welcome_days_are_refused(kati: Client, ended_on: date | None, numbers: tuple[str, ...]) -> None:
    stored(ended_on=ended_on)
    html = opened(kati)
    for typed in numbers:
        response = saved(kati, html, welcome_days=typed)
        assert response.status_code == 200, typed
        assert list(errors(response.text)) == ["welcome_days"], typed
        assert PauseNotice.load().welcome_days == 30, typed
