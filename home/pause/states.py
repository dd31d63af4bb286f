"""The state of the practice at a moment: a pure function of (what Kati has set, now)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

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
