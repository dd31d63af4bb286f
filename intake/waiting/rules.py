"""The rules of the waiting list: order, times, schedule and answers. Pure functions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Generic, TypeVar

from django.utils import timezone
from django.utils.translation import ngettext

from home.pause.rules import CALENDAR, PauseSettings, calendar_day, pause_state
from intake.choices import Outcome, Status
from intake.enquiry.rules import months_later

# Mail that nobody asked for just now comes while people are awake, in Finland.
DAY_BEGINS, DAY_ENDS = time(9), time(20)
QUESTIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """A place in the list as far as its turn depends on it. `form` is the form of supervision that was wished for."""

    place_id: int
    mailbox: str
    rank: int
    form: str


@dataclass(frozen=True, slots=True)
class ListMail:
    """A mail about the list: when it was queued, and when it went out; None until it has."""

    queued_at: datetime
    sent_at: datetime | None


class CalledNeed(Enum):
    """What somebody who was told of the return needs."""

    NOTHING = "nothing"
    REMIND = "remind"
    CLOSE = "close"


class WaitingNeed(Enum):
    """What somebody who has not been told needs. PART: the last note. REMOVE: it has gone out."""

    NOTHING = "nothing"
    ASK = "ask"
    PART = "part"
    REMOVE = "remove"


def is_mail_hour(now: datetime) -> bool:
    """Whether the clock on a Finnish wall allows mail about the list: from 9.00 until 20.00."""
    return DAY_BEGINS <= now.astimezone(CALENDAR).time() < DAY_ENDS


def calling_order(waiters: Iterable[Waiter], *, first_form: str, told: Collection[str] = ()) -> list[list[Waiter]]:
    """Return the mailboxes to tell, the next one first, each with its places; the first of them gets the mail.

    Those who wish for `first_form` come before the others; within each, the order of the list. A mailbox stands where
    its foremost place stands. Those in `told` have had their notice.
    """
    by_turn = sorted(waiters, key=lambda waiter: (bool(first_form) and waiter.form != first_form, waiter.rank))
    mailboxes: dict[str, list[Waiter]] = {}
    for waiter in by_turn:
        if waiter.mailbox not in told:
            mailboxes.setdefault(waiter.mailbox, []).append(waiter)
    return list(mailboxes.values())


def room_today(*, per_day: int, told_on: date | None, told_that_day: int, today: date) -> int:
    """Return how many more may be told on this day. A clock that was set back by a day makes no room."""
    return max(0, per_day - told_that_day) if is_told_today(told_on, today) else per_day


def is_told_today(told_on: date | None, today: date) -> bool:
    """Whether what was told on a day counts for today; a day further ahead than tomorrow is a wrong clock's."""
    return told_on is not None and today <= told_on <= today + timedelta(days=1)


def open_since(settings: PauseSettings, now: datetime) -> date | None:
    """Return the day of the latest return; None while the pause stands, or where nobody knows of one.

    A return on a day that has not come was noted by a clock that was ahead.
    """
    if pause_state(settings, now).is_paused:
        return None
    if (
        settings.active
        and settings.opens_by_itself
        and settings.returns_on
        and settings.returns_on <= calendar_day(now)
    ):
        return settings.returns_on
    return settings.ended_on if settings.ended_on and settings.ended_on <= calendar_day(now) else None


def pause_came_since(settings: PauseSettings, *, since: datetime, now: datetime) -> bool:
    """Whether a pause stands, or has ended on a later day than that of `since`."""
    opened_on = open_since(settings, now)
    if opened_on is None:
        return pause_state(settings, now).is_paused
    return opened_on > calendar_day(since)


def called_needs(
    *,
    notice_sent_at: datetime | None,
    reminded: bool,
    reminder_sent_at: datetime | None,
    answer_days: int,
    opened_on: date | None,
    now: datetime,
) -> CalledNeed:
    """Return what silence leads to. Only what has gone out counts: a notice that failed asks nobody anything.

    A pause in between does not count either: the days begin again when it ends (`opened_on`).
    """
    latest = reminder_sent_at if reminded else notice_sent_at
    if latest is None:
        return CalledNeed.NOTHING
    counted_from = max(calendar_day(latest), opened_on or date.min)
    if calendar_day(now) < counted_from + timedelta(days=answer_days):
        return CalledNeed.NOTHING
    return CalledNeed.CLOSE if reminded else CalledNeed.REMIND


def waiting_needs(
    *,
    confirmed_at: datetime,
    questions: Sequence[ListMail],
    last_notes: Sequence[ListMail],
    months: int,
    now: datetime,
) -> WaitingNeed:
    """Return what keeps the list true: two questions, then the last note, each `months` after the one before.

    What was asked before `confirmed_at` has been answered. Only what has gone out counts; the rest is waited for.
    """
    parted = [mail for mail in last_notes if mail.queued_at > confirmed_at]
    if parted:
        return WaitingNeed.REMOVE if all(mail.sent_at for mail in parted) else WaitingNeed.NOTHING
    asked = [mail for mail in questions if mail.queued_at > confirmed_at]
    since = confirmed_at
    for mail in asked:
        if mail.sent_at is None:
            return WaitingNeed.NOTHING
        since = max(since, mail.sent_at)
    if calendar_day(now) < months_later(calendar_day(since), months):
        return WaitingNeed.NOTHING
    return WaitingNeed.ASK if len(asked) < QUESTIONS else WaitingNeed.PART


def last_day(*, confirmed_at: datetime, months: int) -> date:
    """Return the day on which somebody whom no mail reaches is removed, and before which nobody is.

    Three times the set months: as long as two questions and the last note take.
    """
    return months_later(timezone.localdate(confirmed_at), (QUESTIONS + 1) * months)


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


class Answer(StrEnum):
    """The buttons of the page; the values are what its form sends."""

    YES = "yes"
    STAY = "stay"
    NO = "no"
    REMOVE = "remove"


class Standing(StrEnum):
    """Where the one who waits stands.

    WAITING: on the list. CALLED: on the list, told of the return, no answer yet. SAID_YES: back among the new ones.
    HANDLED: the supervisor has taken it from there. LEFT: ended by an answer or by silence, and can be taken back.
    ENDED: ended otherwise, by the supervisor's word.
    """

    WAITING = "waiting"
    CALLED = "called"
    SAID_YES = "said_yes"
    HANDLED = "handled"
    LEFT = "left"
    ENDED = "ended"


def standing(*, status: str, outcome: str, called: bool, said_yes: bool) -> Standing:
    """Return where an enquiry of the list stands. `said_yes`: that is the latest answer since it was told."""
    if status == Status.WAITING_LIST:
        return Standing.CALLED if called else Standing.WAITING
    if status == Status.CLOSED:
        return Standing.LEFT if outcome in (Outcome.CLIENT_DECLINED, Outcome.NO_RESPONSE) else Standing.ENDED
    return Standing.SAID_YES if said_yes and status == Status.NEW else Standing.HANDLED


def offered(where: Standing, *, called: bool, said_yes: bool) -> tuple[Answer, ...]:
    """Return the answers that stand open, in the order of their buttons. Removal always does."""
    if where is Standing.WAITING:
        return (Answer.STAY, Answer.NO, Answer.REMOVE)
    if where is Standing.CALLED:
        return (Answer.YES, Answer.NO, Answer.REMOVE)
    if where is Standing.SAID_YES:
        return (Answer.NO, Answer.REMOVE)
    if where is Standing.LEFT:
        return (Answer.YES if called else Answer.STAY, Answer.REMOVE)
    if where is Standing.HANDLED and called and not said_yes:
        return (Answer.YES, Answer.REMOVE)
    return (Answer.REMOVE,)


def leaves_on(*, confirmed_at: datetime, asked_at: Sequence[datetime], months: int) -> date:
    """Return the day (Europe/Helsinki) on which who gets mail is removed if nothing is heard and no mail is late.

    `asked_at` are the moments of the questions that went out; those before `confirmed_at` have been answered. Each of
    the questions, and the last note, comes `months` after the one before (intake.waiting.rules.waiting_needs).
    """
    asked = [moment for moment in asked_at if moment > confirmed_at]
    waits = QUESTIONS + 1 - min(len(asked), QUESTIONS)
    return months_later(calendar_day(max([confirmed_at, *asked])), waits * months)


def kept_while_waiting(months_between: int) -> str:
    """Return how long somebody who says nothing stays on the list, as a sentence."""
    months = months_between * 3
    return ngettext(
        "Your details are removed from the waiting list after about %(months)d month, unless you confirm that you are "
        "still waiting.",
        "Your details are removed from the waiting list after about %(months)d months, unless you confirm that you are "
        "still waiting.",
        months,
    ) % {"months": months}
