"""pause_state() and related rules: by the Finnish calendar, in any time zone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from home.pause.rules import (
    CALENDAR,
    FormMode,
    PauseSettings,
    PauseState,
    after_elapsed_return,
    calendar_day,
    due_reminder,
    form_mode,
    last_welcome_day,
    next_edge,
    pause_state,
    settings_for_state,
    validation_errors,
)

SPRING = date(2027, 3, 28)  # clocks go forward at 3.00: the day has 23 hours
AUTUMN = date(2027, 10, 31)  # and back at 4.00: 25 hours
WINTER = date(2027, 2, 1)
EDGES = [WINTER, SPRING, AUTUMN]
SECOND = timedelta(seconds=1)


def helsinki(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=CALENDAR)


def before_midnight(day: date) -> datetime:
    """The last second before `day` begins."""
    return helsinki(day - timedelta(days=1), 23, 59, 59)


def assert_turns(settings: PauseSettings, day: date, before: PauseState, after: PauseState) -> None:
    """The state changes exactly when `day` begins in Helsinki, in any time zone of the caller."""
    for zone in (CALENDAR, UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=14))):
        last = before_midnight(day).astimezone(UTC).astimezone(zone)
        assert pause_state(settings, last) is before
        assert pause_state(settings, last + SECOND) is after


@pytest.mark.parametrize("day", EDGES)
def test_an_announced_pause_begins_at_midnight_in_helsinki(day: date) -> None:
    assert_turns(PauseSettings(active=True, begins_on=day), day, PauseState.UPCOMING, PauseState.PAUSED)


@pytest.mark.parametrize("day", EDGES)
def test_overdue_from_midnight_of_return_day(day: date) -> None:
    assert_turns(PauseSettings(active=True, returns_on=day), day, PauseState.PAUSED, PauseState.OVERDUE)


@pytest.mark.parametrize("day", EDGES)
def test_opens_by_itself_at_midnight(day: date) -> None:
    settings = PauseSettings(active=True, returns_on=day, opens_by_itself=True)
    assert_turns(settings, day, PauseState.PAUSED, PauseState.RESUMED)


@pytest.mark.parametrize("day", EDGES)
@pytest.mark.parametrize("by_itself", [True, False])
def test_return_notice_lasts_welcome_days_exactly(day: date, by_itself: bool) -> None:
    ended = day - timedelta(days=30)
    settings = (
        PauseSettings(active=True, returns_on=ended, opens_by_itself=True)
        if by_itself
        else PauseSettings(active=False, ended_on=ended)
    )
    assert_turns(settings, day, PauseState.RESUMED, PauseState.OPEN)


FULL = PauseSettings(active=False, full=True)


@pytest.mark.parametrize("day", EDGES)
def test_pause_in_force_takes_precedence_over_full(day: date) -> None:
    announced = replace(FULL, active=True, begins_on=day)
    assert_turns(announced, day, PauseState.FULL, PauseState.PAUSED)
    assert next_edge(announced, before_midnight(day)) == helsinki(day, 0)
    begun = replace(FULL, active=True, returns_on=day)
    assert_turns(begun, day, PauseState.PAUSED, PauseState.OVERDUE)


@pytest.mark.parametrize("day", EDGES)
def test_opening_by_itself_ends_being_full(day: date) -> None:
    settings = replace(FULL, active=True, returns_on=day, opens_by_itself=True)
    assert_turns(settings, day, PauseState.PAUSED, PauseState.RESUMED)
    assert after_elapsed_return(settings, before_midnight(day)) is settings
    assert not after_elapsed_return(settings, helsinki(day, 0)).full


@pytest.mark.parametrize("day", EDGES)
def test_full_does_not_end_by_the_clock(day: date) -> None:
    assert_turns(FULL, day, PauseState.FULL, PauseState.FULL)
    # After a pause ended by hand: no notice of the return, because it invites new clients.
    assert_turns(replace(FULL, ended_on=day - timedelta(days=30)), day, PauseState.FULL, PauseState.FULL)
    assert next_edge(FULL, helsinki(day, 0)) is None


def test_states_that_are_paused_or_take_clients() -> None:
    away = {state for state in PauseState if state.is_paused}
    takes = {state for state in PauseState if state.takes_new_clients}
    assert away == {PauseState.PAUSED, PauseState.OVERDUE}
    assert takes == {PauseState.OPEN, PauseState.UPCOMING, PauseState.RESUMED}


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_no_reminder_while_full(day: date) -> None:
    for settings in (FULL, replace(FULL, returns_on=day), replace(FULL, active=True, begins_on=day, returns_on=day)):
        assert due_reminder(settings, before_midnight(day)) is None


def test_welcome_days_one_and_zero() -> None:
    settings = PauseSettings(active=False, ended_on=WINTER, welcome_days=1)
    assert_turns(settings, WINTER + timedelta(days=1), PauseState.RESUMED, PauseState.OPEN)
    assert pause_state(replace(settings, welcome_days=0), helsinki(WINTER, 12)) is PauseState.OPEN
    by_itself = PauseSettings(active=True, returns_on=WINTER, opens_by_itself=True, welcome_days=0)
    assert_turns(by_itself, WINTER, PauseState.PAUSED, PauseState.OPEN)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_dst_change_day_is_one_calendar_day(day: date) -> None:
    midnight = helsinki(day, 0).astimezone(UTC)
    following = helsinki(day + timedelta(days=1), 0).astimezone(UTC)
    assert following - midnight != timedelta(hours=24)
    settings = PauseSettings(active=True, begins_on=day, returns_on=day + timedelta(days=1))
    moment = midnight
    while moment < following:
        assert calendar_day(moment) == day
        assert pause_state(settings, moment) is PauseState.PAUSED
        moment += timedelta(minutes=30)


def test_repeated_dst_hour_is_one_day() -> None:
    settings = PauseSettings(active=True, returns_on=AUTUMN)
    for fold in (0, 1):
        half_past_three = helsinki(AUTUMN, 3, 30).replace(fold=fold)
        assert pause_state(settings, half_past_three) is PauseState.OVERDUE


def test_utc_late_evening_is_next_helsinki_day() -> None:
    assert calendar_day(datetime(2027, 1, 31, 22, 0, tzinfo=UTC)) == WINTER
    assert calendar_day(datetime(2027, 1, 31, 21, 59, tzinfo=UTC)) == WINTER - timedelta(days=1)


@pytest.mark.parametrize("function", [pause_state, form_mode, after_elapsed_return])
def test_naive_datetime_is_refused(function: object) -> None:
    settings = PauseSettings(active=True, returns_on=WINTER, opens_by_itself=True)
    with pytest.raises(ValueError, match="aware"):
        function(settings, datetime(2027, 1, 1))  # type: ignore[operator]


def test_resumed_with_a_lagging_clock() -> None:
    """`ended_on` is written just after midnight; another machine still has the day before."""
    settings = PauseSettings(active=False, ended_on=WINTER)
    assert pause_state(settings, before_midnight(WINTER)) is PauseState.RESUMED
    assert pause_state(replace(settings, welcome_days=0), before_midnight(WINTER)) is PauseState.OPEN


moments = st.datetimes(
    min_value=datetime(2020, 1, 1),
    max_value=datetime(2040, 1, 1),
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)
days = st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1))
all_settings = st.builds(
    PauseSettings,
    active=st.booleans(),
    full=st.booleans(),
    begins_on=st.none() | days,
    returns_on=st.none() | days,
    opens_by_itself=st.booleans(),
    ended_on=st.none() | days,
    welcome_days=st.integers(0, 365),
    form_mode=st.sampled_from(FormMode),
)


@given(settings=all_settings, now=moments)
def test_inactive_notice_is_never_paused(settings: PauseSettings, now: datetime) -> None:
    state = pause_state(replace(settings, active=False), now)
    assert state in ((PauseState.FULL,) if settings.full else (PauseState.OPEN, PauseState.RESUMED))


@given(settings=all_settings, now=moments)
def test_resumed_by_clock_only_with_opens_by_itself(settings: PauseSettings, now: datetime) -> None:
    settings = replace(settings, active=True, opens_by_itself=False)
    expected = (PauseState.FULL if settings.full else PauseState.UPCOMING, PauseState.PAUSED, PauseState.OVERDUE)
    assert pause_state(settings, now) in expected


@given(now=moments, returns_on=days)
def test_return_day_announced_until_finnish_midnight(now: datetime, returns_on: date) -> None:
    expected = PauseState.PAUSED if now.astimezone(CALENDAR).date() < returns_on else PauseState.OVERDUE
    assert pause_state(PauseSettings(active=True, returns_on=returns_on), now) is expected


@given(now=moments)
def test_pause_without_return_day_never_ends(now: datetime) -> None:
    assert pause_state(PauseSettings(active=True, opens_by_itself=True), now) is PauseState.PAUSED


@given(settings=all_settings, now=moments, later=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)))
def test_states_follow_one_order_over_time(settings: PauseSettings, now: datetime, later: timedelta) -> None:
    """Over time, without changes, the states follow one order."""
    order = [
        *(PauseState.UPCOMING, PauseState.FULL, PauseState.PAUSED),
        *(PauseState.OVERDUE, PauseState.RESUMED, PauseState.OPEN),
    ]
    assert order.index(pause_state(settings, now)) <= order.index(pause_state(settings, now + later))


@given(settings=all_settings, now=moments)
def test_form_mode_follows_the_state(settings: PauseSettings, now: datetime) -> None:
    state, mode = pause_state(settings, now), form_mode(settings, now)
    if state.is_paused:
        assert mode is settings.form_mode
    else:
        assert (mode is FormMode.AS_USUAL) is state.takes_new_clients
        assert (mode is FormMode.WAITING_LIST) is (state is PauseState.FULL)


@given(settings=all_settings, now=moments, later=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)))
def test_elapsed_return_changes_no_state(settings: PauseSettings, now: datetime, later: timedelta) -> None:
    reopened = after_elapsed_return(settings, now)
    assert pause_state(reopened, now + later) is pause_state(settings, now + later)
    assert after_elapsed_return(reopened, now) is reopened
    if reopened is not settings:
        assert pause_state(settings, now) in (PauseState.RESUMED, PauseState.OPEN)
        assert (reopened.active, reopened.full, reopened.ended_on) == (False, False, settings.returns_on)


@given(settings=all_settings, now=moments, state=st.sampled_from(PauseState))
def test_settings_for_state_yields_that_state(settings: PauseSettings, now: datetime, state: PauseState) -> None:
    assert pause_state(settings_for_state(settings, state, now), now) is state


def test_settings_for_state_keeps_valid_days() -> None:
    now = helsinki(date(2027, 1, 10), 12)
    settings = PauseSettings(active=False, begins_on=date(2027, 1, 15), returns_on=WINTER)
    assert settings_for_state(settings, PauseState.UPCOMING, now) == replace(settings, active=True)
    assert settings_for_state(settings, PauseState.PAUSED, now) == replace(settings, active=True, begins_on=None)
    announced = replace(settings, active=True)
    assert settings_for_state(announced, PauseState.FULL, now) == replace(announced, full=True)
    # A pause in force takes precedence over full, so the example deactivates it.
    begun = replace(announced, begins_on=None)
    assert settings_for_state(begun, PauseState.FULL, now) == replace(begun, active=False, full=True)


@given(
    ended_on=st.dates(),
    returns_on=st.dates() | st.none(),
    begins_on=st.dates() | st.none(),
    welcome_days=st.integers(-(10**12), 10**12),
    active=st.booleans(),
    full=st.booleans(),
    by_itself=st.booleans(),
    now=st.datetimes(datetime(2, 1, 1), datetime(9999, 12, 30), timezones=st.just(CALENDAR)),
)
def test_no_day_or_number_overflows(
    ended_on: date,
    returns_on: date | None,
    begins_on: date | None,
    welcome_days: int,
    active: bool,
    full: bool,
    by_itself: bool,
    now: datetime,
) -> None:
    settings = PauseSettings(
        active=active, full=full, begins_on=begins_on, returns_on=returns_on, opens_by_itself=by_itself,
        ended_on=ended_on, welcome_days=welcome_days,
    )  # fmt: skip
    assert pause_state(settings, now) in PauseState
    assert pause_state(after_elapsed_return(settings, now), now) is pause_state(settings, now)
    assert last_welcome_day(ended_on, welcome_days) >= ended_on
    validation_errors(PauseSettings(active=False), settings, now)
    due_reminder(settings, now)


@example(settings=PauseSettings(active=False, ended_on=WINTER, welcome_days=0), now=before_midnight(WINTER), share=0.0)
@given(settings=all_settings, now=moments, share=st.floats(0, 1, exclude_max=True))
def test_state_is_the_same_until_next_edge(settings: PauseSettings, now: datetime, share: float) -> None:
    edge = next_edge(settings, now)
    # Without an edge: as far ahead as 365 welcome days can reach.
    until = edge or datetime(2043, 1, 1, tzinfo=CALENDAR)
    assert edge is None or (edge > now and pause_state(settings, edge) is not pause_state(settings, now))
    for moment in (now + (until - now) * share, until - SECOND if until - SECOND > now else now):
        assert pause_state(settings, moment) is pause_state(settings, now)


@pytest.mark.parametrize("day", EDGES)
def test_next_edge_is_finnish_midnight(day: date) -> None:
    settings = PauseSettings(active=True, begins_on=day, returns_on=day + timedelta(days=1), opens_by_itself=True)
    assert next_edge(settings, before_midnight(day)) == helsinki(day, 0)
    edge = next_edge(settings, helsinki(day, 0))
    assert edge == helsinki(day + timedelta(days=1), 0)
    # 24 hours, but 23 and 25 when the clocks change.
    hours = {SPRING: 23, AUTUMN: 25}.get(day, 24)
    assert edge.astimezone(UTC) - helsinki(day, 0).astimezone(UTC) == timedelta(hours=hours)


def test_state_without_days_has_no_edge() -> None:
    assert next_edge(PauseSettings(active=False), helsinki(WINTER, 12)) is None
    assert next_edge(PauseSettings(active=True), helsinki(WINTER, 12)) is None
