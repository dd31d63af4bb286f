"""Is the practice on a pause: decided by the Finnish calendar, at any moment, in any time zone."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from home.pause import CALENDAR, PauseState, calendar_day, pause_state, pause_status

SPRING = date(2027, 3, 28)  # clocks go forward at 3.00: the day has 23 hours
AUTUMN = date(2027, 10, 31)  # and back at 4.00: 25 hours
WINTER = date(2027, 2, 1)


def helsinki(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=CALENDAR)


@pytest.mark.parametrize("day", [WINTER, SPRING, AUTUMN])
def test_the_announcement_ends_at_midnight_in_helsinki(day: date) -> None:
    last_second = helsinki(day - timedelta(days=1), 23, 59, 59)
    assert pause_state(active=True, returns_on=day, now=last_second) is PauseState.PAUSED
    assert pause_state(active=True, returns_on=day, now=last_second + timedelta(seconds=1)) is PauseState.OVERDUE


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_the_whole_day_of_a_clock_change_is_one_day(day: date) -> None:
    midnight = helsinki(day, 0).astimezone(UTC)
    following = helsinki(day + timedelta(days=1), 0).astimezone(UTC)
    assert following - midnight != timedelta(hours=24)
    moment = midnight
    while moment < following:
        assert calendar_day(moment) == day
        assert pause_state(active=True, returns_on=day + timedelta(days=1), now=moment) is PauseState.PAUSED
        moment += timedelta(minutes=30)


def test_late_evening_in_utc_is_already_the_next_day_in_helsinki() -> None:
    assert calendar_day(datetime(2027, 1, 31, 22, 0, tzinfo=UTC)) == WINTER
    assert calendar_day(datetime(2027, 1, 31, 21, 59, tzinfo=UTC)) == WINTER - timedelta(days=1)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        pause_state(active=True, returns_on=WINTER, now=datetime(2027, 1, 1))


moments = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2040, 1, 1),
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)
days = st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1))


@given(now=moments, returns_on=st.none() | days)
def test_switched_off_is_always_open(now: datetime, returns_on: date | None) -> None:
    assert pause_state(active=False, returns_on=returns_on, now=now) is PauseState.OPEN


@given(now=moments, returns_on=days)
def test_a_day_is_announced_exactly_while_it_is_ahead_on_the_finnish_calendar(now: datetime, returns_on: date) -> None:
    expected = PauseState.PAUSED if now.astimezone(CALENDAR).date() < returns_on else PauseState.OVERDUE
    assert pause_state(active=True, returns_on=returns_on, now=now) is expected


@given(now=moments)
def test_without_a_day_the_pause_never_runs_out(now: datetime) -> None:
    assert pause_state(active=True, returns_on=None, now=now) is PauseState.PAUSED


UNDATED = (
    "Aijuun palvelut ovat toistaiseksi tauolla. Tilanteen muuttumisesta ilmoitetaan täällä ja Aijuun Facebook-sivulla."
)
DATED = "Aijuun palvelut ovat tauolla. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."
BEFORE, ON_THE_DAY = helsinki(date(2027, 1, 15), 12), helsinki(WINTER, 8)
FACEBOOK = "https://www.facebook.com/aijuu?a=1&b=2"


@pytest.fixture(autouse=True)
def in_finnish() -> None:
    translation.activate("fi")


def test_the_usual_wording_without_a_day() -> None:
    status = pause_status(active=True, message="", returns_on=None, facebook_url="", now=BEFORE)
    assert status.text == UNDATED
    assert status.html == f"<p>{UNDATED}</p>"
    assert status.is_paused


def test_the_usual_wording_with_a_day() -> None:
    assert pause_status(active=True, message="", returns_on=WINTER, facebook_url="", now=BEFORE).text == DATED


def test_once_the_day_has_come_the_notice_goes_on_without_it() -> None:
    status = pause_status(active=True, message="", returns_on=WINTER, facebook_url="", now=ON_THE_DAY)
    assert status.state is PauseState.OVERDUE
    assert status.is_paused
    assert status.text == UNDATED


def test_facebook_is_a_link_where_its_address_is_known() -> None:
    status = pause_status(active=True, message="", returns_on=None, facebook_url=FACEBOOK, now=BEFORE)
    assert '<a href="https://www.facebook.com/aijuu?a=1&amp;b=2">Facebook-sivulla</a>.' in status.html
    assert status.text == UNDATED
    dated = pause_status(active=True, message="", returns_on=WINTER, facebook_url=FACEBOOK, now=BEFORE)
    assert dated.text.startswith(DATED)
    assert "Facebook-sivulla</a>" in dated.html


def test_own_words_keep_the_day_while_it_is_ahead() -> None:
    own = "<p>Olen <b>opintovapaalla</b>.</p>"
    ahead = pause_status(active=True, message=own, returns_on=WINTER, facebook_url="", now=BEFORE)
    assert ahead.html == own + "<p>Uusia työnohjauksia aloitetaan 1.2.2027 alkaen.</p>"
    assert ahead.text == "Olen opintovapaalla. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen."
    passed = pause_status(active=True, message=own, returns_on=WINTER, facebook_url="", now=ON_THE_DAY)
    assert passed.html == own


def test_own_words_that_link_to_facebook_are_not_followed_by_a_second_link() -> None:
    own = '<p>Katso <a href="https://www.facebook.com/aijuu?a=1&amp;b=2">Facebook</a>.</p>'
    status = pause_status(active=True, message=own, returns_on=None, facebook_url=FACEBOOK, now=BEFORE)
    assert status.html == own


def test_no_notice_when_open() -> None:
    status = pause_status(active=False, message="<p>Tauko</p>", returns_on=WINTER, facebook_url=FACEBOOK, now=BEFORE)
    assert (status.is_paused, status.html, status.text) == (False, "", "")
