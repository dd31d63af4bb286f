"""A notified place without an answer: one reminder, then closing; only if the mails were sent, never in a pause."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, Outcome, Status, StepKind
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry, OutgoingMail, WaitingPlace
from intake.waiting.private_page import answer_no, answer_yes, view_of_place
from intake.waiting.return_plan import start_plan
from intake.waiting.rules import Answer
from intake.waiting.upkeep import RETRY_AFTER, remind_and_close
from tests.intake.enquiries import give_status
from tests.intake.waiting.list_people import deliver, give_up, pause, round_at, waiter, work
from tests.intake.waiting.post_office import PostOffice

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
DAY = timedelta(days=1)
NOTICE, REMINDER = MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER


@pytest.fixture
def notified(server: PostOffice) -> WaitingPlace:
    """Somebody who got the notice of the return."""
    return _notified_place(server)


def _notified_place(server: PostOffice, email: str = "maija@esimerkki.fi") -> WaitingPlace:
    place = waiter(now=NOW - 30 * DAY, email=email)
    _start(NOW)
    round_at(NOW)
    assert server.of(NOTICE)[-1] == email
    place.refresh_from_db()
    return place


def _start(now: datetime) -> None:
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=now)


def _enquiry(place: WaitingPlace) -> Enquiry:
    return Enquiry.objects.get(pk=place.enquiry_id)


def test_silence_leads_to_reminder_then_closing(notified: WaitingPlace, server: PostOffice) -> None:
    version = _enquiry(notified).version
    for day in (1, 13):
        round_at(NOW + day * DAY)
    assert server.of(REMINDER) == []
    round_at(NOW + 14 * DAY)
    assert server.of(REMINDER) == [notified.enquiry.email]
    for day in (15, 27):
        round_at(NOW + day * DAY)
    assert _enquiry(notified).status == Status.WAITING_LIST
    round_at(NOW + 28 * DAY)
    closed = _enquiry(notified)
    assert (closed.status, closed.outcome, closed.closed_at) == (Status.CLOSED, Outcome.NO_RESPONSE, NOW + 28 * DAY)
    assert closed.version == version + 1
    assert [step.kind for step in closed.steps.all()] == [StepKind.NOTIFIED, StepKind.REMINDED, StepKind.STATUS]
    round_at(NOW + 60 * DAY)
    assert len(server.taken) == 2


def _set(place: WaitingPlace, status: Status, now: datetime, outcome: str = "") -> None:
    enquiry = _enquiry(place)
    give_status(enquiry, status, outcome, at=now)


def test_corrected_status_mistake_changes_nothing(notified: WaitingPlace, server: PostOffice) -> None:
    _set(notified, Status.CLOSED, NOW + DAY, Outcome.NOT_RELEVANT)
    _set(notified, Status.WAITING_LIST, NOW + DAY + timedelta(minutes=1))
    assert Answer.YES in view_of_place(notified).answers
    waiter(now=NOW)
    _start(NOW + 2 * DAY)
    for day in (2, 14, 27):
        round_at(NOW + day * DAY)
    assert server.of(NOTICE).count(notified.enquiry.email) == 1
    assert server.of(REMINDER)[0] == notified.enquiry.email
    round_at(NOW + 28 * DAY)
    assert _enquiry(notified).outcome == Outcome.NO_RESPONSE


def test_silent_place_put_back_is_not_closed_again(notified: WaitingPlace, server: PostOffice) -> None:
    for day in (14, 28):
        round_at(NOW + day * DAY)
    assert _enquiry(notified).outcome == Outcome.NO_RESPONSE
    _set(notified, Status.WAITING_LIST, NOW + 28 * DAY + timedelta(minutes=1))
    round_at(NOW + 29 * DAY)
    assert _enquiry(notified).status == Status.WAITING_LIST


def test_no_reminder_or_closing_at_night(notified: WaitingPlace) -> None:
    night = (NOW + 14 * DAY).replace(hour=20)
    assert remind_and_close(now=night) == 0
    assert remind_and_close(now=night + timedelta(hours=13)) == 1


def test_answer_days_count_from_the_sent_notice(server: PostOffice) -> None:
    place = waiter(now=NOW - 30 * DAY)
    _start(NOW)
    work(NOW)
    given_up = give_up(NOW, server)
    for day in (1, 24):
        round_at(given_up + day * DAY)
    assert server.taken == []
    assert _enquiry(place).status == Status.WAITING_LIST
    # The notice is tried again a month later, and the days count from then.
    again = given_up.replace(hour=11) + RETRY_AFTER + DAY
    round_at(again)
    assert server.of(NOTICE) == [place.enquiry.email]
    round_at(again + 13 * DAY)
    assert server.of(REMINDER) == []
    round_at(again + 14 * DAY)
    assert server.of(REMINDER) == [place.enquiry.email]


def test_failed_reminder_closes_nobody(notified: WaitingPlace, server: PostOffice) -> None:
    work(NOW + 14 * DAY)
    given_up = give_up(NOW + 14 * DAY, server)
    round_at(given_up + 25 * DAY)
    assert server.of(REMINDER) == []
    assert _enquiry(notified).status == Status.WAITING_LIST
    again = given_up.replace(hour=11) + RETRY_AFTER + DAY
    round_at(again)
    assert server.of(REMINDER) == [notified.enquiry.email]
    round_at(again + 13 * DAY)
    assert _enquiry(notified).status == Status.WAITING_LIST
    round_at(again + 14 * DAY)
    assert _enquiry(notified).outcome == Outcome.NO_RESPONSE


def test_queued_reminder_is_withdrawn_in_a_pause(notified: WaitingPlace, server: PostOffice) -> None:
    work(NOW + 14 * DAY)
    pause(active=True)
    deliver(NOW + 14 * DAY)
    assert server.of(REMINDER) == []
    assert not OutgoingMail.objects.filter(purpose=REMINDER).exists()
    pause(active=False, ended_on=(NOW + 30 * DAY).date())
    round_at(NOW + 43 * DAY)
    assert server.of(REMINDER) == []
    round_at(NOW + 44 * DAY)
    assert server.of(REMINDER) == [notified.enquiry.email]


def test_no_reminder_in_pause_and_period_restarts(notified: WaitingPlace, server: PostOffice) -> None:
    pause(active=True)
    round_at(NOW + 14 * DAY)
    round_at(NOW + 40 * DAY)
    assert server.of(REMINDER) == []
    pause(active=False, ended_on=(NOW + 41 * DAY).date())
    round_at(NOW + 54 * DAY)
    assert server.of(REMINDER) == []
    round_at(NOW + 55 * DAY)
    assert server.of(REMINDER) == [notified.enquiry.email]


def test_nobody_is_reminded_or_closed_while_full(notified: WaitingPlace, server: PostOffice) -> None:
    round_at(NOW + 14 * DAY)
    assert len(server.of(REMINDER)) == 1
    pause(active=False, full=True)
    round_at(NOW + 28 * DAY)
    round_at(NOW + 90 * DAY)
    # The days to answer start over when there are free times again.
    pause(active=False, full_ended_on=(NOW + 90 * DAY).date())
    round_at(NOW + 103 * DAY)
    assert _enquiry(notified).status == Status.WAITING_LIST
    round_at(NOW + 104 * DAY)
    assert _enquiry(notified).outcome == Outcome.NO_RESPONSE


@pytest.mark.parametrize("answer", [answer_yes, answer_no])
def test_answered_place_is_not_reminded_or_closed(notified: WaitingPlace, server: PostOffice, answer: object) -> None:
    assert callable(answer)
    assert answer(place_id=notified.pk, now=NOW + DAY)
    status = _enquiry(notified).status
    for day in (14, 28):
        round_at(NOW + day * DAY)
    assert server.of(REMINDER) == []
    assert _enquiry(notified).status == status


def test_answer_withdraws_a_queued_reminder(notified: WaitingPlace, server: PostOffice) -> None:
    assert remind_and_close(now=NOW + 14 * DAY) == 1
    Enquiry.objects.filter(pk=notified.enquiry_id).update(status=Status.OFFER_SENT)
    round_at(NOW + 14 * DAY)
    assert server.of(REMINDER) == []
    assert not OutgoingMail.objects.filter(purpose=REMINDER).exists()
    kinds = [step.kind for step in notified.enquiry.steps.all()]
    assert kinds == [StepKind.NOTIFIED, StepKind.REMINDED, StepKind.MAIL_WITHDRAWN]


def test_shared_mailbox_is_reminded_once_and_closed(server: PostOffice) -> None:
    second = waiter(now=NOW - 30 * DAY, email="maija+2@esimerkki.fi")
    by_hand = waiter(now=NOW - 30 * DAY, email="maija@esimerkki.fi", wants_mail=False)
    first = waiter(now=NOW - 30 * DAY, email="maija@esimerkki.fi")
    _start(NOW)
    for day in (0, 14):
        round_at(NOW + day * DAY)
    assert len(server.of(NOTICE)) == len(server.of(REMINDER)) == 1
    round_at(NOW + 28 * DAY)
    assert {_enquiry(place).outcome for place in (first, second)} == {Outcome.NO_RESPONSE}
    # This one asked for no mail: Kati gets in touch herself.
    assert _enquiry(by_hand).status == Status.WAITING_LIST


def test_reminder_follows_a_reassigned_notice(server: PostOffice) -> None:
    first = _notified_place(server)
    second = waiter(now=NOW - 30 * DAY, email="maija@esimerkki.fi")
    WaitingPlace.objects.filter(pk=second.pk).update(plan=first.plan, notified_at=first.notified_at)
    remove_enquiry(enquiry_id=first.enquiry_id, now=NOW + DAY)
    round_at(NOW + 13 * DAY)
    assert server.of(REMINDER) == []
    round_at(NOW + 14 * DAY)
    round_at(NOW + 28 * DAY)
    assert server.of(REMINDER) == ["maija@esimerkki.fi"]
    assert _enquiry(second).outcome == Outcome.NO_RESPONSE


def test_crash_while_closing_is_retried_next_round(notified: WaitingPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    round_at(NOW + 14 * DAY)

    def fail(**_values: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("intake.enquiry.services.EnquiryStep.objects.create", fail)
        with pytest.raises(MemoryError):
            remind_and_close(now=NOW + 28 * DAY)
    assert _enquiry(notified).status == Status.WAITING_LIST
    assert remind_and_close(now=NOW + 28 * DAY) == 1
    assert _enquiry(notified).outcome == Outcome.NO_RESPONSE


def test_place_put_back_hours_later_is_not_closed(notified: WaitingPlace, server: PostOffice) -> None:
    for day in (14, 27):
        round_at(NOW + day * DAY)
    # On the last day Kati takes the enquiry up, and puts it back on the list hours later.
    _set(notified, Status.IN_REVIEW, NOW + 27 * DAY + timedelta(hours=1))
    _set(notified, Status.WAITING_LIST, NOW + 27 * DAY + timedelta(hours=5))
    round_at(NOW + 28 * DAY)
    assert _enquiry(notified).status == Status.WAITING_LIST
