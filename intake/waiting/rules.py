"""The rules of the waiting list: order, times, schedule and answers. Pure functions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Generic, Protocol, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from home.dates import finnish_day
from home.pause.rules import CALENDAR, PauseSettings, calendar_day, pause_state
from intake.choices import Outcome, Status
from intake.enquiry.rules import months_later

# Mails that do not follow an action of the recipient are sent at daytime in Finland.
DAY_BEGINS, DAY_ENDS = time(9), time(20)
QUESTIONS = 2

Item = TypeVar("Item")


class HasMailbox(Protocol):
    @property
    def mailbox_key(self) -> str: ...


OfMailbox = TypeVar("OfMailbox", bound=HasMailbox)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """The facts of a place on the list that decide its turn. `form`: the wished form of supervision."""

    place_id: int
    mailbox_key: str
    rank: int
    form: str


@dataclass(frozen=True, slots=True)
class ListMail:
    """A mail to somebody on the list. `sent_at` is None until it is sent."""

    queued_at: datetime
    sent_at: datetime | None


class ReturnAction(Enum):
    """What to do with a mailbox that was notified of the return."""

    NOTHING = "nothing"
    REMIND = "remind"
    CLOSE = "close"


class WaitingAction(Enum):
    """What to do with a mailbox that was not notified. REMOVE: its removal notice was sent."""

    NOTHING = "nothing"
    ASK = "ask"
    SEND_REMOVAL_NOTICE = "send_removal_notice"
    REMOVE = "remove"


def is_mail_hour(now: datetime) -> bool:
    """Return whether mails to the list may be sent now: from 9.00 until 20.00 in Finland."""
    return DAY_BEGINS <= now.astimezone(CALENDAR).time() < DAY_ENDS


def by_mailbox(items: Iterable[OfMailbox]) -> dict[str, list[OfMailbox]]:
    """Return the items of each mailbox by its key, mailboxes and items in the order given."""
    grouped: dict[str, list[OfMailbox]] = {}
    for item in items:
        grouped.setdefault(item.mailbox_key, []).append(item)
    return grouped


def notice_order(waiters: Iterable[Waiter], *, first_form: str, notified: Collection[str] = ()) -> list[list[Waiter]]:
    """Return the mailboxes to notify in order, each with its places; the first place gets the mail.

    Those who wish for `first_form` come first; each group keeps the order of the list. The foremost place of a mailbox
    decides its turn. Mailboxes in `notified` are left out.
    """
    by_turn = sorted(waiters, key=lambda waiter: (bool(first_form) and waiter.form != first_form, waiter.rank))
    return [mailbox for key, mailbox in by_mailbox(by_turn).items() if key not in notified]


def remaining_today(*, per_day: int, notified_on: date | None, notified_that_day: int, today: date) -> int:
    """Return how many more may be notified on this day. Setting the clock back by a day allows no more."""
    return max(0, per_day - notified_that_day) if counts_for_today(notified_on, today) else per_day


def counts_for_today(notified_on: date | None, today: date) -> bool:
    """Return whether the count of `notified_on` applies to today. A date later than tomorrow is from a wrong clock."""
    return notified_on is not None and today <= notified_on <= today + timedelta(days=1)


def open_since(settings: PauseSettings, now: datetime) -> date | None:
    """Return the day since which new supervision is started: after a pause, or after being full.

    None while none is started, or if no such day is known. A future day is ignored: it was recorded by a wrong clock.
    """
    if not pause_state(settings, now).takes_new_clients:
        return None
    today = calendar_day(now)
    if settings.active and settings.opens_by_itself and settings.returns_on and settings.returns_on <= today:
        return settings.returns_on
    known = [day for day in (settings.ended_on, settings.full_ended_on) if day is not None and day <= today]
    return max(known, default=None)


def was_closed_since(settings: PauseSettings, *, since: datetime, now: datetime) -> bool:
    """Return whether no new supervision is started now, or was started again only on a day after `since`."""
    opened_on = open_since(settings, now)
    if opened_on is None:
        return not pause_state(settings, now).takes_new_clients
    return opened_on > calendar_day(since)


def return_action(
    *,
    notice_sent_at: datetime | None,
    reminded: bool,
    reminder_sent_at: datetime | None,
    answer_days: int,
    opened_on: date | None,
    now: datetime,
) -> ReturnAction:
    """Return what to do after a notice without an answer. Only sent mails count.

    Days before the end of a pause, or of being full (`opened_on`), do not count.
    """
    latest = reminder_sent_at if reminded else notice_sent_at
    if latest is None:
        return ReturnAction.NOTHING
    counted_from = max(calendar_day(latest), opened_on or date.min)
    if calendar_day(now) < counted_from + timedelta(days=answer_days):
        return ReturnAction.NOTHING
    return ReturnAction.CLOSE if reminded else ReturnAction.REMIND


def waiting_action(
    *,
    confirmed_at: datetime,
    questions: Sequence[ListMail],
    removal_notices: Sequence[ListMail],
    months: int,
    now: datetime,
) -> WaitingAction:
    """Return what to do with a mailbox that is waiting: two questions, then the removal notice, `months` apart.

    Mails before `confirmed_at` have been answered. While a mail is unsent, nothing else is done.
    """
    notices = [mail for mail in removal_notices if mail.queued_at > confirmed_at]
    if notices:
        return WaitingAction.REMOVE if all(mail.sent_at for mail in notices) else WaitingAction.NOTHING
    asked = [mail for mail in questions if mail.queued_at > confirmed_at]
    since = confirmed_at
    for mail in asked:
        if mail.sent_at is None:
            return WaitingAction.NOTHING
        since = max(since, mail.sent_at)
    if calendar_day(now) < months_later(calendar_day(since), months):
        return WaitingAction.NOTHING
    return WaitingAction.ASK if len(asked) < QUESTIONS else WaitingAction.SEND_REMOVAL_NOTICE


def last_day_without_mail(*, confirmed_at: datetime, months: int) -> date:
    """Return the day on which somebody who can't get mail is removed.

    Three times `months`: as long as two questions and the removal notice take.
    """
    return months_later(timezone.localdate(confirmed_at), (QUESTIONS + 1) * months)


def last_day_unreached(*, confirmed_at: datetime, sent_at: Iterable[datetime], months: int) -> date:
    """Return the day on which somebody whose mail failed is removed: three times `months` after the last contact.

    `sent_at`: when mails to the list were sent to this person.
    """
    return last_day_without_mail(confirmed_at=max([confirmed_at, *sent_at]), months=months)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDay(Generic[Item]):
    """Who is notified on one day. `number`: the position of the day, starting at 1."""

    number: int
    on: date
    notified: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Generic[Item]):
    """The days of notices. `held`: those whose turn would come only during an announced pause."""

    days: tuple[NoticeDay[Item], ...]
    held: tuple[Item, ...] = ()


def first_notice_day(now: datetime) -> date:
    """Return the first day on which a notice can be sent: today, or tomorrow after today's mail hours."""
    today = calendar_day(now)
    return today if now.astimezone(CALENDAR).time() < DAY_ENDS else today + timedelta(days=1)


def schedule(
    queue: Sequence[Item], *, per_day: int, first_day_limit: int, first_day: date, pause_begins_on: date | None = None
) -> Schedule[Item]:
    """Distribute `queue`, in order, over the days from `first_day` on.

    The first day takes `first_day_limit` (0 or more), the others `per_day` (1 or more). Nobody is notified from
    `pause_begins_on` on.
    """
    days: list[NoticeDay[Item]] = []
    rest, on, remaining = list(queue), first_day, first_day_limit
    while rest and (pause_begins_on is None or on < pause_begins_on):
        notified, rest = tuple(rest[:remaining]), rest[remaining:]
        if notified:
            days.append(NoticeDay(number=len(days) + 1, on=on, notified=notified))
        on, remaining = on + timedelta(days=1), per_day
    return Schedule(days=tuple(days), held=tuple(rest))


class Answer(StrEnum):
    """The answers on the private page; the values are those of its buttons."""

    YES = "yes"
    STAY = "stay"
    NO = "no"
    REMOVE = "remove"


class PlaceState(StrEnum):
    """The state of a place, for its private page.

    WAITING: on the list. NOTIFIED: on the list and notified of the return, not answered. ANSWERED_YES: new again.
    HANDLED: taken over by the supervisor. LEFT: ended by an answer, or because no answer came; can be undone. ENDED:
    ended by the supervisor.
    """

    WAITING = "waiting"
    NOTIFIED = "notified"
    ANSWERED_YES = "answered_yes"
    HANDLED = "handled"
    LEFT = "left"
    ENDED = "ended"


def place_state(*, status: str, outcome: str, notified: bool, answered_yes: bool) -> PlaceState:
    """Return the state of a place. `answered_yes`: the latest answer since the notice is YES."""
    if status == Status.WAITING_LIST:
        return PlaceState.NOTIFIED if notified else PlaceState.WAITING
    if status == Status.CLOSED:
        return PlaceState.LEFT if outcome in (Outcome.CLIENT_DECLINED, Outcome.NO_RESPONSE) else PlaceState.ENDED
    return PlaceState.ANSWERED_YES if answered_yes and status == Status.NEW else PlaceState.HANDLED


def available_answers(state: PlaceState, *, notified: bool, answered_yes: bool) -> tuple[Answer, ...]:
    """Return the possible answers in the order of their buttons. REMOVE is always possible."""
    if state is PlaceState.WAITING:
        return (Answer.STAY, Answer.NO, Answer.REMOVE)
    if state is PlaceState.NOTIFIED:
        return (Answer.YES, Answer.NO, Answer.REMOVE)
    if state is PlaceState.ANSWERED_YES:
        return (Answer.NO, Answer.REMOVE)
    if state is PlaceState.LEFT:
        return (Answer.YES if notified else Answer.STAY, Answer.REMOVE)
    if state is PlaceState.HANDLED and notified and not answered_yes:
        return (Answer.YES, Answer.REMOVE)
    return (Answer.REMOVE,)


def removal_day(*, confirmed_at: datetime, asked_at: Sequence[datetime], months: int, today: date) -> date:
    """Return the day (Europe/Helsinki) on which somebody who gets mail but does not answer is removed.

    `asked_at`: when questions were sent; those before `confirmed_at` are ignored. See waiting_action(). If a plan or a
    mail server has delayed the next mail, it is assumed to be sent `today`.
    """
    asked = [moment for moment in asked_at if moment > confirmed_at]
    waits = QUESTIONS + 1 - min(len(asked), QUESTIONS)
    since = calendar_day(max([confirmed_at, *asked]))
    if months_later(since, months) < today:
        return months_later(today, (waits - 1) * months)
    return months_later(since, waits * months)


def removed_unless_confirmed(day: date | None) -> str:
    """Return, as a sentence, the day on which somebody who does not answer leaves the list; "" if there is none."""
    if day is None:
        return ""
    return _(
        "Your details are removed from the waiting list on %(day)s, unless you confirm by then that you are still "
        "waiting."
    ) % {"day": finnish_day(day)}


def kept_while_waiting(months_between: int) -> str:
    """Return, as a sentence, how long somebody who joins and does not answer stays on the list."""
    months = months_between * 3
    return ngettext(
        "Your details are removed from the waiting list after about %(months)d month, unless you confirm that you are "
        "still waiting.",
        "Your details are removed from the waiting list after about %(months)d months, unless you confirm that you are "
        "still waiting.",
        months,
    ) % {"months": months}
