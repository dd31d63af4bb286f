"""Notifying the list: in order, a limited number a day, in the daytime, each mailbox once, stoppable at once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from intake.choices import MailPurpose, MailState, PlanState, Status, StepKind, Verdict
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.services import ChangedMeanwhile
from intake.mail.delivery import deliver_next, requeue
from intake.models import Enquiry, OutgoingMail, ReturnPlan, WaitingPlace
from intake.waiting.return_plan import (
    NobodyToNotify,
    PlanAlreadyRunning,
    TakesNoNewClients,
    queue_due_return_notices,
    start_plan,
    stop_plan,
)
from tests.intake.waiting.list_people import deliver, give_up, pause, waiter
from tests.intake.waiting.post_office import Behaviour, PostOffice

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
JOINED = datetime(2027, 1, 10, 12, 0, tzinfo=HELSINKI)
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=HELSINKI)
DAY = timedelta(days=1)


def _start(*, per_day: int = 5, first_form: str = "", now: datetime = MONDAY) -> ReturnPlan:
    return start_plan(per_day=per_day, first_form=first_form, greeting="", answer_days=14, by=None, now=now)


def _notified() -> list[int]:
    """The enquiries with a notice, in the order of the queue."""
    notices = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE).order_by("pk")
    return [mail.enquiry_id or 0 for mail in notices]


def test_notices_go_out_daily_in_order() -> None:
    places = [waiter(now=JOINED) for _ in range(12)]
    plan = _start()
    assert queue_due_return_notices(now=MONDAY) == 5
    assert queue_due_return_notices(now=MONDAY + timedelta(hours=5)) == 0
    assert queue_due_return_notices(now=MONDAY + DAY) == 5
    plan.refresh_from_db()
    assert (plan.state, plan.notified, plan.notified_that_day) == (PlanState.RUNNING, 10, 5)
    assert queue_due_return_notices(now=MONDAY + 2 * DAY) == 2
    assert _notified() == [place.enquiry_id for place in places]
    plan.refresh_from_db()
    assert (plan.state, plan.notified, plan.ended_at) == (PlanState.FINISHED, 12, MONDAY + 2 * DAY)
    assert queue_due_return_notices(now=MONDAY + 3 * DAY) == 0
    first = WaitingPlace.objects.get(pk=places[0].pk)
    assert (first.plan, first.notified_at) == (plan, MONDAY)
    assert [step.kind for step in first.enquiry.steps.all()] == [StepKind.NOTIFIED]


def test_chosen_form_is_notified_first() -> None:
    others = [waiter(now=JOINED) for _ in range(2)]
    first = [waiter(now=JOINED, form="individual") for _ in range(2)]
    _start(per_day=1, first_form="individual")
    queue_due_return_notices(now=MONDAY)
    WaitingPlace.objects.filter(pk=others[1].pk).update(rank=-5)
    for day in range(1, 4):
        queue_due_return_notices(now=MONDAY + day * DAY)
    assert _notified() == [place.enquiry_id for place in (*first, others[1], others[0])]


def test_only_mailable_places_are_notified() -> None:
    notified = waiter(now=JOINED)
    waiter(now=JOINED, wants_mail=False)
    waiter(now=JOINED, verdict=Verdict.QUARANTINED)
    left = waiter(now=JOINED)
    Enquiry.objects.filter(pk=left.enquiry_id).update(status=Status.IN_REVIEW)
    _start()
    queue_due_return_notices(now=MONDAY)
    assert _notified() == [notified.enquiry_id]
    assert ReturnPlan.objects.get().state == PlanState.FINISHED


def test_mailbox_is_notified_once_for_all_places() -> None:
    first = waiter(now=JOINED, email="maija@esimerkki.fi")
    other = waiter(now=JOINED)
    second = waiter(now=JOINED, email="Maija+lista@esimerkki.fi")
    plan = _start()
    assert queue_due_return_notices(now=MONDAY) == 2
    assert _notified() == [first.enquiry_id, other.enquiry_id]
    second.refresh_from_db()
    assert (second.plan, second.notified_at) == (plan, MONDAY)
    assert second.enquiry.steps.get().kind == StepKind.NOTIFIED


def test_rejoined_mailbox_is_not_notified_twice() -> None:
    first = waiter(now=JOINED, email="maija@esimerkki.fi")
    waiter(now=JOINED)
    _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    Enquiry.objects.filter(pk=first.enquiry_id).update(status=Status.IN_REVIEW)
    again = waiter(now=MONDAY, email="maija@esimerkki.fi")
    for day in range(1, 5):
        queue_due_return_notices(now=MONDAY + day * DAY)
    assert len(_notified()) == 2
    again.refresh_from_db()
    assert again.notified_at is None
    _start(now=MONDAY + 10 * DAY)
    assert queue_due_return_notices(now=MONDAY + 10 * DAY) == 1
    assert _notified()[-1] == again.enquiry_id


@pytest.mark.parametrize(("hour", "minute", "notified"), [(8, 59, 0), (9, 0, 1), (19, 59, 1), (20, 0, 0), (23, 30, 0)])
def test_nobody_is_notified_at_night(hour: int, minute: int, notified: int) -> None:
    waiter(now=JOINED)
    _start()
    assert queue_due_return_notices(now=MONDAY.replace(hour=hour, minute=minute)) == notified


def test_announced_pause_does_not_stop_the_plan() -> None:
    for _ in range(2):
        waiter(now=JOINED)
    _start(per_day=1)
    pause(active=True, begins_on=(MONDAY + 5 * DAY).date())
    assert queue_due_return_notices(now=MONDAY) == 1
    pause(active=False)
    assert queue_due_return_notices(now=MONDAY + DAY) == 1
    assert ReturnPlan.objects.get().state == PlanState.FINISHED


def test_plan_requires_free_times_and_no_other_plan() -> None:
    with pytest.raises(NobodyToNotify):
        _start()
    waiter(now=JOINED, wants_mail=False)
    with pytest.raises(NobodyToNotify):
        _start()
    waiter(now=JOINED)
    pause(active=True, returns_on=MONDAY.date())
    with pytest.raises(TakesNoNewClients):
        _start()
    pause(active=False, full=True)
    with pytest.raises(TakesNoNewClients):
        _start()
    pause(active=True, returns_on=MONDAY.date(), opens_by_itself=True)
    _start()
    with pytest.raises(PlanAlreadyRunning):
        _start()
    assert ReturnPlan.objects.count() == 1


@pytest.mark.parametrize("values", [{"per_day": 0}, {"per_day": 101}, {"answer_days": 2}, {"first_form": "crowd"}])
def test_plan_with_invalid_values_is_rejected(values: dict[str, object]) -> None:
    waiter(now=JOINED)
    usual: dict[str, object] = {"per_day": 5, "first_form": "", "greeting": "", "answer_days": 14}
    with pytest.raises(ValidationError):
        start_plan(**{**usual, **values}, by=None, now=MONDAY)  # type: ignore[arg-type]
    assert not ReturnPlan.objects.exists()


def test_stopping_withdraws_unsent_notices(server: PostOffice) -> None:
    places = [waiter(now=JOINED) for _ in range(7)]
    plan = _start()
    queue_due_return_notices(now=MONDAY)
    # One was sent, one was rejected and waits for its retry, the others are queued.
    assert deliver_next(now=MONDAY)
    server.behaviour = Behaviour.REFUSES
    assert deliver_next(now=MONDAY)

    assert stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=MONDAY + timedelta(minutes=1)) == 4

    server.behaviour = Behaviour.TAKES
    deliver(MONDAY + timedelta(hours=1))
    assert queue_due_return_notices(now=MONDAY + DAY) == 0
    assert server.of(MailPurpose.RETURN_NOTICE) == [places[0].enquiry.email]
    plan.refresh_from_db()
    assert (plan.state, plan.notified, plan.notified_that_day) == (PlanState.STOPPED, 1, 1)
    for place in places[1:]:
        place.refresh_from_db()
        assert (place.notified_at, place.plan) == (None, None)
    kinds = [step.kind for step in places[2].enquiry.steps.all()]
    assert kinds == [StepKind.NOTIFIED, StepKind.MAIL_WITHDRAWN]

    # The next plan goes on where this one ended.
    _start(per_day=10, now=MONDAY + DAY)
    assert queue_due_return_notices(now=MONDAY + DAY) == 6
    assert _notified() == [place.enquiry_id for place in places]


def test_stop_requires_current_plan_and_version() -> None:
    waiter(now=JOINED)
    plan = _start()
    with pytest.raises(ChangedMeanwhile):
        stop_plan(plan_id=plan.pk, version=plan.version + 1, by=None, now=MONDAY)
    with pytest.raises(ChangedMeanwhile):
        stop_plan(plan_id=plan.pk + 1, version=plan.version, by=None, now=MONDAY)
    assert stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=MONDAY) == 0
    with pytest.raises(ChangedMeanwhile):
        stop_plan(plan_id=plan.pk, version=plan.version + 1, by=None, now=MONDAY)


def test_claimed_notice_of_a_stopped_plan_is_withdrawn(server: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    place = waiter(now=JOINED)
    waiter(now=JOINED)
    plan = _start(per_day=1)
    queue_due_return_notices(now=MONDAY)

    def stopped_meanwhile(_backend: object) -> bool:
        stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=MONDAY)
        return True

    monkeypatch.setattr("tests.intake.waiting.post_office.Backend.open", stopped_meanwhile)
    assert deliver_next(now=MONDAY)
    assert server.taken == []
    assert not OutgoingMail.objects.exists()
    place.refresh_from_db()
    assert place.notified_at is None


def test_notice_is_withdrawn_after_leaving_the_list(server: PostOffice) -> None:
    gone = waiter(now=JOINED)
    notified = waiter(now=JOINED)
    for _ in range(3):
        waiter(now=JOINED)
    plan = _start(per_day=2)
    queue_due_return_notices(now=MONDAY)
    Enquiry.objects.filter(pk=gone.enquiry_id).update(status=Status.MAPPING_SCHEDULED)
    deliver(MONDAY)
    assert server.of(MailPurpose.RETURN_NOTICE) == [notified.enquiry.email]
    gone.refresh_from_db()
    assert (gone.notified_at, gone.plan) == (None, None)
    plan.refresh_from_db()
    assert (plan.notified, plan.notified_that_day) == (1, 1)
    # Exactly one other mailbox is notified instead.
    assert queue_due_return_notices(now=MONDAY + timedelta(hours=1)) == 1
    assert queue_due_return_notices(now=MONDAY + timedelta(hours=2)) == 0


def test_notice_is_not_sent_during_pause(server: PostOffice) -> None:
    waiter(now=JOINED)
    _start()
    queue_due_return_notices(now=MONDAY)
    pause(active=True)
    deliver(MONDAY)
    assert server.taken == []
    # The notice was withdrawn, so a later plan notifies the place.
    assert not OutgoingMail.objects.exists()
    pause(active=False)
    _start(now=MONDAY + 2 * DAY)
    assert queue_due_return_notices(now=MONDAY + 2 * DAY) == 1


def test_removed_enquiry_reassigns_its_mails(server: PostOffice) -> None:
    first = waiter(now=JOINED, email="maija@esimerkki.fi")
    second = waiter(now=JOINED, email="maija+toinen@esimerkki.fi")
    waiter(now=JOINED)
    plan = _start()
    queue_due_return_notices(now=MONDAY)
    remove_enquiry(enquiry_id=first.enquiry_id, now=MONDAY)
    deliver(MONDAY)
    assert server.of(MailPurpose.RETURN_NOTICE)[0] == "maija+toinen@esimerkki.fi"
    assert len(server.taken) == 2
    mail = OutgoingMail.objects.get(enquiry=second.enquiry_id)
    assert mail.state == MailState.SENT
    plan.refresh_from_db()
    assert plan.notified == 2


def test_mailbox_is_not_notified_again_after_removal(server: PostOffice) -> None:
    notified = waiter(now=JOINED, email="maija@esimerkki.fi")
    waiter(now=JOINED)
    _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    deliver(MONDAY)
    again = waiter(now=MONDAY, email="maija@esimerkki.fi")
    remove_enquiry(enquiry_id=notified.enquiry_id, now=MONDAY)
    for day in range(1, 4):
        queue_due_return_notices(now=MONDAY + day * DAY)
        deliver(MONDAY + day * DAY)
    assert server.of(MailPurpose.RETURN_NOTICE).count("maija@esimerkki.fi") == 1
    again.refresh_from_db()
    assert again.notified_at is None


def test_removed_enquiry_with_unsent_notice_is_not_counted() -> None:
    gone = waiter(now=JOINED)
    waiter(now=JOINED)
    plan = _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    remove_enquiry(enquiry_id=gone.enquiry_id, now=MONDAY)
    plan.refresh_from_db()
    assert (plan.notified, plan.notified_that_day) == (0, 0)
    assert queue_due_return_notices(now=MONDAY) == 1


def test_crash_while_queueing_notices_rolls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [waiter(now=JOINED) for _ in range(4)]
    _start()
    steps = iter([None, None, MemoryError])

    def fails_third(*_arguments: object, **_more: object) -> None:
        error = next(steps)
        if error:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr("intake.waiting.return_plan.record_steps", fails_third)
        with pytest.raises(MemoryError):
            queue_due_return_notices(now=MONDAY)
    assert not OutgoingMail.objects.exists()
    assert not WaitingPlace.objects.exclude(notified_at=None).exists()
    assert queue_due_return_notices(now=MONDAY) == 4
    assert _notified() == [place.enquiry_id for place in places]


def test_requeued_notice_of_an_old_plan_is_withdrawn(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    first = _start()
    queue_due_return_notices(now=MONDAY)
    give_up(MONDAY, server)
    old = OutgoingMail.objects.get(state=MailState.FAILED)
    assert ReturnPlan.objects.get(pk=first.pk).state == PlanState.FINISHED
    second = _start(now=MONDAY + 30 * DAY)
    queue_due_return_notices(now=MONDAY + 30 * DAY)
    deliver(MONDAY + 30 * DAY)
    requeue(mail=old, now=MONDAY + 31 * DAY)
    deliver(MONDAY + 31 * DAY)
    assert len(server.of(MailPurpose.RETURN_NOTICE)) == 1
    place.refresh_from_db()
    assert (place.plan, place.notified_at) == (second, MONDAY + 30 * DAY)
    first.refresh_from_db()
    assert (first.notified, second.pk != first.pk) == (0, True)


def test_failed_notice_is_retried_by_next_plan(server: PostOffice) -> None:
    unreached, reached = waiter(now=JOINED), waiter(now=JOINED)
    _start()
    queue_due_return_notices(now=MONDAY)
    deliver_next(now=MONDAY)
    deliver(MONDAY)
    OutgoingMail.objects.filter(enquiry=unreached.enquiry_id).update(state=MailState.FAILED, sent_at=None)
    plan = _start(now=MONDAY + 10 * DAY)
    assert queue_due_return_notices(now=MONDAY + 10 * DAY) == 1
    deliver(MONDAY + 10 * DAY)
    assert server.of(MailPurpose.RETURN_NOTICE)[-1] == unreached.enquiry.email
    assert server.of(MailPurpose.RETURN_NOTICE).count(reached.enquiry.email) == 1
    plan.refresh_from_db()
    assert (plan.state, plan.notified) == (PlanState.FINISHED, 1)
    assert OutgoingMail.objects.filter(enquiry=unreached.enquiry_id).count() == 1


def test_stop_releases_places_with_failed_notices(server: PostOffice) -> None:
    place = waiter(now=JOINED)
    waiter(now=JOINED)
    plan = _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    give_up(MONDAY, server)
    assert stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=MONDAY + 5 * DAY) == 1
    place.refresh_from_db()
    assert (place.notified_at, place.plan) == (None, None)
