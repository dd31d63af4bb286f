"""The wording of the notice in each state, default and own."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st

from home.pause.rules import CALENDAR, FormMode, PauseSettings, PauseState
from home.pause.wording import PauseStatus, PauseWords, next_change, next_step, pause_status
from tests.home.pause.test_pause import all_settings, days, moments

WINTER = date(2027, 2, 1)
BEFORE = datetime(2027, 1, 15, 12, tzinfo=CALENDAR)
ON_THE_DAY = datetime(2027, 2, 1, 8, tzinfo=CALENDAR)
UNDATED = (
    "Aijuun palvelut ovat toistaiseksi tauolla. Tilanteen muuttumisesta ilmoitetaan täällä ja Aijuun Facebook-sivulla."
)
DATED = "Aijuun palvelut ovat tauolla. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."
FACEBOOK = "https://www.facebook.com/aijuu?a=1&b=2"
OWN = "<p>Olen <b>opintovapaalla</b>.</p>"
PAUSED = PauseSettings(active=True)
PAUSED_UNTIL = PauseSettings(active=True, returns_on=WINTER)
UPCOMING = PauseSettings(active=True, begins_on=date(2027, 1, 20))
RESUMED = PauseSettings(active=False, ended_on=date(2027, 1, 10))
OPEN = PauseSettings(active=False)
FULL = PauseSettings(active=False, full=True)


@pytest.fixture(autouse=True)
def in_finnish() -> None:
    translation.activate("fi")


def status(settings: PauseSettings, *, now: datetime = BEFORE, facebook_url: str = "", **words: str) -> PauseStatus:
    return pause_status(settings, words=PauseWords(**words), facebook_url=facebook_url, now=now)


def test_default_wording_without_return_day() -> None:
    shown = status(PAUSED)
    assert shown.text == UNDATED
    first, rest = UNDATED.split(". ")
    assert shown.html == f'<p class="pause__first">{first}.</p>\n<p>{rest}</p>'
    assert shown.is_paused


def test_default_wording_with_return_day() -> None:
    assert status(PAUSED_UNTIL).text == DATED


def test_overdue_notice_omits_return_day() -> None:
    shown = status(PAUSED_UNTIL, now=ON_THE_DAY)
    assert (shown.state, shown.is_paused, shown.text) == (PauseState.OVERDUE, True, UNDATED)


def test_upcoming_pause_notice_names_its_days() -> None:
    shown = status(UPCOMING)
    assert shown.text == "Aijuu on tauolla 20.1.2027 alkaen."
    assert not shown.is_paused
    both = status(replace(UPCOMING, returns_on=WINTER))
    assert both.text == "Aijuu on tauolla 20.1.2027 alkaen. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."
    own = status(replace(UPCOMING, returns_on=WINTER), upcoming="<p>Lähden opintovapaalle.</p>", paused=OWN)
    assert own.text == f"Lähden opintovapaalle. {both.text}"


def test_resumed_notice_welcomes_visitors() -> None:
    shown = status(RESUMED, facebook_url=FACEBOOK, paused=OWN)
    assert shown.text == "Aijuu on palannut tauolta."
    assert next_step(shown, "/yhteys/") == '<a href="/yhteys/">Ota rohkeasti yhteyttä!</a>'
    assert not shown.is_paused
    assert status(RESUMED, resumed="<p>Täällä taas!</p>").html == "<p>Täällä taas!</p>"


def test_full_notice_has_two_sentences() -> None:
    shown = status(FULL, facebook_url=FACEBOOK, paused=OWN, resumed=OWN, upcoming=OWN)
    assert shown.text == "Aijuussa ei ole juuri nyt vapaita aikoja."
    assert next_step(shown, "/yhteys/") == (
        'Voit <a href="/yhteys/">ilmoittautua odotuslistalle</a> tai kirjoittaa Katille muusta asiasta.'
    )
    assert (shown.is_paused, shown.takes_new_clients, shown.form_mode) == (False, False, FormMode.WAITING_LIST)
    assert status(FULL, full="<p>Kevät on täynnä.</p>").html == "<p>Kevät on täynnä.</p>"


def test_full_notice_names_days_of_announced_pause() -> None:
    announced = replace(FULL, active=True, begins_on=date(2027, 1, 20), returns_on=WINTER)
    days = "Aijuu on tauolla 20.1.2027 alkaen. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."
    assert status(announced).text == f"Aijuussa ei ole juuri nyt vapaita aikoja. {days}"
    assert status(announced, full="<p>Kevät on täynnä.</p>").text == f"Kevät on täynnä. {days}"
    # Days without a pause are left over from an earlier one.
    left = replace(announced, active=False)
    assert status(left).text == "Aijuussa ei ole juuri nyt vapaita aikoja."


def test_notice_links_facebook_when_known() -> None:
    shown = status(PAUSED, facebook_url=FACEBOOK)
    assert '<a href="https://www.facebook.com/aijuu?a=1&amp;b=2">Facebook-sivulla</a>.' in shown.html
    assert shown.text == UNDATED
    dated = status(PAUSED_UNTIL, facebook_url=FACEBOOK)
    assert dated.text.startswith(DATED)
    assert "Facebook-sivulla</a>" in dated.html


def test_custom_wording_keeps_future_return_day() -> None:
    ahead = status(PAUSED_UNTIL, paused=OWN)
    assert ahead.html == OWN + "<p>Uusia työnohjauksia aloitetaan 1.2.2027 alkaen.</p>"
    assert ahead.text == "Olen opintovapaalla. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."


def test_own_wording_when_overdue_unless_past_day() -> None:
    assert status(PAUSED_UNTIL, now=ON_THE_DAY, paused=OWN).html == OWN
    named = "<p>Tauolla 31.1.2027 asti.</p>"
    assert status(PAUSED_UNTIL, now=ON_THE_DAY, paused=named).text == UNDATED
    later = "<p>Paluu siirtyi.</p>"
    assert status(PAUSED_UNTIL, now=ON_THE_DAY, paused=named, overdue=later).html == later


@pytest.mark.parametrize(
    "day",
    [
        "1.2.",
        "1.2",
        "01.02.",
        "1. helmikuuta",
        "helmikuun 1. päivä",
        "1.2.27",
        "1.2. 9.00",
        "1.2. 8–16",
        "1. helmikuuta 10.30",
        "1.2. 050 1234567",
    ],
)
def test_own_wording_names_return_day_without_year(day: str) -> None:
    named = f"<p>Palaan <b>{day}</b></p>"
    assert status(PAUSED_UNTIL, paused=named).text.startswith(f"Palaan {day}")
    assert status(PAUSED_UNTIL, now=ON_THE_DAY, paused=named).text == UNDATED


@pytest.mark.parametrize("day", ["11.2.", "1.12.", "1. maaliskuuta", "1.2.2028", "1. helmikuuta 2028", "1.20"])
def test_own_wording_names_another_day(day: str) -> None:
    assert status(PAUSED_UNTIL, now=ON_THE_DAY, paused=f"<p>Palaan {day}</p>").text == f"Palaan {day}"


def test_answer_note_warns_of_delay_by_pause() -> None:
    announced = "Aijuu on tauolla 20.1.2027 alkaen, ja silloin vastaus voi viipyä."
    assert status(PAUSED).answer_note == "Aijuu on tauolla, joten vastaus voi viipyä."
    assert [status(replace(UPCOMING, full=full)).answer_note for full in (False, True)] == [announced, announced]
    assert [status(settings).answer_note for settings in (OPEN, FULL, RESUMED)] == ["", "", ""]


def test_own_wording_with_facebook_gets_no_second_link() -> None:
    own = '<p>Katso <a href="https://www.facebook.com/aijuu?a=1&amp;b=2">Facebook</a>.</p>'
    assert status(PAUSED, facebook_url=FACEBOOK, paused=own).html == own


def test_no_notice_when_open() -> None:
    shown = status(
        replace(OPEN, returns_on=WINTER), facebook_url=FACEBOOK, paused=OWN, upcoming=OWN, overdue=OWN, resumed=OWN
    )
    assert (shown.state, shown.is_paused, shown.html, shown.text) == (PauseState.OPEN, False, "", "")


@pytest.mark.parametrize(
    ("mode", "label"),
    [
        (FormMode.AS_USUAL, "Kirjoita Katille"),
        (FormMode.WAITING_LIST, "Ilmoittaudu odotuslistalle"),
        (FormMode.CONTACT_DETAILS, "Yhteystiedot"),
    ],
)
def test_contact_label_follows_form_mode(mode: FormMode, label: str) -> None:
    assert status(replace(PAUSED, form_mode=mode)).contact_label == label
    assert status(replace(PAUSED_UNTIL, form_mode=mode), now=ON_THE_DAY).contact_label == label
    for settings in (OPEN, UPCOMING, RESUMED):
        assert status(replace(settings, form_mode=mode)).contact_label == "Ota yhteyttä"
    # The form mode applies to a pause. When the practice is full, the waiting list is offered whatever the mode.
    assert status(replace(FULL, form_mode=mode)).contact_label == "Ilmoittaudu odotuslistalle"


@pytest.mark.parametrize(
    ("pause", "mode", "words"),
    [
        (PAUSED, FormMode.AS_USUAL, "Voit silti <a>kirjoittaa Katille</a>, mutta vastaus voi viipyä."),
        (PAUSED, FormMode.WAITING_LIST, "Voit <a>ilmoittautua odotuslistalle</a>."),
        (PAUSED, FormMode.CONTACT_DETAILS, "Voit yhä <a>ottaa yhteyttä suoraan</a>."),
        (UPCOMING, FormMode.WAITING_LIST, "Siihen asti voit <a>ottaa yhteyttä</a> tavalliseen tapaan."),
    ],
    ids=["writing", "list", "details", "upcoming"],
)
def test_next_step_follows_state_and_form_mode(pause: PauseSettings, mode: FormMode, words: str) -> None:
    shown = status(replace(pause, form_mode=mode))
    assert next_step(shown, "/yhteys/") == words.replace("<a>", '<a href="/yhteys/">')


def test_no_next_step_without_notice_page_or_need() -> None:
    assert next_step(status(PauseSettings(active=False)), "/yhteys/") == ""
    assert next_step(status(PAUSED), "") == ""
    linked = '<p><a href="/yhteys/">Kirjoita minulle</a>.</p>'
    assert next_step(status(PAUSED, paused=linked), "/yhteys/") == ""


def test_custom_wording_is_shown_until_named_day_passes() -> None:
    words = PauseWords(paused="<p>Palaan 14.2.2027, viimeistään 20.2.2027.</p>")
    past = datetime(2027, 2, 15, tzinfo=CALENDAR)
    for now in (ON_THE_DAY, past - timedelta(microseconds=1)):
        assert next_change(PAUSED_UNTIL, words=words, now=now) == past
        assert "14.2.2027" in pause_status(PAUSED_UNTIL, words=words, now=now).text
    assert next_change(PAUSED_UNTIL, words=words, now=past) is None
    assert "14.2.2027" not in pause_status(PAUSED_UNTIL, words=words, now=past).text
    # A custom wording for the overdue state does not change by the clock.
    assert next_change(PAUSED_UNTIL, words=replace(words, overdue="<p>Myöhemmin.</p>"), now=ON_THE_DAY) is None


@example(PauseSettings(active=True, returns_on=WINTER), [date.max], ON_THE_DAY, 0.5)
@given(all_settings, st.lists(days, max_size=3), moments, st.floats(0, 1, exclude_max=True))
def test_status_is_the_same_until_the_next_change(
    settings: PauseSettings, named: list[date], now: datetime, share: float
) -> None:
    text = f"<p>Palaan {' '.join(f'{day.day}.{day.month}.{day.year}' for day in named)}.</p>"
    words = PauseWords(**dict.fromkeys(("full", "upcoming", "paused", "resumed"), text))
    change = next_change(settings, words=words, now=now)
    until = change or datetime(2043, 1, 1, tzinfo=CALENDAR)
    shown = pause_status(settings, words=words, now=now)
    assert change is None or (change > now and pause_status(settings, words=words, now=change) != shown)
    # A share close to 1 may be rounded up to the end of the interval.
    between = min(now + (until - now) * share, until - timedelta.resolution)
    for moment in (between, max(now, until - timedelta(seconds=1))):
        assert pause_status(settings, words=words, now=moment) == shown
