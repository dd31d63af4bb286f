"""Concurrent workers and actions of Kati, each with real transactions of its own: everything happens once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from intake.choices import MailPurpose, Outcome, PlanState
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry, OutgoingMail, ReturnPlan, WaitingPlace
from intake.waiting.return_plan import PlanAlreadyRunning, queue_due_return_notices, start_plan, stop_plan
from intake.waiting.upkeep import ask_or_remove_silent_waiters, remind_and_close
from tests.intake.enquiry.test_parallel_posts import at_once
from tests.intake.waiting.list_people import waiter

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)


def _start() -> ReturnPlan:
    return start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)


def _mails(purpose: MailPurpose) -> int:
    return OutgoingMail.objects.filter(purpose=purpose).count()


def test_concurrent_workers_respect_daily_notice_limit() -> None:
    for _ in range(8):
        waiter(now=NOW - 30 * DAY)
    _start()
    assert sorted(at_once(4, lambda _number: queue_due_return_notices(now=NOW))) == [0, 0, 0, 5]
    assert _mails(MailPurpose.RETURN_NOTICE) == ReturnPlan.objects.get().notified == 5


def test_parallel_starts_make_one_plan() -> None:
    waiter(now=NOW - 30 * DAY)

    def start(_number: int) -> bool:
        try:
            _start()
        except PlanAlreadyRunning:
            return False
        return True

    assert sorted(at_once(4, start)) == [False, False, False, True]
    assert ReturnPlan.objects.count() == 1


def test_several_workers_remind_once_and_close_once() -> None:
    waiter(now=NOW - 30 * DAY)
    _start()
    queue_due_return_notices(now=NOW)
    OutgoingMail.objects.update(state="sent", sent_at=NOW)
    assert sum(at_once(3, lambda _number: remind_and_close(now=NOW + 14 * DAY))) == 1
    assert _mails(MailPurpose.RETURN_REMINDER) == 1
    OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_REMINDER).update(state="sent", sent_at=NOW + 14 * DAY)
    assert sum(at_once(3, lambda _number: remind_and_close(now=NOW + 28 * DAY))) == 1
    enquiry = Enquiry.objects.get()
    assert enquiry.outcome == Outcome.NO_RESPONSE
    assert [step.status for step in enquiry.steps.all()].count("closed") == 1


def test_several_workers_ask_once() -> None:
    for _ in range(3):
        waiter(now=NOW - 130 * DAY)
    assert sum(at_once(3, lambda _number: ask_or_remove_silent_waiters(now=NOW))) == 3
    assert _mails(MailPurpose.STILL_WAITING) == 3


def test_concurrent_notifying_stopping_and_removal_succeed() -> None:
    """Two enquiries of one mailbox each, so that the removals and the worker lock the same rows."""
    places = [
        waiter(now=NOW - 30 * DAY, email=f"odottaja+{number % 2}@esimerkki{number // 2}.fi") for number in range(12)
    ]
    plan = _start()

    def action(number: int) -> None:
        if number == 0:
            stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=NOW)
        elif number < 3:
            queue_due_return_notices(now=NOW)
        else:
            with transaction.atomic():
                remove_enquiry(enquiry_id=places[2 * (number - 3)].enquiry_id, now=NOW)

    at_once(7, action)
    plan.refresh_from_db()
    assert plan.state == PlanState.STOPPED
    # Whichever came first, the stopped plan leaves no unsent notice.
    assert _mails(MailPurpose.RETURN_NOTICE) == plan.notified == 0
    assert not WaitingPlace.objects.exclude(notified_at=None).exists()
    assert Enquiry.objects.count() == 8
