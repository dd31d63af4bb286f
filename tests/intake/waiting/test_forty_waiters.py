"""Forty people are notified in order, five a day; each day the worker is killed at another point."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, MailState, PlanState
from intake.mail import delivery
from intake.mail.models import CLAIM_LIFETIME
from intake.models import OutgoingMail, ReturnPlan, WaitingPlace
from intake.waiting import return_plan
from intake.waiting.return_plan import start_plan
from tests.intake.waiting.list_people import deliver, round_at, waiter, work
from tests.intake.waiting.post_office import Behaviour, Killed, PostOffice

pytestmark = pytest.mark.django_db
MORNING = datetime(2027, 3, 1, 9, 0, tzinfo=ZoneInfo("Europe/Helsinki"))


def _die(*_arguments: object, **_values: object) -> None:
    raise Killed


def _day(day: int, server: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one day: a worker is killed, and the next one goes on."""
    now = MORNING + timedelta(days=day)
    deaths: list[tuple[object, str | Behaviour]] = [
        (return_plan, "queue_return_notice"),
        (return_plan, "record_steps"),
        (delivery, "fill_in_links"),
        (delivery, "_record_success"),
        (server, Behaviour.KILLS_BEFORE),
        (server, Behaviour.KILLS_AFTER),
        (delivery, "_claim"),
        (delivery, "_prepare_message"),
    ]
    where, how = deaths[day]
    with monkeypatch.context() as patch:
        if isinstance(how, Behaviour):
            server.behaviour = how
        else:
            patch.setattr(where, how, _die)
        with pytest.raises(Killed):
            round_at(now)
    work(now + timedelta(minutes=3))
    deliver(now + timedelta(minutes=3))
    deliver(now + CLAIM_LIFETIME + timedelta(minutes=4))


def test_forty_waiters_in_eight_days(server: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [waiter(now=MORNING - timedelta(days=30)) for _ in range(40)]
    names = [place.enquiry.email for place in places]
    start_plan(per_day=5, first_form="", greeting="Kevät tulee.", answer_days=14, by=None, now=MORNING)
    for day in range(8):
        assert ReturnPlan.objects.get().state == PlanState.RUNNING
        _day(day, server, monkeypatch)
        # They are notified in order, as many as the day allows.
        notified = WaitingPlace.objects.exclude(notified_at=None).order_by("rank")
        assert list(notified.values_list("enquiry__email", flat=True)) == names[: 5 * (day + 1)]
    plan = ReturnPlan.objects.get()
    assert (plan.state, plan.notified) == (PlanState.FINISHED, 40)

    taken = server.of(MailPurpose.RETURN_NOTICE)
    assert set(taken) == set(names)
    # Two workers were killed after the server had the mail: it was sent again with the same Message-ID.
    assert len(taken) == 42
    assert len({message_id for _purpose, _key, _recipient, message_id in server.taken}) == 40
    # The days are in order; within a day, a retried mail may come later.
    days = [names.index(name) // 5 for name in taken]
    assert days == sorted(days)
    assert OutgoingMail.objects.filter(state=MailState.SENT).count() == 40
