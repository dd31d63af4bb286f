"""The waiting list's rules of time and order: who is told next, and what each one who waits needs today."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from django.utils import timezone

from home.pause import CALENDAR, PauseSettings, calendar_day, pause_state
from intake.retention import months_later

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
