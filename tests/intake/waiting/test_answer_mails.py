"""Mails to Kati about answers by link: she gets the latest answer, at most one mail a day about a place."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from intake.choices import MailPurpose, Status, StepKind
from intake.mail.models import late
from intake.models import Enquiry, EnquiryStep, OutgoingMail, WaitingPlace
from intake.waiting.return_plan import start_plan
from tests.intake.enquiries import give_status
from tests.intake.waiting.list_people import deliver, give_up, pause, round_at, waiter
from tests.intake.waiting.post_office import Behaviour, Killed, PostOffice
from tests.intake.waiting.visitors import presses, private_address

pytestmark = pytest.mark.usefixtures("contact_page")

NOW = datetime(2027, 8, 2, 10, tzinfo=ZoneInfo("Europe/Helsinki"))
HOUR = timedelta(hours=1)


@pytest.fixture
def notified(server: PostOffice) -> WaitingPlace:
    """A place that was notified of the return at NOW."""
    pause(active=False)
    place = waiter(now=NOW - timedelta(days=60))
    start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)
    round_at(NOW)
    place.refresh_from_db()
    return place


def answers(place: WaitingPlace, *words: str, at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        address = private_address(place.enquiry)
        for word in words:
            assert presses(address, word).status_code == 303
        assert timezone.now() == at


def subjects() -> list[str]:
    """Return the subjects of the mails sent to Kati or queued for her, in order."""
    mails = OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_ANSWER).order_by("pk")
    return [mail.subject.split(":")[0] for mail in mails]


YES, NO = "Yhä kiinnostunut", "Ei odota enää"


def test_undelivered_answer_pairs_queue_no_mail(notified: WaitingPlace) -> None:
    answers(notified, *["yes", "no"] * 2, at=NOW + HOUR)
    assert subjects() == []


def test_last_yes_is_mailed(notified: WaitingPlace, server: PostOffice) -> None:
    answers(notified, *["yes", "no"] * 2, "yes", at=NOW + HOUR)
    assert subjects() == [YES]
    deliver(NOW + HOUR)
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1


def test_alternating_answers_send_one_mail_a_day(notified: WaitingPlace, server: PostOffice) -> None:
    for number in range(3):
        moment = NOW + HOUR + timedelta(minutes=10 * number)
        answers(notified, "yes", at=moment)
        deliver(moment)
        answers(notified, "no", at=moment + timedelta(minutes=5))
        deliver(moment + timedelta(minutes=5))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1
    # Kati is notified of the last answer the next morning.
    assert subjects() == [YES, NO]
    deliver(NOW + timedelta(hours=22))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1
    deliver(NOW + timedelta(hours=23))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 2


@pytest.mark.parametrize(
    "night",
    [
        NOW.replace(day=3, hour=0, minute=1),
        # The next day has 25 hours.
        NOW.replace(month=10, day=30, hour=0, minute=1),
    ],
)
def test_answers_after_midnight_send_one_mail_a_day(
    notified: WaitingPlace, server: PostOffice, night: datetime
) -> None:
    for number in range(4):
        moment = night + timedelta(minutes=5 * number)
        answers(notified, ("yes", "no")[number % 2], at=moment)
        deliver(moment)
    assert subjects() == [YES, NO]
    tomorrow = (night + timedelta(days=1)).replace(hour=9, minute=0)
    deliver(tomorrow - timedelta(minutes=1))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1
    with time_machine.travel(night + HOUR, tick=False):
        assert not any(mail.is_late for mail in OutgoingMail.objects.all())
        assert not OutgoingMail.objects.filter(late(timezone.now())).exists()
    deliver(tomorrow)
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 2


def test_reverted_answer_sends_no_second_mail(notified: WaitingPlace, server: PostOffice) -> None:
    answers(notified, "yes", at=NOW + HOUR)
    deliver(NOW + HOUR)
    answers(notified, "no", "yes", at=NOW + 2 * HOUR)
    deliver(NOW + timedelta(days=3))
    assert subjects() == [YES]
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1


def test_interrupted_mail_is_not_resent_after_a_newer_one(notified: WaitingPlace, server: PostOffice) -> None:
    answers(notified, "yes", at=NOW + HOUR)
    server.behaviour = Behaviour.KILLS_BEFORE
    with pytest.raises(Killed):
        deliver(NOW + HOUR)
    # The mail still counts as being sent.
    answers(notified, "no", at=NOW + HOUR + timedelta(seconds=5))
    assert subjects() == [YES, NO]
    deliver(NOW + 2 * HOUR)
    assert subjects() == [NO]
    deliver(NOW + timedelta(days=1))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1


def test_changed_answers_send_one_mail_each_day(notified: WaitingPlace, server: PostOffice) -> None:
    for day in range(4):
        moment = NOW + HOUR + timedelta(days=day)
        answers(notified, *(["yes", "no", "yes"] if day % 2 == 0 else ["no", "yes", "no"]), at=moment)
        deliver(moment)
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 4


def test_the_history_keeps_each_answer_once_a_day(notified: WaitingPlace) -> None:
    answers(notified, *["yes", "no"] * 2, at=NOW + HOUR)
    answers(notified, "yes", at=NOW + timedelta(days=1))
    steps = EnquiryStep.objects.filter(enquiry=notified.enquiry, kind__startswith="answered").order_by("pk")
    assert list(steps.values_list("kind", flat=True)) == [
        StepKind.ANSWERED_YES,
        StepKind.ANSWERED_NO,
        StepKind.ANSWERED_YES,
    ]


def test_no_without_earlier_yes_sends_no_mail(notified: WaitingPlace) -> None:
    answers(notified, "no", at=NOW + HOUR)
    assert subjects() == []


def test_yes_to_a_new_return_is_mailed_again(notified: WaitingPlace, server: PostOffice) -> None:
    answers(notified, "yes", at=NOW + HOUR)
    deliver(NOW + HOUR)
    later = NOW + timedelta(days=300)
    WaitingPlace.objects.update(notified_at=later)
    notified.enquiry.refresh_from_db()
    notified.enquiry.status = "waiting_list"
    notified.enquiry.save()
    answers(notified, "yes", at=later + HOUR)
    assert subjects() == [YES, YES]


@pytest.fixture
def pair(server: PostOffice) -> tuple[WaitingPlace, WaitingPlace]:
    """Two places of one address, notified of the return."""
    joined = [waiter(now=NOW - timedelta(days=60), email="maija@esimerkki.fi") for _ in range(2)]
    WaitingPlace.objects.update(notified_at=NOW)
    return joined[0], joined[1]


@pytest.mark.parametrize("behaviour", [Behaviour.REFUSES, Behaviour.KILLS_BEFORE])
def test_answer_mail_of_removed_enquiry_moves_to_another(
    pair: tuple[WaitingPlace, WaitingPlace], server: PostOffice, behaviour: Behaviour
) -> None:
    one, two = pair
    answers(one, "yes", at=NOW + HOUR)
    if behaviour is Behaviour.KILLS_BEFORE:
        server.behaviour = behaviour
        with pytest.raises(Killed):
            deliver(NOW + HOUR)
    else:
        give_up(NOW + HOUR, server, behaviour)
    answers(one, "remove", at=NOW + timedelta(days=9))
    mail = OutgoingMail.objects.get(purpose=MailPurpose.WAITING_ANSWER)
    assert mail.subject == f"{YES}: {two.enquiry.reference}"
    assert one.enquiry.reference not in mail.subject + mail.text + mail.html
    assert "2.8.2027" in mail.text
    deliver(NOW + timedelta(days=9))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 1


@pytest.mark.parametrize("first", ["no", "remove"])
def test_no_is_mailed_after_enquiry_of_yes_was_removed(
    pair: tuple[WaitingPlace, WaitingPlace], server: PostOffice, first: str
) -> None:
    one, two = pair
    answers(one, "yes", at=NOW + HOUR)
    deliver(NOW + HOUR)
    for word in (first, "remove" if first == "no" else "no"):
        answers(one if word == "remove" or first == "no" else two, word, at=NOW + 2 * HOUR)
    assert subjects() == [YES, NO]
    deliver(NOW + timedelta(days=2))
    assert len(server.of(MailPurpose.WAITING_ANSWER)) == 2
    assert not OutgoingMail.objects.filter(text__contains=one.enquiry.reference).exists()


def test_answer_mail_is_removed_with_its_last_place(
    pair: tuple[WaitingPlace, WaitingPlace], server: PostOffice
) -> None:
    """The other place has given no answer."""
    one, two = pair
    Enquiry.objects.filter(pk=two.enquiry_id).update(status=Status.IN_REVIEW)
    answers(one, "yes", at=NOW + HOUR)
    answers(one, "remove", at=NOW + 2 * HOUR)
    assert subjects() == []


def test_older_answer_is_not_mailed_after_a_newer_one(
    pair: tuple[WaitingPlace, WaitingPlace], server: PostOffice
) -> None:
    """A NO about the first is being sent when Kati takes up the first enquiry, and the second answers YES."""
    one, two = pair
    answers(one, "yes", at=NOW + HOUR)
    deliver(NOW + HOUR)
    answers(one, "no", at=NOW + 2 * HOUR)
    tomorrow = NOW + timedelta(days=1)
    server.behaviour = Behaviour.KILLS_BEFORE
    with pytest.raises(Killed):
        deliver(tomorrow)
    enquiry = Enquiry.objects.get(pk=one.enquiry_id)
    give_status(enquiry, Status.IN_REVIEW, at=tomorrow)
    answers(two, "yes", at=tomorrow + timedelta(seconds=5))
    deliver(tomorrow + timedelta(days=2))
    mailed = [mail.subject for mail in OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_ANSWER).order_by("pk")]
    assert mailed == [f"{YES}: {one.enquiry.reference}", f"{YES}: {two.enquiry.reference}"]
