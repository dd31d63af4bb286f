"""The pauses that a history of settings makes, from the first to the one that stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from home.pause.states import PauseSettings, calendar_day


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
