"""A state that does not hold now, made of what is set: for previews and the style guide."""

from dataclasses import replace
from datetime import datetime, timedelta

from home.pause.states import PauseSettings, PauseState, calendar_day

# How far ahead a pause is announced where no day is set.
_AHEAD = timedelta(days=7)


def in_state(settings: PauseSettings, state: PauseState, now: datetime) -> PauseSettings:
    """`settings` changed as little as it takes to be in `state` at the aware moment `now`."""
    today = calendar_day(now)
    if state is PauseState.OPEN:
        return replace(settings, active=False, ended_on=None)
    if state is PauseState.RESUMED:
        return replace(settings, active=False, ended_on=today, welcome_days=max(settings.welcome_days, 1))
    if state is PauseState.OVERDUE:
        passed = settings.returns_on if settings.returns_on is not None and settings.returns_on <= today else today
        return replace(settings, active=True, begins_on=None, returns_on=passed, opens_by_itself=False)
    begins_on = None
    if state is PauseState.UPCOMING:
        is_ahead = settings.begins_on is not None and settings.begins_on > today
        begins_on = settings.begins_on if is_ahead else today + _AHEAD
    returns_on = settings.returns_on
    if returns_on is not None and returns_on <= (begins_on or today):
        returns_on = None
    return replace(settings, active=True, begins_on=begins_on, returns_on=returns_on)
