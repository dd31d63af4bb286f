"""Years of pauses and returns with everything going wrong: what the site promised those who wait, it keeps.

Each run is a story that hypothesis makes up: people join, days pass, Kati pauses, is full, opens, plans, stops and
moves people about, they answer or not, the mail server fails and the worker dies in the midst.
tests.intake.waiting.ledger says what must hold in each. The same stories every time.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils.module_loading import import_string
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from home.models import PauseNotice
from home.pause.rules import calendar_day
from home.pause.services import begin_pause, change_pause, end_pause, set_full
from intake.choices import MailState, Outcome, PlanState, Status, SupervisionForm, Verdict
from intake.enquiry.removal import remove_due, remove_enquiry
from intake.enquiry.services import accept_quarantined, change_status
from intake.mail.delivery import requeue
from intake.mail.models import WAITS
from intake.models import Enquiry, OutgoingMail, ReturnPlan, WaitingPlace
from intake.waiting import private_page
from intake.waiting.mails import LIST_PURPOSES
from intake.waiting.places import mailable_places, move_ahead
from intake.waiting.return_plan import (
    NobodyToNotify,
    PlanAlreadyRunning,
    TakesNoNewClients,
    resume_plan,
    start_plan,
    stop_plan,
)
from tests.intake.waiting import post_office
from tests.intake.waiting.ledger import Ledger
from tests.intake.waiting.list_people import deliver, waiter, work
from tests.intake.waiting.post_office import Behaviour, Killed, PostOffice

BEGINNING = datetime(2027, 1, 4, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)
ANSWERS = ("answer_yes", "answer_stay", "answer_no", "remove_places")
FORMS = ("", *SupervisionForm.values)
# Where the worker may die: in the midst of a transaction, and between the steps of a delivery.
DEATHS = [
    "intake.waiting.return_plan.queue_return_notice",
    "intake.waiting.return_plan.record_steps",
    "intake.waiting.upkeep.record_steps",
    "intake.waiting.upkeep.save_change",
    "intake.waiting.upkeep.record_steps",
    "intake.waiting.upkeep.remove_enquiry",
    "intake.mail.delivery._claim",
    "intake.mail.delivery._prepare_message",
    "intake.mail.delivery.fill_in_links",
    "intake.mail.delivery.build_message",
    "intake.mail.delivery._record_success",
    "intake.mail.delivery._record_failure",
    "intake.waiting.return_plan.withdraw_notice",
]
LAST_DEATHS = [
    "intake.waiting.return_plan.record_steps",
    "intake.mail.delivery._record_success",
    "intake.waiting.return_plan.queue_return_notice",
    "intake.mail.delivery._prepare_message",
    "intake.mail.delivery.fill_in_links",
]
_anybody = st.integers(0, 10_000)
# What a day brings beside its round: nothing, another mood of the mail server, or the worker's death somewhere.
_trouble = st.none() | st.sampled_from(list(Behaviour)) | st.tuples(st.sampled_from(DEATHS), st.integers(0, 4))


def _dies_after(target: str, calls: int) -> Any:
    """A patch under which the worker dies at this place, after so many calls that go well."""
    left = [calls]
    try:
        original: Callable[..., Any] = import_string(target)
    except ImportError:
        # A method of a manager: EnquiryStep.objects.create.
        model, manager, method = target.rsplit(".", 2)
        original = getattr(getattr(import_string(model), manager), method)

    def maybe(*arguments: Any, **values: Any) -> Any:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return original(*arguments, **values)

    return mock.patch(target, maybe)


class WaitingList(RuleBasedStateMachine):
    """One story. Everything in it is rolled back at its end."""

    stories: list[Ledger]
    stories_of_years: int

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING
        self.server = post_office.SERVER = PostOffice()
        self.ledger = Ledger(self.server)
        self.death: tuple[str, int] | None = None
        self.story = ExitStack()
        self.story.enter_context(transaction.atomic())

    # What visitors do.

    @initialize(count=st.integers(8, 20))
    def a_list_there_is(self, count: int) -> None:
        self.join(list(range(count)))

    @rule(numbers=st.lists(st.integers(0, 200), min_size=1, max_size=15))
    def join(self, numbers: list[int]) -> None:
        for number in numbers:
            waiter(
                now=self.now,
                email=f"odottaja{number}@esimerkki.fi",
                form=SupervisionForm.values[number % 3],
                wants_mail=number % 7 != 0,
                verdict=Verdict.QUARANTINED if number % 19 == 5 else Verdict.ACCEPTED,
            )
            self.ledger.happened["joined"] += 1

    @rule(answers=st.lists(st.tuples(_anybody, st.sampled_from(ANSWERS)), min_size=1, max_size=4))
    def answer(self, answers: list[tuple[int, str]]) -> None:
        for who, answer in answers:
            place = self._place(who)
            if place:
                getattr(private_page, answer)(place_id=place.pk, now=self.now)

    # What Kati does.

    @rule(days=st.integers(1, 120), dated=st.booleans(), by_itself=st.booleans())
    def pause(self, days: int, dated: bool, by_itself: bool) -> None:
        notice = PauseNotice.load()
        begin_pause(version=notice.version, by=None, now=self.now)
        if dated:
            notice = PauseNotice.load()
            day = calendar_day(self.now) + timedelta(days=days)
            values = {"returns_on": day, "opens_by_itself": by_itself}
            change_pause(values=values, version=notice.version, by=None, now=self.now)

    @rule()
    def fill(self) -> None:
        set_full(full=True, version=PauseNotice.load().version, by=None, now=self.now)

    @rule()
    def open(self) -> None:
        end_pause(version=PauseNotice.load().version, by=None, now=self.now)
        set_full(full=False, version=PauseNotice.load().version, by=None, now=self.now)

    @rule(per_day=st.integers(1, 9), first_form=st.sampled_from(FORMS), answer_days=st.integers(3, 14))
    def plan(self, per_day: int, first_form: str, answer_days: int) -> None:
        try:
            start_plan(
                per_day=per_day, first_form=first_form, greeting="", answer_days=answer_days, by=None, now=self.now
            )
        except (PlanAlreadyRunning, TakesNoNewClients, NobodyToNotify):
            pass

    @rule(per_day=st.integers(2, 9), answer_days=st.integers(3, 14))
    def kati_returns(self, per_day: int, answer_days: int) -> None:
        self.open()
        self.plan(per_day=per_day, first_form="", answer_days=answer_days)

    @precondition(lambda self: ReturnPlan.objects.exclude(held_at=None).exists())
    @rule(per_day=st.integers(2, 9), open_first=st.booleans(), answer_days=st.integers(3, 14))
    def kati_lets_a_held_plan_go_on(self, per_day: int, open_first: bool, answer_days: int = 14) -> None:
        if open_first:
            self.open()
        plan = ReturnPlan.objects.exclude(held_at=None).get()
        try:
            resume_plan(
                plan_id=plan.pk,
                version=plan.version,
                per_day=per_day,
                first_form=plan.first_form,
                greeting="",
                answer_days=answer_days,
                now=self.now,
            )
            self.ledger.happened["resumed"] += 1
        except TakesNoNewClients:
            pass

    @precondition(lambda self: ReturnPlan.objects.filter(state=PlanState.RUNNING).exists())
    @rule()
    def stop(self) -> None:
        plan = ReturnPlan.objects.get(state=PlanState.RUNNING)
        stop_plan(plan_id=plan.pk, version=plan.version, by=None, now=self.now)

    @rule(who=_anybody, status=st.sampled_from(Status.values))
    def kati_sets_a_status(self, who: int, status: str) -> None:
        enquiry = self._enquiry(who)
        if enquiry:
            outcome = Outcome.REFERRED if status == Status.CLOSED else ""
            change_status(
                enquiry_id=enquiry.pk,
                version=enquiry.version,
                status=Status(status),
                outcome=outcome,
                by=None,
                now=self.now,
            )

    @rule(who=_anybody, action=st.sampled_from(["accept", "ahead", "remove"]))
    def kati_does_something_else(self, who: int, action: str) -> None:
        enquiry = self._enquiry(who)
        if enquiry is None:
            return
        which: dict[str, Any] = {"enquiry_id": enquiry.pk, "version": enquiry.version, "by": None, "now": self.now}
        if action == "accept":
            accept_quarantined(**which)
        elif action == "remove":
            remove_enquiry(enquiry_id=enquiry.pk, now=self.now)
        elif enquiry.status == Status.WAITING_LIST:
            move_ahead(reason="Kiire", **which)

    @rule(who=_anybody)
    def kati_sends_a_failed_mail_again(self, who: int) -> None:
        failed = list(OutgoingMail.objects.filter(state=MailState.FAILED, purpose__in=LIST_PURPOSES).order_by("pk"))
        if failed:
            mail = failed[who % len(failed)]
            assert requeue(mail=mail, now=self.now)

    # Time.

    @rule(troubles=st.lists(_trouble, min_size=1, max_size=9), hour=st.sampled_from([3, 10, 11, 15, 19, 22]))
    def days_pass(self, troubles: list[Behaviour | tuple[str, int] | None], hour: int) -> None:
        for trouble in troubles:
            self.now = (self.now + DAY).replace(hour=hour)
            if isinstance(trouble, tuple):
                self.death = trouble
            else:
                self.server.behaviour = trouble or Behaviour.TAKES
            self._worker()

    @rule(
        behaviour=st.sampled_from([Behaviour.REFUSES, Behaviour.AWAY, Behaviour.BREAKS_BEFORE]),
    )
    def the_server_fails_for_days(self, behaviour: Behaviour) -> None:
        """Longer than any mail is tried."""
        for wait in (DAY, *WAITS, DAY):
            self.now += wait
            self.server.behaviour = behaviour
            self._worker()

    @rule(months=st.integers(2, 6))
    def months_pass(self, months: int) -> None:
        """The worker is looked at only where something is under way."""
        for _ in range(months):
            self.now = (self.now + 30 * DAY).replace(hour=11)
            self._worker()
        self.server.behaviour = Behaviour.TAKES
        remove_due(now=self.now)

    def _worker(self) -> None:
        """A worker's round, its death where one is due, and the next worker that goes on."""
        died = self.ledger.happened["died"]
        self._round(self.now)
        if self.ledger.happened["died"] > died:
            self._round(self.now + timedelta(minutes=15))

    def _round(self, now: datetime) -> None:
        with ExitStack() as stack:
            if self.death is not None:
                stack.enter_context(_dies_after(*self.death))
            before = self.ledger.before()
            for job in (work, deliver):
                try:
                    job(now)
                except Killed:
                    self.ledger.happened["died"] += 1
                    self.death = None
                    stack.pop_all().close()
                if job is work:
                    self.ledger.check_round(before, now)
                else:
                    self.ledger.count_arrivals(now)

    @invariant()
    def promises_are_kept(self) -> None:
        self.ledger.check_always()
        self.ledger.forget_erased()

    def teardown(self) -> None:
        """In the end the worker lives, the server takes, Kati opens: everybody who is to be told is told."""
        try:
            self._last_chapter()
            assert not ReturnPlan.objects.filter(state=PlanState.RUNNING).exists()
            self.ledger.check_always()
            assert not OutgoingMail.objects.filter(state__in=(MailState.QUEUED, MailState.SENDING)).exists()
            for _ in range(3):
                self.now += 15 * DAY
                self._worker()
            self.ledger.check_always()
            self._nobody_is_forgotten()
            if len(self.stories) < self.stories_of_years:
                self._years_pass(Behaviour.TAKES if self.stories else Behaviour.REFUSES)
            self.ledger.days = (self.now - BEGINNING).days
            self.stories.append(self.ledger)
        finally:
            transaction.set_rollback(True)
            self.story.close()

    def _last_chapter(self) -> None:
        """The server has one of its moods, two workers die, and then all goes well."""
        story = len(self.stories)
        if story == 2:
            self._pause_comes_into_a_plan()
        self.death, self.server.behaviour = None, list(Behaviour)[story % len(Behaviour)]
        self.open()
        self.now = (self.now + DAY).replace(hour=12)
        self._worker()
        if ReturnPlan.objects.exclude(held_at=None).exists():
            self.kati_lets_a_held_plan_go_on(per_day=9, open_first=False)
        self.plan(per_day=9, first_form=FORMS[story % len(FORMS)], answer_days=14)
        ReturnPlan.objects.update(per_day=9)
        for day in range(6):
            self.now = (self.now + DAY).replace(hour=12)
            self.death = (LAST_DEATHS[(2 * story + day) % len(LAST_DEATHS)], 0) if day in (1, 2) else None
            if day == 3:
                ReturnPlan.objects.update(per_day=100)
            self._worker()
            self.server.behaviour = Behaviour.TAKES

    def _pause_comes_into_a_plan(self) -> None:
        self.join([302, 303, 304])
        self.server.behaviour = Behaviour.TAKES
        self.kati_returns(per_day=1, answer_days=14)
        for act in (lambda: None, lambda: self.pause(days=9, dated=False, by_itself=False)):
            self.now = (self.now + DAY).replace(hour=12)
            act()
            self._worker()

    def _years_pass(self, behaviour: Behaviour) -> None:
        """Some join, nobody says a word, and mail reaches all of them or none."""
        self.join([302, 303, 304])
        # A mail that nobody takes is tried once a round.
        step = 28 if behaviour is Behaviour.REFUSES else 56
        for _ in range(700 // step):
            self.now += step * DAY
            self.server.behaviour = behaviour
            self._worker()
            self.ledger.check_always()

    def _nobody_is_forgotten(self) -> None:
        """Whoever was told long ago and is still on the list has a mail that failed, or went out by a late try."""
        for place in mailable_places().filter(notified_at__lt=self.now - 40 * DAY):
            mails = OutgoingMail.objects.filter(enquiry__waiting__mailbox_key=place.mailbox_key)
            of_plan = mails.filter(deduplication_key=f"plan-{place.plan_id}")
            assert of_plan.exclude(sent_at__lt=self.now - 30 * DAY).exists()

    def _place(self, who: int) -> WaitingPlace | None:
        places = list(WaitingPlace.objects.order_by("pk"))
        return places[who % len(places)] if places else None

    def _enquiry(self, who: int) -> Enquiry | None:
        enquiries = list(Enquiry.objects.order_by("pk"))
        return enquiries[who % len(enquiries)] if enquiries else None


@pytest.mark.django_db
@pytest.mark.usefixtures("server")
def test_years_of_waiting() -> None:
    # SQLite tells them all; PostgreSQL, which could only lock or refuse differently, the first three, and one of years.
    all_of_them = connection.vendor == "sqlite"
    stories: list[Ledger] = []
    machine = type("Story", (WaitingList,), {"stories": stories, "stories_of_years": 2 if all_of_them else 1})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=4 if all_of_them else 3,
            stateful_step_count=22,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        ),
    )
    # The stories were worth telling.
    total = Counter[str]()
    for story in stories:
        total.update(story.happened)
    least = {"joined": 35, "died": 1, "finished": 1, "closed": 5, "removed": 3, "unreachable": 1, "resumed": 1}
    if all_of_them:
        least |= {"joined": 80, "died": 3, "finished": 4, "closed": 30}
    assert {what: total[what] for what, number in least.items() if total[what] < number} == {}
    assert max(story.days for story in stories) >= 2 * 365
