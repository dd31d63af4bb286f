"""What becomes of a pause that opens by itself, once its day has come."""

from dataclasses import replace
from datetime import datetime

from home.pause.states import PauseSettings, PauseState, calendar_day, pause_state


def settled(settings: PauseSettings, now: datetime) -> PauseSettings:
    """`settings` with a pause that has opened by itself put to rest at the aware moment `now`; else `settings` itself.

    The state is the same before and after, at `now` and ever after: only what the fields say catches up with it.
    """
    if not settings.active or not settings.opens_by_itself or settings.returns_on is None:
        return settings
    if calendar_day(now) < settings.returns_on or pause_state(settings, now) is PauseState.UPCOMING:
        return settings
    return replace(
        settings,
        active=False,
        ended_on=settings.returns_on,
        begins_on=None,
        returns_on=None,
        opens_by_itself=False,
    )
