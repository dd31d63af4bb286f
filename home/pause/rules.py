"""The rules of the pause: pure functions of (settings, now)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from home.dates import is_plausible

# Days are calendar days in Finland, wherever the server is.
CALENDAR = ZoneInfo("Europe/Helsinki")
# settings_for_state() announces a pause this far ahead where no day is set.
_DEFAULT_LEAD = timedelta(days=7)
# A reminder goes out this long before the announced day.
BEFORE = timedelta(days=7)
# More reminders after the one on the announced day: the first after FIRST_AGAIN, then one every AGAIN_EVERY.
FIRST_AGAIN = timedelta(days=7)
AGAIN_EVERY = timedelta(days=30)
FAR_DAY = _("Check the year. Write the day for example 1.2.2027.")
# The values of a pause without days.
NO_DAYS: dict[str, Any] = {"begins_on": None, "returns_on": None, "opens_by_itself": False}


class PauseState(StrEnum):
    """The six states of the notice.

    OPEN: no notice. FULL: at work, but no new supervision is started. UPCOMING: open, with an announced pause. PAUSED:
    the notice is shown. OVERDUE: the notice is shown without the announced day, which has passed. RESUMED: open, with a
    notice of the return for some days.

    `is_paused`: the supervisor is away, so an answer takes longer. `takes_new_clients`: she starts new supervision (in
    OPEN, UPCOMING and RESUMED).

    Where several states apply, the one that decides a visitor's next step wins. A current pause wins over FULL, because
    nobody is there. FULL wins over UPCOMING and RESUMED, because their notices invite the visitor to write as usual;
    the notice of FULL has the days of an announced pause. The day of return is the day on which new supervision starts.
    So a pause that opens by itself also ends being full. A pause that is ended by hand does not.
    """

    OPEN = "open"
    FULL = "full"
    UPCOMING = "upcoming"
    PAUSED = "paused"
    OVERDUE = "overdue"
    RESUMED = "resumed"

    @property
    def is_paused(self) -> bool:
        return self in (PauseState.PAUSED, PauseState.OVERDUE)

    @property
    def takes_new_clients(self) -> bool:
        return not self.is_paused and self is not PauseState.FULL


class FormMode(TextChoices):
    """What the contact page does. A message can be sent in every mode, for data protection requests."""

    AS_USUAL = "as_usual", _("takes messages as usual")
    WAITING_LIST = "waiting_list", _("takes people on the waiting list")
    CONTACT_DETAILS = "contact_details", _("shows the contact details only")


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSettings:
    """The fields of `PauseNotice` that decide the state. Each day begins at 00.00 Europe/Helsinki.

    `ended_on` is the day on which the last pause was ended. The notice of the return is shown for `welcome_days` days,
    that day included. `full_ended_on` is the day on which new supervision was last started again after being full.
    `form_mode` applies during a pause.
    """

    active: bool
    full: bool = False
    begins_on: date | None = None
    returns_on: date | None = None
    opens_by_itself: bool = False
    ended_on: date | None = None
    full_ended_on: date | None = None
    welcome_days: int = 30
    form_mode: FormMode = FormMode.AS_USUAL


def calendar_day(now: datetime) -> date:
    """Return the calendar day in Finland. Raises ValueError for a naive datetime."""
    if now.tzinfo is None:
        raise ValueError("calendar_day() needs an aware datetime")
    return now.astimezone(CALENDAR).date()


def last_welcome_day(ended_on: date, welcome_days: int) -> date:
    """Return the last day on which the notice of the return is shown."""
    return date.fromordinal(min(ended_on.toordinal() + max(welcome_days, 1) - 1, date.max.toordinal()))


def pause_state(settings: PauseSettings, now: datetime) -> PauseState:
    """Return the state at `now` (aware). The docstring of PauseState says which one wins where several apply.

    On the day of return the state becomes RESUMED only with `opens_by_itself`. Otherwise it becomes OVERDUE and stays
    so until the settings change.
    """
    today = calendar_day(now)
    announced = announced_pause(settings, now)
    if settings.full and (not settings.active or announced is not None):
        return PauseState.FULL
    if not settings.active:
        return _state_after_return(settings.ended_on, settings.welcome_days, today)
    if announced is not None:
        return PauseState.UPCOMING
    if settings.returns_on is not None and today >= settings.returns_on:
        if not settings.opens_by_itself:
            return PauseState.OVERDUE
        return _state_after_return(settings.returns_on, settings.welcome_days, today)
    return PauseState.PAUSED


def announced_pause(settings: PauseSettings, now: datetime) -> date | None:
    """Return the day on which an announced pause begins, also while Aijuu is full; None where none is ahead."""
    begins_on = settings.begins_on if settings.active else None
    return begins_on if begins_on is not None and calendar_day(now) < begins_on else None


def _state_after_return(ended_on: date | None, welcome_days: int, today: date) -> PauseState:
    # The difference is negative where this clock lags behind the one that wrote `ended_on`: that is RESUMED, too.
    if ended_on is not None and welcome_days > 0 and (today - ended_on).days < welcome_days:
        return PauseState.RESUMED
    return PauseState.OPEN


def next_edge(settings: PauseSettings, now: datetime) -> datetime | None:
    """Return the first moment after `now` (aware) at which the state changes; None if it never does."""
    days = {settings.begins_on, settings.returns_on}
    for ended_on in (settings.ended_on, settings.returns_on):
        if ended_on is not None and (last_day := last_welcome_day(ended_on, settings.welcome_days)) < date.max:
            days.add(last_day + timedelta(days=1))
    state = pause_state(settings, now)
    midnights = sorted(datetime.combine(day, time.min, tzinfo=CALENDAR) for day in days if day is not None)
    return next((edge for edge in midnights if edge > now and pause_state(settings, edge) is not state), None)


def form_mode(settings: PauseSettings, now: datetime) -> FormMode:
    """Return the mode of the contact page at `now` (aware).

    The chosen one during a pause, WAITING_LIST while Aijuu is full, else AS_USUAL.
    """
    state = pause_state(settings, now)
    if state is PauseState.FULL:
        return FormMode.WAITING_LIST
    return settings.form_mode if state.is_paused else FormMode.AS_USUAL


def after_elapsed_return(settings: PauseSettings, now: datetime) -> PauseSettings:
    """Return `settings` with a pause that has opened by itself switched off; else `settings` itself, unchanged.

    New supervision starts on that day, so `full` is switched off, too. At `now` and at every later moment,
    pause_state() returns the same for both settings.
    """
    if not settings.active or not settings.opens_by_itself or settings.returns_on is None:
        return settings
    if calendar_day(now) < settings.returns_on or announced_pause(settings, now) is not None:
        return settings
    return replace(
        settings,
        active=False,
        full=False,
        ended_on=settings.returns_on,
        **NO_DAYS,
    )


def settings_for_state(settings: PauseSettings, state: PauseState, now: datetime) -> PauseSettings:
    """Return `settings` with the fewest changes that put them in `state` at `now` (aware). For previews."""
    today = calendar_day(now)
    if state is PauseState.OPEN:
        return replace(settings, active=False, full=False, ended_on=None)
    if state is PauseState.FULL:
        return replace(settings, active=announced_pause(settings, now) is not None, full=True)
    if state is PauseState.RESUMED:
        return replace(settings, active=False, full=False, ended_on=today, welcome_days=max(settings.welcome_days, 1))
    if state is PauseState.OVERDUE:
        passed = settings.returns_on if settings.returns_on is not None and settings.returns_on <= today else today
        return replace(settings, active=True, begins_on=None, returns_on=passed, opens_by_itself=False)
    begins_on, full = None, settings.full
    if state is PauseState.UPCOMING:
        full = False
        is_ahead = settings.begins_on is not None and settings.begins_on > today
        begins_on = settings.begins_on if is_ahead else today + _DEFAULT_LEAD
    returns_on = settings.returns_on
    if returns_on is not None and returns_on <= (begins_on or today):
        returns_on = None
    return replace(settings, active=True, full=full, begins_on=begins_on, returns_on=returns_on)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """The settings that apply from `since` on. `since` is None if they are older than the first change."""

    settings: PauseSettings
    since: datetime | None


@dataclass(frozen=True, slots=True)
class PausePeriod:
    """One pause. `begins_on` is None where it began before the history; `ended_on` is None while it lasts."""

    begins_on: date | None
    ended_on: date | None


def form_modes(timeline: Sequence[TimelineEntry], since: datetime, now: datetime) -> set[FormMode]:
    """Return every mode that the contact page had between `since` and `now` (aware, both included).

    `timeline` is oldest first and includes changes that were undone: visitors saw them.
    """
    found = set()
    for entry, following in zip(timeline, [*timeline[1:], None], strict=True):
        begins = max([since, *([entry.since] if entry.since is not None else [])])
        ends = now if following is None or following.since is None else min(now, following.since - timedelta.resolution)
        # Within one entry the mode changes only at the beginning of these days.
        days = [day for day in (entry.settings.begins_on, entry.settings.returns_on) if day is not None]
        moments = [begins, ends, *(datetime.combine(day, time.min, CALENDAR) for day in days)]
        found |= {form_mode(entry.settings, moment) for moment in moments if begins <= moment <= ends}
    return found


def periods(timeline: Sequence[TimelineEntry], now: datetime) -> list[PausePeriod]:
    """Return the pauses in `timeline` up to `now` (aware); both are oldest first.

    A change during a pause, such as a later day of return, starts no new one. An announced pause counts from its day.
    """
    found: list[PausePeriod] = []
    is_paused = False
    for entry, following in zip(timeline, [*timeline[1:], None], strict=True):
        until = calendar_day(following.since) if following is not None and following.since is not None else None
        period = _period(entry, until, calendar_day(now))
        if period is None:
            is_paused = False
            continue
        began_earlier = entry.since is None or _has_begun(entry, calendar_day(entry.since))
        if is_paused and began_earlier:
            found[-1] = replace(found[-1], ended_on=period.ended_on)
        else:
            found.append(period)
        is_paused = not _has_opened(entry.settings, until or calendar_day(now))
    return found


def _period(entry: TimelineEntry, until: date | None, today: date) -> PausePeriod | None:
    settings = entry.settings
    last = until or today
    if not settings.active or (settings.begins_on is not None and settings.begins_on > last):
        return None
    since = calendar_day(entry.since) if entry.since is not None else None
    known = [day for day in (settings.begins_on, since) if day is not None]
    return PausePeriod(max(known, default=None), settings.returns_on if _has_opened(settings, last) else until)


def _has_begun(entry: TimelineEntry, day: date) -> bool:
    return entry.settings.begins_on is None or entry.settings.begins_on <= day


def _has_opened(settings: PauseSettings, day: date) -> bool:
    return settings.opens_by_itself and settings.returns_on is not None and settings.returns_on <= day


class ReminderKind(StrEnum):
    """BEFORE: the announced day is near. OVERDUE: it has come, and the notice is shown without it."""

    BEFORE = "before"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class PauseReminder:
    """A reminder of the announced day. `deduplication_key` is unique to each, so that it goes out once."""

    kind: ReminderKind
    day: date
    deduplication_key: str


def due_reminder(settings: PauseSettings, now: datetime) -> PauseReminder | None:
    """Return the reminder that should have gone out by `now` (aware); None where none is due.

    After an outage of the worker only the newest one is due.
    """
    day, state = settings.returns_on, pause_state(settings, now)
    if day is None:
        return None
    today = calendar_day(now)
    if state is PauseState.PAUSED and day - today <= BEFORE:
        return PauseReminder(ReminderKind.BEFORE, day, f"before:{day.isoformat()}")
    if state is PauseState.OVERDUE:
        return PauseReminder(ReminderKind.OVERDUE, day, f"overdue:{day.isoformat()}:{_overdue_step(today - day)}")
    return None


def _overdue_step(since: timedelta) -> int:
    """Return the number of days after the announced day on which the latest reminder fell due: 0, 7, 37, 67…"""
    if since < FIRST_AGAIN:
        return 0
    return FIRST_AGAIN.days + AGAIN_EVERY.days * ((since - FIRST_AGAIN) // AGAIN_EVERY)


# Code and message of an error, by the name of the field.
ValidationErrors: TypeAlias = dict[str, tuple[str, str | Promise]]


def validation_errors(before: PauseSettings, after: PauseSettings, now: datetime) -> ValidationErrors:
    """Return why `before` can't be changed to `after` at `now` (aware); {} where it can.

    An unchanged day that has passed since is accepted, so that the other fields stay editable.
    """
    before = after_elapsed_return(before, now)
    if not after.active:
        return _without_a_pause(before, after)
    today = calendar_day(now)
    # Days left over from an earlier pause don't count as unchanged.
    kept_begin = before.active and after.begins_on == before.begins_on
    kept_return = before.active and after.returns_on == before.returns_on
    kept_by_itself = before.active and after.opens_by_itself == before.opens_by_itself
    found: ValidationErrors = {}
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


def _without_a_pause(before: PauseSettings, after: PauseSettings) -> ValidationErrors:
    # Days of the pause that ends here, or left over from an earlier one, are dropped without an error.
    if before.active or _days(after) in (_days(before), NO_DAYS):
        return {}
    return {"active": ("days_without_pause", _("Tick this so that the days take effect, or empty the days."))}


def _days(settings: PauseSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in NO_DAYS}
