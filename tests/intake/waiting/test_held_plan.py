"""A plan interrupted by a pause is held: it sends nothing until Kati has resumed it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, MailState, Outcome, PlanState, Status
from intake.enquiry.services import ChangedMeanwhile
from intake.models import Enquiry, OutgoingMail, ReturnPlan, WaitingPlace
from intake.waiting.return_plan import (
    PlanAlreadyRunning,
    TakesNoNewClients,
    queue_due_return_notices,
    resume_plan,
    start_plan,
    stop_plan,
)
from tests.intake.waiting.list_people import deliver, give_up, pause, round_at, waiter
from tests.intake.waiting.post_office import PostOffice

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 8, 2, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
AFTER = datetime(2028, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)
NOTICE, REMINDER = MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER
OLD, NEW = "Syyskuussa 2027 on tilaa kahdelle ryhmälle.", "Maaliskuussa 2028 on tilaa."


@pytest.fixture
def plan(server: PostOffice) -> ReturnPlan:
    """A running plan that has notified the first of three."""
    pause(active=False)
    for number in range(3):
        waiter(now=NOW - 60 * DAY, email=f"odottaja{number}@lista.fi")
    start_plan(per_day=1, first_form="", greeting=OLD, answer_days=14, by=None, now=NOW)
    round_at(NOW)
    assert server.of(NOTICE) == ["odottaja0@lista.fi"]
    return ReturnPlan.objects.get()


def _resume(plan: ReturnPlan, *, now: datetime, greeting: str = NEW, per_day: int = 5, answer_days: int = 14) -> None:
    plan.refresh_from_db()
    resume_plan(
        plan_id=plan.pk,
        version=plan.version,
        per_day=per_day,
        first_form="",
        greeting=greeting,
        answer_days=answer_days,
        now=now,
    )


def _pause_until(day: date, *, worked: bool) -> None:
    if worked:
        pause(active=True)
        round_at(NOW + 30 * DAY)
    pause(active=False, ended_on=day)


@pytest.mark.parametrize("worked", [True, False], ids=["worker saw the pause", "worker slept through it"])
def test_held_plan_sends_nothing_after_a_pause(plan: ReturnPlan, server: PostOffice, worked: bool) -> None:
    _pause_until(AFTER.date(), worked=worked)
    for day in (0, 1, 15):
        round_at(AFTER + day * DAY)
    assert len(server.of(NOTICE)) == 1
    plan.refresh_from_db()
    assert plan.state == PlanState.RUNNING
    assert plan.held_at is not None


def test_resumed_plan_sends_the_new_greeting(plan: ReturnPlan, server: PostOffice) -> None:
    _pause_until(AFTER.date(), worked=True)
    _resume(plan, now=AFTER)
    round_at(AFTER)
    assert server.of(NOTICE) == [f"odottaja{number}@lista.fi" for number in range(3)]
    sent = OutgoingMail.objects.filter(purpose=NOTICE).order_by("pk")
    assert [(OLD in mail.text, NEW in mail.text) for mail in sent] == [(True, False), (False, True), (False, True)]
    plan.refresh_from_db()
    assert (plan.state, plan.notified) == (PlanState.FINISHED, 3)


@pytest.mark.parametrize("worked", [True, False], ids=["worker saw it", "worker slept through it"])
def test_being_full_holds_plan_until_resumed(plan: ReturnPlan, server: PostOffice, worked: bool) -> None:
    pause(active=False, full=True)
    if worked:
        round_at(NOW + 30 * DAY)
        with pytest.raises(TakesNoNewClients):
            _resume(plan, now=NOW + 30 * DAY)
    pause(active=False, full_ended_on=AFTER.date())
    round_at(AFTER)
    assert len(server.of(NOTICE)) == 1
    _resume(plan, now=AFTER)
    round_at(AFTER)
    assert len(server.of(NOTICE)) == 3


def test_pause_withdraws_queued_notices(server: PostOffice) -> None:
    pause(active=False)
    place = waiter(now=NOW - 60 * DAY)
    waiter(now=NOW - 60 * DAY)
    plan = start_plan(per_day=1, first_form="", greeting=OLD, answer_days=14, by=None, now=NOW)
    assert queue_due_return_notices(now=NOW) == 1
    pause(active=True)
    queue_due_return_notices(now=NOW + timedelta(hours=13))
    assert not OutgoingMail.objects.exists()
    place.refresh_from_db()
    plan.refresh_from_db()
    assert (place.notified_at, plan.notified) == (None, 0)


@pytest.mark.parametrize("given_up", [True, False])
def test_late_notice_of_ended_plan_is_withdrawn(server: PostOffice, given_up: bool) -> None:
    pause(active=False)
    waiter(now=NOW - 60 * DAY)
    start_plan(per_day=5, first_form="", greeting=OLD, answer_days=14, by=None, now=NOW)
    assert queue_due_return_notices(now=NOW) == 1
    assert ReturnPlan.objects.get().state == PlanState.FINISHED
    if given_up:
        give_up(NOW, server)
    pause(active=False, ended_on=AFTER.date())
    OutgoingMail.objects.update(state=MailState.QUEUED, next_attempt_at=AFTER)
    deliver(AFTER)
    assert server.taken == []
    start_plan(per_day=5, first_form="", greeting=NEW, answer_days=14, by=None, now=AFTER)
    round_at(AFTER)
    assert len(server.of(NOTICE)) == 1
    assert NEW in OutgoingMail.objects.get(purpose=NOTICE).text


def test_second_pause_holds_the_plan_again(plan: ReturnPlan, server: PostOffice) -> None:
    _pause_until(AFTER.date(), worked=True)
    _resume(plan, now=AFTER, per_day=1)
    round_at(AFTER)
    assert len(server.of(NOTICE)) == 2
    pause(active=True)
    round_at(AFTER + DAY)
    pause(active=False, ended_on=(AFTER + 5 * DAY).date())
    round_at(AFTER + 5 * DAY)
    assert len(server.of(NOTICE)) == 2


def test_resume_works_once_and_only_when_open(plan: ReturnPlan) -> None:
    with pytest.raises(ChangedMeanwhile):
        _resume(plan, now=NOW)
    pause(active=True)
    queue_due_return_notices(now=NOW + DAY)
    with pytest.raises(TakesNoNewClients):
        _resume(plan, now=NOW + DAY)
    with pytest.raises(PlanAlreadyRunning):
        start_plan(per_day=1, first_form="", greeting="", answer_days=14, by=None, now=NOW + DAY)
    pause(active=False, ended_on=(NOW + DAY).date())
    _resume(plan, now=NOW + DAY)
    with pytest.raises(ChangedMeanwhile):
        _resume(plan, now=NOW + DAY)


def test_a_held_plan_can_be_stopped(plan: ReturnPlan) -> None:
    pause(active=True)
    queue_due_return_notices(now=NOW + DAY)
    plan.refresh_from_db()
    assert stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=NOW + DAY) == 0
    plan.refresh_from_db()
    assert (plan.state, plan.held_at) == (PlanState.STOPPED, None)
    assert WaitingPlace.objects.filter(notified_at=None).count() == 2


@pytest.mark.parametrize("days", [3, 30])
def test_answer_days_follow_each_notice(plan: ReturnPlan, server: PostOffice, days: int) -> None:
    pause(active=True)
    round_at(NOW + timedelta(hours=5))
    pause(active=False, ended_on=(NOW + DAY).date())
    _resume(plan, now=NOW + DAY, answer_days=days)
    for day in (1, 4, 14):
        round_at(NOW + day * DAY)
    assert "odottaja0@lista.fi" not in server.of(REMINDER)
    assert server.of(REMINDER) == ["odottaja1@lista.fi", "odottaja2@lista.fi"] * (days == 3)
    round_at(NOW + 15 * DAY)
    assert "odottaja0@lista.fi" in server.of(REMINDER)
    reminder = OutgoingMail.objects.get(purpose=REMINDER, recipient="odottaja0@lista.fi")
    assert "14 päivän kuluessa" in " ".join(reminder.text.split())
    for day in (16, 28):
        round_at(NOW + day * DAY)
    first = Enquiry.objects.get(email="odottaja0@lista.fi")
    assert first.status == Status.WAITING_LIST
    round_at(NOW + 29 * DAY)
    first.refresh_from_db()
    assert first.outcome == Outcome.NO_RESPONSE


def test_a_plan_stopped_before_the_lock_queues_none(plan: ReturnPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "intake.waiting.return_plan.lock_receiving", lambda: ReturnPlan.objects.update(state=PlanState.STOPPED)
    )
    assert queue_due_return_notices(now=NOW + DAY) == 0
    assert OutgoingMail.objects.filter(purpose=NOTICE).count() == 1
