"""The rules of the pause: pure functions of (settings, now)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from home.dates import is_plausible

# The announced day is a day of the calendar on Kati's wall, wherever the server stands.
CALENDAR = ZoneInfo("Europe/Helsinki")


class PauseState(StrEnum):
    """OPEN: no notice. UPCOMING: open, and a pause is announced. PAUSED: the notice stands. OVERDUE: it stands without
    its day, which has come. RESUMED: open, and the return is told for some days."""

    OPEN = "open"
    UPCOMING = "upcoming"
    PAUSED = "paused"
    OVERDUE = "overdue"
    RESUMED = "resumed"

    @property
    def is_paused(self) -> bool:
        return self in (PauseState.PAUSED, PauseState.OVERDUE)


class FormMode(TextChoices):
    """What the contact page does during a pause. Plain writing stays possible in each: people have rights to use."""

    AS_USUAL = "as_usual", _("takes messages as usual")
    WAITING_LIST = "waiting_list", _("takes people on the waiting list")
    CONTACT_DETAILS = "contact_details", _("shows the contact details only")


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSettings:
    """What Kati has set. Days are days in Finland: each begins at 00.00 Europe/Helsinki.

    `ended_on` is the day on which she ended the last pause; `welcome_days` how many days its end is told, that day
    included.
    """

    active: bool
    begins_on: date | None = None
    returns_on: date | None = None
    opens_by_itself: bool = False
    ended_on: date | None = None
    welcome_days: int = 30
    form_mode: FormMode = FormMode.AS_USUAL


def calendar_day(now: datetime) -> date:
    """The Finnish calendar day of an aware moment; ValueError for a naive one."""
    if now.tzinfo is None:
        raise ValueError("calendar_day() needs an aware datetime")
    return now.astimezone(CALENDAR).date()


def last_welcome_day(ended_on: date, welcome_days: int) -> date:
    """The last day on which a return is told."""
    return date.fromordinal(min(ended_on.toordinal() + max(welcome_days, 1) - 1, date.max.toordinal()))


def pause_state(settings: PauseSettings, now: datetime) -> PauseState:
    """The state at the aware moment `now`.

    A return is announced by the clock alone only where Kati ticked that it opens by itself; else the state is OVERDUE
    from the announced day on, until she says otherwise.
    """
    today = calendar_day(now)
    if not settings.active:
        return _after(settings.ended_on, settings.welcome_days, today)
    if settings.begins_on is not None and today < settings.begins_on:
        return PauseState.UPCOMING
    if settings.returns_on is not None and today >= settings.returns_on:
        if not settings.opens_by_itself:
            return PauseState.OVERDUE
        return _after(settings.returns_on, settings.welcome_days, today)
    return PauseState.PAUSED


def _after(ended_on: date | None, welcome_days: int, today: date) -> PauseState:
    """A clock that lags behind the one that wrote `ended_on` still says that the pause is over."""
    if ended_on is not None and (today - ended_on).days < welcome_days:
        return PauseState.RESUMED
    return PauseState.OPEN


def form_mode(settings: PauseSettings, now: datetime) -> FormMode:
    """What the contact page does at the aware moment `now`: Kati's choice during a pause, else as usual."""
    return settings.form_mode if pause_state(settings, now).is_paused else FormMode.AS_USUAL


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
    """`day` is the announced day. Each reminder has its own `deduplication_key`, so that it goes out once."""

    kind: ReminderKind
    day: date
    deduplication_key: str


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


# Code and words of a fault, by the name of the field.
Faults: TypeAlias = dict[str, tuple[str, str | Promise]]
FAR_DAY = _("Check the year. Write the day for example 1.2.2027.")


def faults(before: PauseSettings, after: PauseSettings, now: datetime) -> Faults:
    """What speaks against changing `before` to `after` at the aware moment `now`; {} where nothing does.

    A day that stood there before and has since come is no reason to refuse: the rest must stay editable.
    """
    before = settled(before, now)
    if not after.active:
        return _without_a_pause(before, after)
    today = calendar_day(now)
    # The days of a pause that is over mean nothing to the one that begins.
    kept_begin = before.active and after.begins_on == before.begins_on
    kept_return = before.active and after.returns_on == before.returns_on
    kept_by_itself = before.active and after.opens_by_itself == before.opens_by_itself
    found: Faults = {}
    if after.begins_on is not None and after.begins_on < today and not kept_begin:
        found["begins_on"] = ("past", _("Choose today or a day ahead, or leave the day empty."))
    if after.returns_on is None:
        if after.opens_by_itself:
            found["opens_by_itself"] = ("no_day", _("Choose the day on which Aijuu opens, or leave this unticked."))
    elif after.returns_on <= today and not (kept_return and (kept_by_itself or not after.opens_by_itself)):
        found["returns_on"] = ("past", _("Choose a day that is still ahead, or leave the day empty."))
    elif after.begins_on is not None and after.returns_on <= after.begins_on:
        found["returns_on"] = ("order", _("Choose a day that comes after the beginning of the pause."))
    for name, day in (("begins_on", after.begins_on), ("returns_on", after.returns_on)):
        if day is None or name in found or day == getattr(before, name):
            continue
        if not is_plausible(day, today=today):
            found[name] = ("far", FAR_DAY)
    return found


def _without_a_pause(before: PauseSettings, after: PauseSettings) -> Faults:
    """Days that are left over from the pause that ends here, or from an earlier one, are let go without a word."""
    if before.active or _days(after) in (_days(before), (None, None, False)):
        return {}
    return {"active": ("days_without_pause", _("Tick this so that the days take effect, or empty the days."))}


def _days(settings: PauseSettings) -> tuple[object, object, bool]:
    return settings.begins_on, settings.returns_on, settings.opens_by_itself
