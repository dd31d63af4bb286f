"""The history of the pause: periods, and changes in words."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from aijuu_site.accounts.models import User
from home.models import PauseNotice
from home.pause.rules import CALENDAR, FormMode, PausePeriod, PauseSettings, TimelineEntry, pause_state, periods
from home.pause.services import begin_pause, change_pause, end_pause, record_elapsed_return, undo_last
from tests.home.pause.pausing import client_with, stored

START = datetime(2027, 1, 10, 12, 30, tzinfo=CALENDAR)
HISTORY = "/admin/tauko/historia/"
OPEN, PAUSE = PauseSettings(active=False), PauseSettings(active=True)


def at(days: int) -> datetime:
    return START + timedelta(days=days)


def day(days: int) -> date:
    return at(days).date()


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([TimelineEntry(OPEN, None)], []),
        ([TimelineEntry(PAUSE, None)], [(None, None)]),
        ([TimelineEntry(OPEN, None), TimelineEntry(PAUSE, at(1))], [(day(1), None)]),
        ([TimelineEntry(PAUSE, None), TimelineEntry(OPEN, at(1))], [(None, day(1))]),
        ([TimelineEntry(OPEN, None), TimelineEntry(PAUSE, at(1)), TimelineEntry(OPEN, at(5))], [(day(1), day(5))]),
        # A change during a pause begins no new pause.
        (
            [
                TimelineEntry(PAUSE, at(1)),
                TimelineEntry(PauseSettings(active=True, returns_on=day(9)), at(2)),
                TimelineEntry(PauseSettings(active=True, returns_on=day(19)), at(12)),
                TimelineEntry(OPEN, at(15)),
            ],
            [(day(1), day(15))],
        ),
        # Announced and cancelled before its day; announced and begun by the clock.
        ([TimelineEntry(PauseSettings(active=True, begins_on=day(9)), at(1)), TimelineEntry(OPEN, at(8))], []),
        (
            [TimelineEntry(PauseSettings(active=True, begins_on=day(9)), at(1)), TimelineEntry(OPEN, at(12))],
            [(day(9), day(12))],
        ),
        # Two pauses on one day are listed separately.
        (
            [
                TimelineEntry(PAUSE, at(1)),
                TimelineEntry(OPEN, at(2)),
                TimelineEntry(PAUSE, at(2)),
                TimelineEntry(OPEN, at(3)),
            ],
            [(day(1), day(2)), (day(2), day(3))],
        ),
        # The pause ended by itself; the worker has or has not recorded it.
        (
            [TimelineEntry(PauseSettings(active=True, returns_on=day(9), opens_by_itself=True), at(1))],
            [(day(1), day(9))],
        ),
        (
            [
                TimelineEntry(PauseSettings(active=True, returns_on=day(9), opens_by_itself=True), at(1)),
                TimelineEntry(OPEN, at(10)),
                TimelineEntry(PAUSE, at(11)),
            ],
            [(day(1), day(9)), (day(11), None)],
        ),
        # Begun again; the return in between was not recorded.
        (
            [
                TimelineEntry(PauseSettings(active=True, returns_on=day(9), opens_by_itself=True), at(1)),
                TimelineEntry(PAUSE, at(11)),
            ],
            [(day(1), day(9)), (day(11), None)],
        ),
        # Postponed while in force: one pause ended, and the next one is upcoming.
        (
            [TimelineEntry(PAUSE, at(1)), TimelineEntry(PauseSettings(active=True, begins_on=day(30)), at(5))],
            [(day(1), day(5))],
        ),
    ],
)
def test_periods_of_a_history(history: list[TimelineEntry], expected: list[tuple[date | None, date | None]]) -> None:
    assert periods(history, at(20)) == [PausePeriod(*days) for days in expected]


days_around = st.none() | st.integers(-20, 60).map(day)
some_settings = st.builds(
    PauseSettings, active=st.booleans(), begins_on=days_around, returns_on=days_around, opens_by_itself=st.booleans()
)


@given(changes=st.lists(st.tuples(st.integers(0, 40), some_settings), max_size=6), now=st.integers(40, 60))
def test_open_period_exactly_while_paused(changes: list[tuple[int, PauseSettings]], now: int) -> None:
    timeline = [
        TimelineEntry(OPEN, None),
        *(TimelineEntry(settings, at(days)) for days, settings in sorted(changes, key=lambda one: one[0])),
    ]
    found = periods(timeline, at(now))
    is_open = bool(found) and found[-1].ended_on is None
    assert is_open is pause_state(timeline[-1].settings, at(now)).is_paused
    assert all(period.ended_on is not None for period in found[:-1])


@pytest.fixture
def kati(db: None) -> Client:
    return client_with("change_pausenotice", name="kati")


def read(client: Client) -> tuple[list[list[str]], list[str]]:
    """Return the text of the rows of pauses and of the list of changes."""
    soup = BeautifulSoup(client.get(HISTORY).text, "html.parser")
    rows = [[" ".join(cell.get_text().split()) for cell in row.select("td")] for row in soup.select("tbody tr")]
    lines = soup.select(".pause-history__changes > li")
    return rows, [" ".join(line.get_text(" ").split()).replace(" ,", ",") for line in lines]


@pytest.mark.django_db
def test_history_lists_changes_with_user_and_time(kati: Client, time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    notice = stored()
    user = User.objects.get(email="kati@example.fi")
    User.objects.filter(pk=user.pk).update(name="Kati Ohjaaja")
    values = {
        "active": True,
        "begins_on": day(5),
        "returns_on": day(22),
        "opens_by_itself": True,
        "form_mode": FormMode.WAITING_LIST,
        "message": "<p>Olen <b>poissa</b>.</p><p>Palaan.</p>",
        "welcome_days": 12,
    }
    notice = change_pause(values=values, version=notice.version, by=user, now=START)
    notice = change_pause(values={"message": "", "returns_on": None, "opens_by_itself": False},
                          version=notice.version, by=user, now=START + timedelta(hours=1))  # fmt: skip
    notice = undo_last(version=notice.version, by=None, now=START + timedelta(hours=2))
    time_machine.move_to(at(22), tick=False)
    record_elapsed_return(now=at(22))
    notice = begin_pause(version=PauseNotice.objects.get().version, by=user, now=at(22))
    again = client_with("change_pausenotice", name="myöhemmin")
    rows, lines = read(again)
    assert rows == [["1.2.2027", "jatkuu"], ["15.1.2027", "1.2.2027"]]
    assert lines == [
        "Tauko alkoi 1.2.2027 klo 12.30, Kati Ohjaaja",
        "Tauko päättyi itsestään sovittuna päivänä 1.2.2027 klo 12.30 Tauko alkaa: ei päivää "
        "Uusia työnohjauksia aloitetaan tästä päivästä alkaen: ei päivää Aijuu avautuu sinä päivänä itsestään: ei",
        "Viimeisin muutos kumottiin 10.1.2027 klo 14.30 Uusia työnohjauksia aloitetaan tästä päivästä alkaen: 1.2.2027 "
        "Aijuu avautuu sinä päivänä itsestään: kyllä Oma teksti: ”Olen poissa. Palaan.”",
        "Taukoa muutettiin 10.1.2027 klo 13.30, Kati Ohjaaja "
        "Uusia työnohjauksia aloitetaan tästä päivästä alkaen: ei päivää Aijuu avautuu sinä päivänä itsestään: ei "
        "Oma teksti: tavallinen teksti",
        "Tauosta ilmoitettiin 10.1.2027 klo 12.30, Kati Ohjaaja Tauko alkaa: 15.1.2027 "
        "Uusia työnohjauksia aloitetaan tästä päivästä alkaen: 1.2.2027 Aijuu avautuu sinä päivänä itsestään: kyllä "
        "Tauon aikana yhteydenottosivu: ottaa ihmisiä odotuslistalle Oma teksti: ”Olen poissa. Palaan.” "
        "Kuinka monta päivää paluusta kerrotaan: 12",
    ]


@pytest.mark.django_db
def test_undone_pause_leaves_history_redone_returns(kati: Client, time_machine: Any) -> None:
    time_machine.move_to(START, tick=False)
    notice = begin_pause(version=stored().version, by=None, now=START)
    notice = undo_last(version=notice.version, by=None, now=START)
    again = client_with("change_pausenotice", name="nyt")
    assert read(again)[0] == []
    notice = undo_last(version=notice.version, by=None, now=START)
    assert read(again)[0] == [["10.1.2027", "jatkuu"]]
    notice = end_pause(version=notice.version, by=None, now=START)
    undo_last(version=notice.version, by=None, now=START)
    assert read(again)[0] == [["10.1.2027", "jatkuu"]]
    assert len(read(again)[1]) == 5


@pytest.mark.django_db
def test_history_is_empty_on_new_site(kati: Client) -> None:
    stored()
    html = kati.get(HISTORY).text
    assert "Taukoja ei ole vielä ollut." in html
    assert "Mitään ei ole vielä muutettu." in html
    stored(active=True)
    assert read(kati)[0] == [["ei tiedossa", "jatkuu"]]


@pytest.mark.django_db
def test_history_requires_pause_change_permission() -> None:
    assert client_with("view_enquiry").get(HISTORY).status_code in (302, 403)
    assert Client().get(HISTORY)["Location"].startswith("/admin/login")
    assert client_with("change_pausenotice", name="kati").post(HISTORY).status_code == 405
