"""Many who join or answer at the same moment, each in a thread with real transactions of its own."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from intake.choices import Kind, Outcome, Status
from intake.enquiry.models import RemovedEnquiry
from intake.enquiry.services import ChangedMeanwhile, change_status
from intake.models import Enquiry, OutgoingMail
from intake.waiting.models import WaitingPlace
from intake.waiting.private_page import answer_no, answer_stay, answer_yes
from tests.intake.enquiries import received
from tests.intake.enquiry.test_parallel_posts import at_once
from tests.intake.visiting import Visitor, token
from tests.intake.waiting.visitors import joins, presses, private_address, set_pause, wish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("contact_page")]
MANY = 8


def waiter(*, notified: bool = False, **changes: Any) -> Enquiry:
    enquiry = received(kind=Kind.WAITING, wants_mail=True, **changes)
    if notified:
        WaitingPlace.objects.filter(enquiry=enquiry).update(notified_at=timezone.now())
    return enquiry


def test_parallel_joinings_get_consecutive_ranks() -> None:
    set_pause()
    joins(Visitor("198.51.100.1"), wish(email="eka@esimerkki.fi"))
    words = [wish(email=f"maija{number}@esimerkki.fi", form_token=token()) for number in range(MANY)]

    answers = at_once(MANY, lambda number: joins(Visitor(f"198.51.100.{number + 9}"), words[number]))

    assert {answer.status_code for answer in answers} == {303}
    assert list(WaitingPlace.objects.values_list("rank", flat=True)) == list(range(1, MANY + 2))


def test_parallel_repeats_make_one_waiting_place() -> None:
    set_pause()
    words = wish(form_token=token(), wants_mail="1")
    answers = at_once(MANY, lambda _number: joins(Visitor(), words))
    assert len({answer["Location"] for answer in answers}) == 1
    assert WaitingPlace.objects.count() == Enquiry.objects.count() == 1


def test_parallel_yes_answers_notify_kati_once() -> None:
    enquiry = waiter(notified=True)
    address = private_address(enquiry)
    answers = at_once(MANY, lambda _number: presses(address, "yes"))
    assert {answer.status_code for answer in answers} == {303}
    assert list(enquiry.steps.values_list("kind", flat=True)) == ["answered_yes"]
    assert OutgoingMail.objects.filter(purpose="waiting_answer").count() == 1
    assert Enquiry.objects.get().version == 2


def test_parallel_removals_are_counted_once() -> None:
    address = private_address(waiter())
    answers = Counter(answer.status_code for answer in at_once(MANY, lambda _number: presses(address, "remove")))
    assert set(answers) <= {303, 404}
    assert answers[303] >= 1
    assert not Enquiry.objects.exists()
    assert RemovedEnquiry.objects.get().count == 1


def test_concurrent_answer_and_edit_are_both_kept() -> None:
    for _ in range(3):
        enquiry = waiter(notified=True)
        place = WaitingPlace.objects.get(enquiry=enquiry)

        def job(number: int, enquiry: Enquiry = enquiry, place: WaitingPlace = place) -> str:
            if number:
                answer_yes(place_id=place.pk, now=timezone.now())
                return "yes"
            try:
                change_status(
                    enquiry_id=enquiry.pk,
                    version=1,
                    status=Status.CLOSED,
                    outcome=Outcome.NOT_RELEVANT,
                    by=None,
                    now=timezone.now(),
                )
            except ChangedMeanwhile:
                return "refused"
            return "closed"

        kati, _yes = at_once(2, job)
        enquiry.refresh_from_db()
        steps = list(enquiry.steps.values_list("kind", flat=True))
        if kati == "refused":
            assert (enquiry.status, steps, enquiry.version) == ("new", ["answered_yes"], 2)
        else:
            # Kati's change came first, so it stays.
            assert (enquiry.status, steps, enquiry.version) == ("closed", ["status"], 2)


def test_parallel_answers_of_one_mailbox_do_not_deadlock() -> None:
    first, second = (waiter(email="maija@esimerkki.fi", message=words) for words in ("Eka.", "Toka."))
    places = [WaitingPlace.objects.get(enquiry=one).pk for one in (second, first)]
    jobs = [answer_no, answer_stay]

    at_once(MANY, lambda number: jobs[number // 2 % 2](place_id=places[number % 2], now=timezone.now()))

    assert {enquiry.status for enquiry in Enquiry.objects.all()} <= {"closed", "waiting_list"}
    for enquiry in Enquiry.objects.all():
        # The history keeps each kind of answer once a day; the version grows with each.
        assert enquiry.version > enquiry.steps.count() > 0
