"""On which day each one will be told of the return, if nothing changes: pure functions, for the supervisor's plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from home.pause import CALENDAR, calendar_day
from intake.waiting.rules import DAY_ENDS

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingDay(Generic[Told]):
    """Who is told on one day. `number` is the day's place among them, 1 the first."""

    number: int
    on: date
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Generic[Told]):
    """The days of telling, and those whose turn would come only during a pause that is announced."""

    days: tuple[TellingDay[Told], ...]
    held: tuple[Told, ...] = ()


def first_telling_day(now: datetime) -> date:
    """Return the day on which the next notice can go out: today, or tomorrow when today's hours are over."""
    today = calendar_day(now)
    return today if now.astimezone(CALENDAR).time() < DAY_ENDS else today + timedelta(days=1)


def schedule(
    queue: Sequence[Told], *, per_day: int, room_on_first: int, first_day: date, pause_begins_on: date | None = None
) -> Schedule[Told]:
    """Divide `queue`, which is in the order of calling, among the days from `first_day` on.

    The first day takes `room_on_first` (0 or more), the others `per_day` (1 or more). Nobody is told from
    `pause_begins_on` on.
    """
    days: list[TellingDay[Told]] = []
    rest, on, room = list(queue), first_day, room_on_first
    while rest and (pause_begins_on is None or on < pause_begins_on):
        told, rest = tuple(rest[:room]), rest[room:]
        if told:
            days.append(TellingDay(number=len(days) + 1, on=on, told=told))
        on, room = on + timedelta(days=1), per_day
    return Schedule(days=tuple(days), held=tuple(rest))
