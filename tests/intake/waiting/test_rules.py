"""The rules of order and time, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from home.pause.rules import PauseSettings
from intake.waiting.rules import (
    ListMail,
    ReturnAction,
    Waiter,
    WaitingAction,
    is_mail_hour,
    last_day_without_mail,
    notice_order,
    open_since,
    remaining_today,
    return_action,
    waiting_action,
    was_closed_since,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=HELSINKI)


def _waiter(place: int, *, rank: int | None = None, mailbox: str = "", form: str = "group") -> Waiter:
    return Waiter(place_id=place, mailbox_key=mailbox or f"m{place}", rank=place if rank is None else rank, form=form)


def _places(mailboxes: list[list[Waiter]]) -> list[list[int]]:
    return [[waiter.place_id for waiter in mailbox] for mailbox in mailboxes]


def test_notice_order_follows_rank() -> None:
    waiters = [_waiter(1, rank=7), _waiter(2, rank=-3), _waiter(3, rank=5)]
    assert _places(notice_order(waiters, first_form="")) == [[2], [3], [1]]


def test_chosen_form_comes_first_in_order() -> None:
    waiters = [_waiter(1), _waiter(2, form="individual"), _waiter(3), _waiter(4, form="individual")]
    assert _places(notice_order(waiters, first_form="individual")) == [[2], [4], [1], [3]]


def test_shared_mailbox_is_ordered_by_first_place() -> None:
    waiters = [_waiter(1), _waiter(2, mailbox="twice"), _waiter(3), _waiter(4, mailbox="twice", form="individual")]
    assert _places(notice_order(waiters, first_form="")) == [[1], [2, 4], [3]]
    assert _places(notice_order(waiters, first_form="individual")) == [[4, 2], [1], [3]]


def test_notified_mailbox_is_not_in_notice_order() -> None:
    assert _places(notice_order([_waiter(1), _waiter(2)], first_form="", notified={"m1"})) == [[2]]


_some_waiters = st.lists(
    st.builds(
        lambda mailbox, rank, form: (mailbox, rank, form),
        st.sampled_from("abcdef"),
        st.integers(-50, 50),
        st.sampled_from(["group", "individual"]),
    ),
    unique_by=lambda row: row[1],
)


@given(_some_waiters, st.sampled_from(["", "group"]), st.sets(st.sampled_from("abcdef")))
def test_notice_order_contains_each_place_once(
    rows: list[tuple[str, int, str]], first_form: str, notified: set[str]
) -> None:
    waiters = [_waiter(number, rank=rank, mailbox=box, form=form) for number, (box, rank, form) in enumerate(rows)]
    order = notice_order(waiters, first_form=first_form, notified=notified)
    assert sorted(waiter.place_id for mailbox in order for waiter in mailbox) == sorted(
        waiter.place_id for waiter in waiters if waiter.mailbox_key not in notified
    )
    assert all(len({waiter.mailbox_key for waiter in mailbox}) == 1 for mailbox in order)
    turns = [(first_form != "" and mailbox[0].form != first_form, mailbox[0].rank) for mailbox in order]
    assert turns == sorted(turns)


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        (datetime(2027, 3, 1, 8, 59, 59, tzinfo=HELSINKI), False),
        (datetime(2027, 3, 1, 9, 0, tzinfo=HELSINKI), True),
        (datetime(2027, 3, 1, 19, 59, 59, tzinfo=HELSINKI), True),
        (datetime(2027, 3, 1, 20, 0, tzinfo=HELSINKI), False),
        # Winter and summer time in Finland, given in UTC.
        (datetime(2027, 3, 1, 6, 59, tzinfo=UTC), False),
        (datetime(2027, 3, 1, 7, 0, tzinfo=UTC), True),
        (datetime(2027, 7, 1, 6, 0, tzinfo=UTC), True),
        (datetime(2027, 7, 1, 17, 0, tzinfo=UTC), False),
    ],
)
def test_mail_hours_follow_finnish_time(moment: datetime, allowed: bool) -> None:
    assert is_mail_hour(moment) is allowed


@pytest.mark.parametrize(
    ("notified_on", "notified", "remaining"),
    [
        (None, 0, 5),
        (date(2027, 2, 28), 5, 5),
        (date(2027, 3, 1), 3, 2),
        (date(2027, 3, 1), 5, 0),
        # A count above the limit gives zero, not a negative number.
        (date(2027, 3, 1), 9, 0),
        (date(2027, 3, 2), 5, 0),
        # A day in the future, stored while the clock was wrong, does not count.
        (date(2030, 1, 1), 5, 5),
    ],
)
def test_remaining_today_respects_the_daily_limit(notified_on: date | None, notified: int, remaining: int) -> None:
    assert (
        remaining_today(per_day=5, notified_on=notified_on, notified_that_day=notified, today=date(2027, 3, 1))
        == remaining
    )


def test_open_since_is_the_latest_return_day() -> None:
    day = date(2027, 2, 1)
    assert open_since(PauseSettings(active=False, ended_on=day), NOON) == day
    assert open_since(PauseSettings(active=False), NOON) is None
    assert open_since(PauseSettings(active=True, ended_on=day), NOON) is None
    assert open_since(PauseSettings(active=True, returns_on=day, opens_by_itself=True), NOON) == day
    assert open_since(PauseSettings(active=True, returns_on=day), NOON) is None
    upcoming = PauseSettings(active=True, begins_on=date(2027, 5, 1), returns_on=date(2027, 6, 1), ended_on=day)
    assert open_since(upcoming, NOON) == day


def test_open_since_follows_the_end_of_being_full() -> None:
    ended, full_ended = date(2027, 2, 1), date(2027, 2, 9)
    settings = PauseSettings(active=False, full=True, ended_on=ended)
    before, after = NOON - timedelta(days=300), NOON
    assert open_since(settings, NOON) is None
    assert was_closed_since(settings, since=NOON, now=NOON)
    again = replace(settings, full=False, full_ended_on=full_ended)
    assert open_since(again, NOON) == full_ended
    assert was_closed_since(again, since=before, now=NOON)
    assert not was_closed_since(again, since=after, now=NOON)
    # The later of the two days counts, but not a future day stored while the clock was wrong.
    assert open_since(replace(again, ended_on=date(2027, 2, 20)), NOON) == date(2027, 2, 20)
    assert open_since(replace(again, full_ended_on=date(2099, 1, 1)), NOON) == ended


def _silent(days: int, **changes: object) -> ReturnAction:
    facts: dict[str, object] = {
        "notice_sent_at": NOON,
        "reminded": False,
        "reminder_sent_at": None,
        "answer_days": 14,
        "opened_on": None,
        "now": NOON + timedelta(days=days),
        **changes,
    }
    return return_action(**facts)  # type: ignore[arg-type]


def test_no_answer_leads_to_reminder_then_closing() -> None:
    assert _silent(13) is ReturnAction.NOTHING
    assert _silent(14) is ReturnAction.REMIND
    # The days are days of the calendar: the hour of the first mail does not matter.
    assert _silent(13, notice_sent_at=NOON - timedelta(hours=13)) is ReturnAction.REMIND
    reminded = {"reminded": True, "reminder_sent_at": NOON + timedelta(days=14)}
    assert _silent(27, **reminded) is ReturnAction.NOTHING
    assert _silent(28, **reminded) is ReturnAction.CLOSE


def test_unsent_mail_triggers_no_action() -> None:
    assert _silent(400, notice_sent_at=None) is ReturnAction.NOTHING
    assert _silent(400, reminded=True, reminder_sent_at=None) is ReturnAction.NOTHING


def test_pause_days_do_not_count_towards_reminder() -> None:
    opened = (NOON + timedelta(days=100)).date()
    assert _silent(113, opened_on=opened) is ReturnAction.NOTHING
    assert _silent(114, opened_on=opened) is ReturnAction.REMIND
    assert _silent(14, opened_on=(NOON - timedelta(days=5)).date()) is ReturnAction.REMIND


def _mail(day: int, done: int | None) -> ListMail:
    return ListMail(NOON + timedelta(days=day), None if done is None else NOON + timedelta(days=done))


def _waits(day: int, questions: list[ListMail], removal_notices: list[ListMail], confirmed: int = 0) -> WaitingAction:
    return waiting_action(
        confirmed_at=NOON + timedelta(days=confirmed),
        questions=questions,
        removal_notices=removal_notices,
        months=4,
        now=NOON + timedelta(days=day),
    )


def test_two_questions_then_the_removal_notice() -> None:
    # 1.3. – 1.7. – 1.11. – 1.3.
    assert _waits(121, [], []) is WaitingAction.NOTHING
    assert _waits(122, [], []) is WaitingAction.ASK
    first = _mail(122, 122)
    assert _waits(244, [first], []) is WaitingAction.NOTHING
    assert _waits(245, [first], []) is WaitingAction.ASK
    asked = [first, _mail(245, 245)]
    assert _waits(364, asked, []) is WaitingAction.NOTHING
    assert _waits(366, asked, []) is WaitingAction.SEND_REMOVAL_NOTICE
    assert _waits(366, asked, [_mail(366, None)]) is WaitingAction.NOTHING
    assert _waits(366, asked, [_mail(366, 366)]) is WaitingAction.REMOVE


def test_answer_resets_earlier_questions() -> None:
    asked, removal_mails = [_mail(122, 122), _mail(245, 245)], [_mail(366, 366)]
    assert _waits(400, asked, [], confirmed=300) is WaitingAction.NOTHING
    assert _waits(430, asked, [], confirmed=300) is WaitingAction.ASK
    assert _waits(370, asked, removal_mails, confirmed=367) is WaitingAction.NOTHING


def test_unsent_mail_delays_the_next_action() -> None:
    assert _waits(300, [_mail(122, None)], []) is WaitingAction.NOTHING
    assert _waits(300, [_mail(122, 200)], []) is WaitingAction.NOTHING
    assert _waits(323, [_mail(122, 200)], []) is WaitingAction.ASK


def test_last_day_without_mail_follows_months() -> None:
    assert last_day_without_mail(confirmed_at=NOON, months=4) == date(2028, 3, 1)
    assert last_day_without_mail(confirmed_at=datetime(2027, 8, 31, 12, tzinfo=HELSINKI), months=2) == date(2028, 2, 29)
