"""An enquiry is put back on the list while a plan runs: when it is notified again, and how it is counted."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, PlanState, Status
from intake.models import Enquiry, OutgoingMail, ReturnPlan, WaitingPlace
from intake.waiting.plan_page import forecast, progress
from intake.waiting.private_page import answer_no, view_of_place
from intake.waiting.return_plan import queue_due_return_notices, start_plan, stop_plan
from intake.waiting.rules import PlaceState
from tests.intake.enquiries import give_status
from tests.intake.waiting.list_people import deliver, round_at, waiter, work
from tests.intake.waiting.post_office import Behaviour, PostOffice

pytestmark = pytest.mark.django_db
HELSINKI = ZoneInfo("Europe/Helsinki")
JOINED = datetime(2027, 1, 10, 12, 0, tzinfo=HELSINKI)
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=HELSINKI)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOTICE = MailPurpose.RETURN_NOTICE


def _start(*, per_day: int = 5, now: datetime = MONDAY) -> ReturnPlan:
    return start_plan(per_day=per_day, first_form="", greeting="", answer_days=14, by=None, now=now)


def _set(place: WaitingPlace, status: Status, now: datetime) -> None:
    enquiry = Enquiry.objects.get(pk=place.enquiry_id)
    give_status(enquiry, status, at=now)


@pytest.mark.parametrize("sent", [True, False])
def test_running_plan_notifies_put_back_place_again(server: PostOffice, sent: bool) -> None:
    first, second = waiter(now=JOINED), waiter(now=JOINED)
    plan = _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    if sent:
        deliver(MONDAY)
    _set(first, Status.IN_REVIEW, MONDAY + HOUR)
    _set(first, Status.WAITING_LIST, MONDAY + 4 * HOUR)
    plan.refresh_from_db()
    assert plan.notified == 0
    ahead = [one.place.pk for day in forecast(plan, now=MONDAY + DAY).schedule.days for one in day.notified]
    assert ahead == [first.pk, second.pk]
    for day in range(1, 4):
        queue_due_return_notices(now=MONDAY + day * DAY)
        deliver(MONDAY + day * DAY)
    assert server.of(NOTICE).count(first.enquiry.email) == 1 + sent
    first.refresh_from_db()
    plan.refresh_from_db()
    assert (first.plan, first.notified_at) == (plan, MONDAY + DAY)
    assert (plan.state, plan.notified, progress(plan).removed) == (PlanState.FINISHED, 2, 0)


@pytest.mark.parametrize("returns", [timedelta(minutes=5), 4 * HOUR])
def test_put_back_mailbox_is_notified_once_for_its_places(server: PostOffice, returns: timedelta) -> None:
    """Both places are put back, and one more notice is sent for both of them."""
    both = [waiter(now=JOINED, email="maija@esimerkki.fi") for _ in range(2)]
    waiter(now=JOINED)
    _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    deliver(MONDAY)
    for place in both:
        _set(place, Status.IN_REVIEW, MONDAY + HOUR)
    _set(both[0], Status.WAITING_LIST, MONDAY + 4 * HOUR)
    _set(both[1], Status.WAITING_LIST, MONDAY + HOUR + returns)
    for day in range(1, 4):
        queue_due_return_notices(now=MONDAY + day * DAY)
        deliver(MONDAY + day * DAY)
    assert server.of(NOTICE).count("maija@esimerkki.fi") == 2
    assert set(WaitingPlace.objects.filter(pk__in=[place.pk for place in both]).values_list("notified_at")) == {
        (MONDAY + DAY,)
    }


def test_stop_resets_mailbox_with_one_place_put_back(server: PostOffice) -> None:
    """One of two places was put back. Stopping the plan resets the other one too, since the notice was not sent."""
    first, other = [waiter(now=JOINED, email="maija@esimerkki.fi") for _ in range(2)]
    waiter(now=JOINED)
    plan = _start(per_day=1)
    queue_due_return_notices(now=MONDAY)
    _set(first, Status.IN_REVIEW, MONDAY + HOUR)
    _set(first, Status.WAITING_LIST, MONDAY + 4 * HOUR)
    stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=MONDAY + 5 * HOUR)
    assert not OutgoingMail.objects.filter(purpose=NOTICE).exists()
    assert list(WaitingPlace.objects.exclude(notified_at=None)) == []
    plan.refresh_from_db()
    assert plan.notified == 0
    other.refresh_from_db()
    assert other.plan is None


@pytest.mark.parametrize("other", ["maija@esimerkki.fi", "maija+lista@esimerkki.fi"])
def test_mailbox_put_back_twice_is_subtracted_once(server: PostOffice, other: str) -> None:
    both = [waiter(now=JOINED, email=email) for email in ("maija@esimerkki.fi", other)]
    for _ in range(5):
        waiter(now=JOINED)
    plan = _start(per_day=2)
    work(MONDAY)
    for place in both:
        answer_no(place_id=place.pk, now=MONDAY + HOUR)
    for place in both:
        _set(place, Status.WAITING_LIST, MONDAY + 4 * HOUR)
    plan.refresh_from_db()
    assert (plan.notified, progress(plan).unanswered) == (1, 1)
    assert plan.notified + forecast(plan, now=MONDAY + 5 * HOUR).total == 6


def test_withdrawn_notice_of_yesterday_frees_none_today(server: PostOffice) -> None:
    """It was queued yesterday and was not sent; today's notice is queued already."""
    server.behaviour = Behaviour.AWAY
    first, *_rest = [waiter(now=JOINED) for _ in range(4)]
    plan = _start(per_day=1)
    work(MONDAY)
    work(MONDAY + DAY)
    _set(first, Status.IN_REVIEW, MONDAY + DAY + HOUR)
    _set(first, Status.WAITING_LIST, MONDAY + DAY + 4 * HOUR)
    work(MONDAY + DAY + 5 * HOUR)
    plan.refresh_from_db()
    assert (plan.notified, plan.notified_that_day) == (1, 1)
    assert OutgoingMail.objects.filter(purpose=NOTICE).count() == 1


def test_put_back_reminded_place_is_subtracted_once(server: PostOffice) -> None:
    first, *_rest = [waiter(now=JOINED) for _ in range(6)]
    plan = _start(per_day=1)
    for day in (0, 1, 14, 15):
        round_at(MONDAY + day * DAY)
    assert server.of(MailPurpose.RETURN_REMINDER).count(first.enquiry.email) == 1
    plan.refresh_from_db()
    before = plan.notified
    _set(first, Status.IN_REVIEW, MONDAY + 15 * DAY + HOUR)
    _set(first, Status.WAITING_LIST, MONDAY + 15 * DAY + 4 * HOUR)
    plan.refresh_from_db()
    assert plan.notified == before - 1


@pytest.mark.parametrize("behaviour", [Behaviour.AWAY, Behaviour.TAKES])
def test_only_a_sent_notice_counts_for_its_day(server: PostOffice, behaviour: Behaviour) -> None:
    """If the notice was not sent, another one may be queued on the same day."""
    server.behaviour = behaviour
    first, second = waiter(now=JOINED), waiter(now=JOINED)
    _start(per_day=1)
    round_at(MONDAY)
    _set(first, Status.IN_REVIEW, MONDAY + HOUR)
    _set(first, Status.WAITING_LIST, MONDAY + 4 * HOUR)
    server.behaviour = Behaviour.TAKES
    server.taken.clear()
    round_at(MONDAY + 5 * HOUR)
    assert server.of(NOTICE) == ([first.enquiry.email] if behaviour == Behaviour.AWAY else [])
    round_at(MONDAY + DAY + HOUR)
    round_at(MONDAY + 2 * DAY + HOUR)
    assert sorted(server.of(NOTICE)) == sorted([first.enquiry.email, second.enquiry.email])


@pytest.mark.parametrize("places", [1, 2])
def test_old_no_of_renotified_mailbox_is_not_counted(server: PostOffice, places: int) -> None:
    first, *_rest = [waiter(now=JOINED, email="maija@esimerkki.fi") for _ in range(places)]
    for _ in range(5):
        waiter(now=JOINED)
    plan = _start(per_day=1)
    round_at(MONDAY)
    answer_no(place_id=first.pk, now=MONDAY + HOUR)
    _set(first, Status.WAITING_LIST, MONDAY + 4 * HOUR)
    plan.refresh_from_db()
    shown = progress(plan)
    assert (shown.notified, shown.no, shown.removed) == (0, 0, 0)
    round_at(MONDAY + DAY)
    assert server.of(NOTICE) == ["maija@esimerkki.fi"] * 2
    plan.refresh_from_db()
    shown = progress(plan)
    assert (shown.notified, shown.no, shown.unanswered) == (1, 0, 1)
    first.refresh_from_db()
    assert view_of_place(first).state == PlaceState.NOTIFIED
    answer_no(place_id=first.pk, now=MONDAY + DAY + HOUR)
    assert progress(plan).no == 1
