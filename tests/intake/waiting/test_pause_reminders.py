"""Kati is reminded of her pause by mail: before its day, when it has passed, and when it opened by itself."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose
from intake.models import ContactPage, OutgoingMail
from intake.periodic_jobs import remind_of_pause
from tests.intake.waiting.list_people import deliver, pause, round_at
from tests.intake.waiting.post_office import PostOffice

pytestmark = pytest.mark.django_db
DAY_OF_RETURN = date(2027, 2, 1)
NOON = datetime(2027, 2, 1, 12, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)


def _subjects() -> list[str]:
    return list(OutgoingMail.objects.order_by("pk").values_list("subject", flat=True))


@pytest.fixture
def details(contact_page: ContactPage) -> None:
    """Kati's details are filled in."""


@pytest.mark.usefixtures("details")
def test_overdue_pause_reminders_repeat_without_duplicates(server: PostOffice) -> None:
    pause(active=True, returns_on=DAY_OF_RETURN)
    seen: list[int] = []
    for day in (-20, -8, -7, -6, -1, 0, 1, 6, 7, 8, 20, 36, 37, 38, 52, 66, 67, 68, 74):
        for hour in (-12, 11):
            if remind_of_pause(now=NOON + day * DAY + timedelta(hours=hour)):
                seen.append(day)
            deliver(NOON + day * DAY + timedelta(hours=hour))
    assert seen == [-7, 0, 7, 37, 67]
    assert set(server.of(MailPurpose.PAUSE_REMINDER)) == {"kati.levola@aijuu.fi"}
    assert len(server.taken) == 5
    assert _subjects()[0] == "Tauko: ilmoitettu päivä 1.2.2027 lähestyy"
    assert set(_subjects()[1:]) == {"Tauko: ilmoitettu päivä 1.2.2027 on tullut"}
    overdue = OutgoingMail.objects.order_by("pk")[1]
    for words in (overdue.text, overdue.html):
        assert "1.2.2027 alkaen. Päivä on tullut" in words
        assert "http://127.0.0.1:8000/admin/" in words


@pytest.mark.usefixtures("details")
def test_automatic_reopening_is_notified_once(server: PostOffice) -> None:
    pause(active=True, returns_on=DAY_OF_RETURN, opens_by_itself=True)
    for day in range(-1, 12):
        round_at(NOON + day * DAY)
    assert _subjects() == ["Tauko: ilmoitettu päivä 1.2.2027 lähestyy", "Tauko on päättynyt itsestään"]
    assert "päättyi itsestään 1.2.2027" in OutgoingMail.objects.order_by("pk")[1].text


@pytest.mark.usefixtures("details")
@pytest.mark.parametrize(("welcome_days", "is_shown"), [(30, True), (0, False)])
def test_reopening_mail_matches_the_welcome_on_site(server: PostOffice, welcome_days: int, is_shown: bool) -> None:
    pause(active=True, returns_on=DAY_OF_RETURN, opens_by_itself=True, welcome_days=welcome_days)
    round_at(NOON)
    mail = OutgoingMail.objects.get()
    for words in (mail.text, mail.html):
        assert ("Sivusto kertoo nyt, että Aijuu on palannut." in words) is is_shown
        assert "Jos odotuslistalla on ihmisiä" in words


@pytest.mark.usefixtures("details")
def test_no_reminder_without_a_pause_day() -> None:
    for active in (True, False):
        pause(active=active)
        assert remind_of_pause(now=NOON) == 0
    assert _subjects() == []


@pytest.mark.usefixtures("details")
def test_outdated_pause_reminder_is_withdrawn() -> None:
    pause(active=True, returns_on=DAY_OF_RETURN)
    assert remind_of_pause(now=NOON - 5 * DAY) == 1
    pause(active=True, returns_on=date(2027, 2, 4))
    assert remind_of_pause(now=NOON - 4 * DAY) == 1
    assert _subjects() == ["Tauko: ilmoitettu päivä 4.2.2027 lähestyy"]
    pause(active=False)
    assert remind_of_pause(now=NOON - 3 * DAY) == 0
    assert _subjects() == []


@pytest.mark.usefixtures("details")
def test_outdated_reminder_is_withdrawn_at_delivery(server: PostOffice) -> None:
    pause(active=True, returns_on=DAY_OF_RETURN)
    assert remind_of_pause(now=NOON - 5 * DAY) == 1
    pause(active=False)
    deliver(NOON - 5 * DAY)
    assert server.taken == []
    assert _subjects() == []
