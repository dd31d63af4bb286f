"""The pauses that a history of settings makes, from the first to the one that stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from home.pause.states import CALENDAR, FormMode, PauseSettings, calendar_day, form_mode


@dataclass(frozen=True, slots=True)
class Held:
    """Settings that held from `since` on; None for what stood when the history began."""

    settings: PauseSettings
    since: datetime | None


@dataclass(frozen=True, slots=True)
class PausePeriod:
    """`begins_on` is None where the history does not reach that far, `ended_on` None for a pause that stands."""

    begins_on: date | None
    ended_on: date | None


def form_modes(history: Sequence[Held], since: datetime, now: datetime) -> set[FormMode]:
    """What the contact page has done at some time from `since` until the aware moment `now`, both included.

    `history` is oldest first; what was set by a slip and undone has been seen all the same, so it belongs there.
    """
    found = set()
    for held, following in zip(history, [*history[1:], None], strict=True):
        begins = max([since, *([held.since] if held.since is not None else [])])
        ends = now if following is None or following.since is None else min(now, following.since - timedelta.resolution)
        # Settings change what they do at the beginning of a day at most.
        days = [day for day in (held.settings.begins_on, held.settings.returns_on) if day is not None]
        moments = [begins, ends, *(datetime.combine(day, time.min, CALENDAR) for day in days)]
        found |= {form_mode(held.settings, moment) for moment in moments if begins <= moment <= ends}
    return found


def periods(history: Sequence[Held], now: datetime) -> list[PausePeriod]:
    """The pauses of `history` (oldest first) up to the aware moment `now`, oldest first.

    A change in the middle of a pause, like a later return, makes no new one. An announced pause counts from its day.
    """
    found: list[PausePeriod] = []
    stands = False
    for held, following in zip(history, [*history[1:], None], strict=True):
        until = calendar_day(following.since) if following is not None and following.since is not None else None
        period = _period(held, until, calendar_day(now))
        if period is None:
            stands = False
            continue
        begun_before = held.since is None or _began(held, calendar_day(held.since))
        if stands and begun_before:
            found[-1] = replace(found[-1], ended_on=period.ended_on)
        else:
            found.append(period)
        stands = not _opened(held.settings, until or calendar_day(now))
    return found


def _period(held: Held, until: date | None, today: date) -> PausePeriod | None:
    settings = held.settings
    last = until or today
    if not settings.active or (settings.begins_on is not None and settings.begins_on > last):
        return None
    since = calendar_day(held.since) if held.since is not None else None
    known = [day for day in (settings.begins_on, since) if day is not None]
    return PausePeriod(max(known, default=None), settings.returns_on if _opened(settings, last) else until)


def _began(held: Held, day: date) -> bool:
    return held.settings.begins_on is None or held.settings.begins_on <= day


def _opened(settings: PauseSettings, day: date) -> bool:
    return settings.opens_by_itself and settings.returns_on is not None and settings.returns_on <= day
