"""What Kati is reminded of by mail: a return that comes near, and a day that has passed without a word."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from home.pause.states import PauseSettings, PauseState, calendar_day, pause_state

BEFORE = timedelta(days=7)
# After the day itself: once after this long, and from then on again and again.
FIRST_AGAIN = timedelta(days=7)
AGAIN_EVERY = timedelta(days=30)


class ReminderKind(StrEnum):
    """BEFORE: the announced day is near. OVERDUE: it has come, and the notice goes on without it."""

    BEFORE = "before"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class PauseReminder:
    """`day` is the announced day. `occasion` is the same for as long as it is the same reminder, so that it goes out
    once; another day, and another step after it, is another occasion."""

    kind: ReminderKind
    day: date
    occasion: str


def due_reminder(settings: PauseSettings, now: datetime) -> PauseReminder | None:
    """The reminder that should have gone out by the aware moment `now`; None where there is none.

    A worker that stood still for some days finds the newest one, never a row of old ones.
    """
    day, state = settings.returns_on, pause_state(settings, now)
    if day is None:
        return None
    today = calendar_day(now)
    if state is PauseState.PAUSED and day - today <= BEFORE:
        return PauseReminder(ReminderKind.BEFORE, day, f"before:{day.isoformat()}")
    if state is PauseState.OVERDUE:
        return PauseReminder(ReminderKind.OVERDUE, day, f"overdue:{day.isoformat()}:{_step(today - day)}")
    return None


def _step(since: timedelta) -> int:
    """0 on the day; after that the number of days after it on which the reminder fell due: 7, 37, 67…"""
    if since < FIRST_AGAIN:
        return 0
    return FIRST_AGAIN.days + AGAIN_EVERY.days * ((since - FIRST_AGAIN) // AGAIN_EVERY)
