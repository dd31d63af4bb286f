"""Asking who still waits: two questions, a removal notice, and then a removal that leaves only a count."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import Kind, MailPurpose, MailState, PlanState, Status, StepKind, Verdict
from intake.jobs.runner import Item, each_or_raise
from intake.models import Enquiry, IntakeSettings, OutgoingMail, RemovedEnquiry, ReturnPlan, WaitingPlace
from intake.waiting.plan_page import forecast
from intake.waiting.private_page import answer_stay
from intake.waiting.reading import read_list, waiting_summary
from intake.waiting.return_plan import queue_due_return_notices, start_plan, stop_plan
from intake.waiting.upkeep import RETRY_AFTER, ask_or_remove_silent_waiters
from tests.intake.waiting.list_people import deliver, give_up, pause, round_at, waiter, work
from tests.intake.waiting.post_office import Behaviour, PostOffice

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
JOINED = datetime(2027, 1, 31, 15, 0, tzinfo=HELSINKI)
# Four calendar months each; the last day of a month that is too short.
FIRST = datetime(2027, 5, 31, 10, 0, tzinfo=HELSINKI)
SECOND = datetime(2027, 9, 30, 10, 0, tzinfo=HELSINKI)
LAST = datetime(2028, 1, 30, 10, 0, tzinfo=HELSINKI)
DAY = timedelta(days=1)
STILL, NOTE, NOTICE = MailPurpose.STILL_WAITING, MailPurpose.REMOVAL_NOTICE, MailPurpose.RETURN_NOTICE


def _plan(now: datetime) -> int:
    return start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=now).pk


def test_two_questions_then_removal_notice_then_removal(server: PostOffice) -> None:
    pause(active=True)
    place = waiter(now=JOINED)
    round_at(FIRST - DAY)
    assert server.taken == []
    round_at(FIRST)
    round_at(FIRST + DAY)
    assert len(server.of(STILL)) == 1
    place.refresh_from_db()
    assert (place.asked_at, place.asked_times) == (FIRST, 1)
    round_at(SECOND - DAY)
    assert len(server.of(STILL)) == 1
    round_at(SECOND)
    assert len(server.of(STILL)) == 2
    assert [step.kind for step in place.enquiry.steps.all()] == [StepKind.STILL_ASKED, StepKind.STILL_ASKED]
    round_at(LAST - DAY)
    assert server.of(NOTE) == []

    assert ask_or_remove_silent_waiters(now=LAST) == 1
    place.refresh_from_db()
    assert place.removal_notice_at == LAST
    server.behaviour = Behaviour.REFUSES
    deliver(LAST)
    assert ask_or_remove_silent_waiters(now=LAST + timedelta(minutes=1)) == 0
    server.behaviour = Behaviour.TAKES
    deliver(LAST + timedelta(minutes=5))
    assert server.of(NOTE) == [place.enquiry.email]
    assert Enquiry.objects.filter(pk=place.enquiry_id).exists()
    assert ask_or_remove_silent_waiters(now=LAST + timedelta(minutes=6)) == 1
    assert not Enquiry.objects.filter(pk=place.enquiry_id).exists()
    assert not OutgoingMail.objects.exists()
    assert (RemovedEnquiry.objects.get().kind, RemovedEnquiry.objects.get().count) == (Kind.WAITING, 1)
    assert len(server.taken) == 3


def test_second_question_announces_the_removal(server: PostOffice) -> None:
    waiter(now=JOINED)
    round_at(FIRST)
    round_at(SECOND)
    first, second = OutgoingMail.objects.filter(purpose=STILL).order_by("pk")
    assert "kysyn vielä kerran" in first.text
    assert "poistan tietosi listalta" not in first.text
    assert "poistan tietosi listalta" in second.text


def test_failed_removal_notice_removes_nobody(server: PostOffice) -> None:
    waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    work(LAST)
    given_up = give_up(LAST, server).replace(hour=11)
    assert OutgoingMail.objects.get(purpose=NOTE).state == MailState.FAILED
    round_at(given_up + 10 * DAY)
    assert Enquiry.objects.exists()
    round_at(given_up + RETRY_AFTER + DAY)
    assert len(server.of(NOTE)) == 1
    round_at(given_up + RETRY_AFTER + 2 * DAY)
    assert not Enquiry.objects.exists()


def test_unsent_question_does_not_count(server: PostOffice) -> None:
    """A mail must not mention two earlier questions unless both were sent."""
    place = waiter(now=JOINED)
    work(FIRST)
    given_up = give_up(FIRST, server).replace(hour=11)
    for day in (1, 10, 25):
        round_at(given_up + day * DAY)
    assert server.taken == []
    again = given_up + RETRY_AFTER + DAY
    round_at(again)
    assert server.of(STILL) == [place.enquiry.email]
    assert OutgoingMail.objects.count() == 1
    # The next question comes four months after this one was sent.
    round_at(again + 120 * DAY)
    assert len(server.of(STILL)) == 1
    round_at(again + 124 * DAY)
    assert len(server.of(STILL)) == 2
    assert server.of(NOTE) == []


def test_answer_restarts_the_questions(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    round_at(FIRST)
    assert answer_stay(place_id=place.pk, now=FIRST + DAY)
    round_at(SECOND)
    assert len(server.of(STILL)) == 1
    round_at(datetime(2027, 10, 1, 10, 0, tzinfo=HELSINKI))
    assert len(server.of(STILL)) == 2
    place.refresh_from_db()
    assert place.asked_times == 1


def test_late_answer_stops_removal_notice_and_removal(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    assert ask_or_remove_silent_waiters(now=LAST) == 1
    WaitingPlace.objects.update(confirmed_at=LAST + timedelta(seconds=30))
    round_at(LAST + timedelta(minutes=1))
    assert server.of(NOTE) == []
    place.refresh_from_db()
    assert place.removal_notice_at is None
    assert Enquiry.objects.get().status == Status.WAITING_LIST


def test_answer_just_after_removal_notice_prevents_removal(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    ask_or_remove_silent_waiters(now=LAST)
    deliver(LAST)
    assert answer_stay(place_id=place.pk, now=LAST + timedelta(seconds=30))
    round_at(LAST + timedelta(minutes=1))
    assert Enquiry.objects.get().status == Status.WAITING_LIST


def test_nobody_is_asked_at_night(server: PostOffice) -> None:
    waiter(now=JOINED)
    assert ask_or_remove_silent_waiters(now=FIRST.replace(hour=8, minute=59)) == 0
    assert ask_or_remove_silent_waiters(now=FIRST.replace(hour=20)) == 0
    assert ask_or_remove_silent_waiters(now=FIRST.replace(hour=9)) == 1


def test_mailbox_with_two_places_is_asked_once(server: PostOffice) -> None:
    waiter(now=JOINED, email="maija@esimerkki.fi")
    waiter(now=JOINED, email="maija+2@esimerkki.fi")
    for moment in (FIRST, SECOND, LAST, LAST + DAY):
        round_at(moment)
    assert (len(server.of(STILL)), len(server.of(NOTE))) == (2, 1)
    assert not Enquiry.objects.exists()
    assert RemovedEnquiry.objects.get().count == 2


def test_joining_again_counts_as_confirmation(server: PostOffice) -> None:
    waiter(now=JOINED, email="maija@esimerkki.fi")
    round_at(FIRST)
    waiter(now=FIRST + 30 * DAY, email="maija@esimerkki.fi")
    round_at(SECOND)
    assert len(server.of(STILL)) == 1
    round_at(FIRST + 153 * DAY)
    assert len(server.of(STILL)) == 2
    assert set(WaitingPlace.objects.values_list("asked_times", flat=True)) == {1}


def test_running_plan_suspends_waiting_questions(server: PostOffice) -> None:
    waiter(now=JOINED)
    late = waiter(now=JOINED, wants_mail=False)
    plan = _plan(FIRST - DAY)
    assert ask_or_remove_silent_waiters(now=LAST + 2 * DAY) == 0
    assert stop_plan(plan_id=plan, version=1, by=None, now=LAST) == 0
    assert ask_or_remove_silent_waiters(now=LAST + 2 * DAY) == 2
    assert not Enquiry.objects.filter(pk=late.enquiry_id).exists()


def test_plan_begun_meanwhile_prevents_the_question(server: PostOffice) -> None:
    waiter(now=JOINED)

    def begin_plan_first(due: Iterable[Item], act: Callable[[Item], int], /) -> int:
        keys = list(due)
        assert len(keys) == 1
        _plan(FIRST)
        return each_or_raise(keys, act)

    assert ask_or_remove_silent_waiters(now=FIRST, each=begin_plan_first) == 0
    assert not OutgoingMail.objects.filter(purpose=STILL).exists()


def test_plan_begun_meanwhile_keeps_unreachable_mailbox(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    _plan(FIRST)
    queue_due_return_notices(now=FIRST)
    OutgoingMail.objects.filter(purpose=NOTICE).update(state=MailState.FAILED)
    ReturnPlan.objects.update(state=PlanState.FINISHED)
    # Long after its last day, and at night, when a failed mail is not retried.
    late = (LAST + timedelta(days=200)).replace(hour=3)

    def begin_plan_first(due: Iterable[Item], act: Callable[[Item], int], /) -> int:
        keys = list(due)
        assert keys == [place.mailbox_key]
        plan = _plan(late)
        assert each_or_raise(keys, act) == 0
        ReturnPlan.objects.filter(pk=plan).delete()
        return each_or_raise(keys, act)

    # Without the plan it is removed: nothing but the plan has kept it.
    assert ask_or_remove_silent_waiters(now=late, each=begin_plan_first) == 1


def test_plan_on_hold_does_not_delay_removal(server: PostOffice) -> None:
    waiter(now=JOINED)
    waiter(now=JOINED, wants_mail=False)
    _plan(FIRST - DAY)
    pause(active=True)
    round_at(FIRST)
    assert len(server.of(STILL)) == 1
    round_at(LAST + 2 * DAY)
    assert WaitingPlace.objects.get().wants_mail


def test_plan_withdraws_unsent_questions_and_removal_notices(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    ask_or_remove_silent_waiters(now=LAST)
    _plan(LAST)
    assert queue_due_return_notices(now=LAST) == 1
    round_at(LAST)
    assert server.of(NOTE) == []
    assert server.of(NOTICE) == [place.enquiry.email]
    assert Enquiry.objects.get().status == Status.WAITING_LIST


@pytest.mark.parametrize("joins", [False, True])
def test_withdrawn_question_does_not_count(server: PostOffice, joins: bool) -> None:
    pause(active=False)
    place = waiter(now=JOINED, email="maija@esimerkki.fi")
    round_at(FIRST)
    work(SECOND)
    if joins:
        waiter(now=SECOND + timedelta(minutes=1), email="maija@esimerkki.fi")
        deliver(SECOND + timedelta(minutes=2))
    else:
        stop_plan(plan_id=_plan(SECOND), version=1, by=None, now=SECOND)
    assert len(server.of(STILL)) == OutgoingMail.objects.count() == 1
    seen = read_list()
    assert [event.words for event in seen[0].events] == ["Kysytty 31.5.2027, odottaako yhä"]
    assert not any(other.events for other in seen[1:])
    place.refresh_from_db()
    assert (place.asked_at, place.asked_times) == (FIRST, 1)
    asked = [StepKind.STILL_ASKED, StepKind.STILL_ASKED]
    assert [step.kind for step in place.enquiry.steps.all()] == [*asked, StepKind.MAIL_WITHDRAWN]


def test_withdrawn_first_question_resets_the_place(server: PostOffice) -> None:
    pause(active=False)
    place = waiter(now=JOINED)
    work(FIRST)
    stop_plan(plan_id=_plan(FIRST), version=1, by=None, now=FIRST)
    place.refresh_from_db()
    assert (place.asked_at, place.asked_times) == (None, 0)
    assert read_list()[0].events == ()


def test_withdrawn_removal_notice_is_in_the_history(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    work(LAST)
    stop_plan(plan_id=_plan(LAST), version=1, by=None, now=LAST)
    assert [step.kind for step in place.enquiry.steps.all()][2:] == [StepKind.REMOVAL_NOTICE, StepKind.MAIL_WITHDRAWN]


def test_withdrawn_removal_notice_leaves_other_mailboxes_alone(server: PostOffice) -> None:
    silent, answering = waiter(now=JOINED), waiter(now=JOINED, email="toinen@esimerkki.fi")
    for moment in (FIRST, SECOND):
        round_at(moment)
    ask_or_remove_silent_waiters(now=LAST)
    WaitingPlace.objects.filter(pk=answering.pk).update(confirmed_at=LAST + timedelta(seconds=30))
    deliver(LAST + timedelta(minutes=1))
    assert server.of(NOTE) == [silent.enquiry.email]
    removal_notices = dict(WaitingPlace.objects.values_list("pk", "removal_notice_at"))
    assert removal_notices == {silent.pk: LAST, answering.pk: None}


def test_mailbox_with_removal_notice_is_not_notified(server: PostOffice) -> None:
    waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    ask_or_remove_silent_waiters(now=LAST)
    deliver(LAST)
    waiter(now=LAST - DAY, email="toinen@esimerkki.fi")
    _plan(LAST + timedelta(minutes=1))
    round_at(LAST + timedelta(minutes=2))
    assert server.of(NOTICE) == ["toinen@esimerkki.fi"]
    assert Enquiry.objects.get().email == "toinen@esimerkki.fi"


@pytest.mark.parametrize(("given_up", "was_kept"), [(True, False), (False, True)])
def test_place_with_unsent_removal_notice_is_notified(server: PostOffice, given_up: bool, was_kept: bool) -> None:
    """The forecast counts it too, since a plan withdraws the notice. An earlier, answered notice does not matter."""
    place = waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    ask_or_remove_silent_waiters(now=LAST)
    now = LAST
    if was_kept:
        deliver(LAST)
        answer_stay(place_id=place.pk, now=LAST + timedelta(seconds=30))
        for months in (4, 8):
            round_at(LAST + months * 31 * DAY)
        now = LAST + 13 * 31 * DAY
        ask_or_remove_silent_waiters(now=now)
    if given_up:
        give_up(now, server)
    place.refresh_from_db()
    assert place.removal_notice_at == now
    planned = forecast(ReturnPlan(created_at=now), now=now)
    assert (planned.total, waiting_summary(now=now).to_notify) == (1, 1)
    _plan(now)
    round_at(now)
    assert server.of(NOTICE) == [place.enquiry.email]


def test_plan_notice_replaces_requeued_removal_notice(server: PostOffice) -> None:
    """The removal notice was being sent when the plan was started."""
    place = waiter(now=JOINED)
    for moment in (FIRST, SECOND):
        round_at(moment)
    ask_or_remove_silent_waiters(now=LAST)
    OutgoingMail.objects.filter(purpose=NOTE).update(state=MailState.SENDING, claimed_at=LAST)
    waiter(now=LAST - DAY)
    waiter(now=LAST - DAY)
    start_plan(per_day=1, first_form="", greeting="", answer_days=14, by=None, now=LAST)
    queue_due_return_notices(now=LAST)
    OutgoingMail.objects.filter(purpose=NOTE).update(state=MailState.QUEUED, claimed_at=None)
    queue_due_return_notices(now=LAST + DAY)
    place.refresh_from_db()
    assert (place.notified_at, place.removal_notice_at) == (LAST + DAY, None)
    deliver(LAST + DAY)
    assert (server.of(NOTE), server.of(NOTICE)[-1]) == ([], place.enquiry.email)


def test_notified_place_is_not_asked(server: PostOffice) -> None:
    waiter(now=JOINED)
    _plan(FIRST - DAY)
    round_at(FIRST - DAY)
    round_at(FIRST)
    assert server.of(STILL) == []


def test_places_without_mail_are_removed_unasked(server: PostOffice) -> None:
    waiter(now=JOINED, wants_mail=False)
    suspicious = waiter(now=JOINED, verdict=Verdict.QUARANTINED)
    last = datetime(2028, 1, 31, 0, 0, tzinfo=HELSINKI)
    for moment in (FIRST, SECOND, last - timedelta(seconds=1)):
        round_at(moment)
    assert Enquiry.objects.count() == 2
    assert ask_or_remove_silent_waiters(now=last) == 1
    assert server.taken == []
    # A quarantined enquiry is kept until Kati has looked at it, since it may be genuine.
    round_at(last + 400 * DAY)
    assert Enquiry.objects.get() == suspicious.enquiry


def test_question_interval_follows_the_settings(server: PostOffice) -> None:
    chosen = IntakeSettings.load()
    chosen.waiting_months = 1
    chosen.save()
    waiter(now=JOINED)
    assert ask_or_remove_silent_waiters(now=datetime(2027, 2, 27, 12, tzinfo=HELSINKI)) == 0
    assert ask_or_remove_silent_waiters(now=datetime(2027, 2, 28, 12, tzinfo=HELSINKI)) == 1


def test_one_question_sent_after_worker_downtime(server: PostOffice) -> None:
    waiter(now=JOINED)
    ask_or_remove_silent_waiters(now=FIRST)
    # The worker stood still for a year, with the first question in the queue.
    late = FIRST + 365 * DAY
    for hour in range(3):
        round_at(late + timedelta(hours=hour))
    assert len(server.of(STILL)) == 1
    assert Enquiry.objects.exists()


def test_crash_during_removal_is_retried_next_round(server: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    waiter(now=JOINED)
    for moment in (FIRST, SECOND, LAST):
        round_at(moment)

    def fail(*_sender: object, **_values: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("intake.enquiry.removal.before_removal.send", fail)
        with pytest.raises(MemoryError):
            ask_or_remove_silent_waiters(now=LAST + DAY)
    assert Enquiry.objects.exists()
    assert ask_or_remove_silent_waiters(now=LAST + DAY) == 1
    assert RemovedEnquiry.objects.get().count == 1
