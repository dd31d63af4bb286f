"""Concurrent posts, each in a thread with its own connection and real transactions."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from intake.choices import Outcome, Status
from intake.models import Enquiry, OutgoingMail, PostingTrace
from tests.intake.enquiries import give_status
from tests.intake.visiting import Visitor, letter, token

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 10


def at_once(count: int, job: Callable[[int], Any]) -> list[Any]:
    """Run job(0), job(1), … in threads that begin together, and return their results. An exception is raised again."""
    start = threading.Barrier(count)
    answers: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            start.wait(20)
            answers[number] = job(number)
        except BaseException as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


@pytest.fixture(autouse=True)
def opened(visitor: Visitor) -> None:
    visitor.opens()


def test_parallel_posts_of_one_form_are_one_enquiry() -> None:
    words = letter(form_token=token())

    answers = at_once(MANY, lambda _number: Visitor().sends(words))

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer["Location"] for answer in answers}) == 1
    enquiry = Enquiry.objects.get()
    assert answers[0]["Location"] == f"/ota-yhteytta/kiitos/{enquiry.receipt}/"
    assert Counter(OutgoingMail.objects.values_list("purpose", flat=True)) == {"notification": 1, "confirmation": 1}
    assert PostingTrace.objects.count() == 1


def test_parallel_forms_with_one_text_are_one_enquiry(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = MANY
    tokens = [token() for _ in range(MANY)]

    answers = at_once(MANY, lambda number: Visitor().sends(letter(form_token=tokens[number])))

    assert len(set(tokens)) == MANY
    assert {answer.status_code for answer in answers} == {303}
    # The others learn the reference, and nothing that only the first sender may do.
    assert sorted(Counter(answer["Location"] for answer in answers).values()) == [1, MANY - 1]
    assert Enquiry.objects.count() == 1
    assert Counter(OutgoingMail.objects.values_list("purpose", flat=True)) == {"notification": 1, "confirmation": 1}


def test_parallel_repeats_of_closed_enquiry_are_one_enquiry(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = MANY + 1
    Visitor().sends()
    first = Enquiry.objects.get()
    give_status(first, Status.CLOSED, Outcome.NO_RESPONSE)

    answers = at_once(MANY, lambda _number: Visitor().sends())

    assert {answer.status_code for answer in answers} == {303}
    # The others learn the reference, and nothing that only the first sender may do.
    assert sorted(Counter(answer["Location"] for answer in answers).values()) == [1, MANY - 1]
    assert Enquiry.objects.count() == 2


def test_parallel_posts_respect_the_rate_limit_exactly(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 7
    answers = at_once(MANY, lambda number: Visitor().sends(letter(message=f"Viesti {number}")))
    assert Counter(answer.status_code for answer in answers) == {303: 7, 429: MANY - 7}
    assert Enquiry.objects.count() == 7
    assert len(set(Enquiry.objects.values_list("message", flat=True))) == 7


def test_parallel_posts_send_one_confirmation_a_mailbox(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = MANY
    answers = at_once(MANY, lambda number: Visitor(f"203.0.113.{number}").sends(letter(message=f"Viesti {number}")))
    assert {answer.status_code for answer in answers} == {303}
    assert Enquiry.objects.count() == MANY
    assert len(set(Enquiry.objects.values_list("reference", flat=True))) == MANY
    assert Counter(OutgoingMail.objects.values_list("purpose", flat=True)) == {"notification": MANY, "confirmation": 1}


def test_parallel_distinct_messages_are_all_stored(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = MANY
    opened = token()
    answers = at_once(MANY, lambda number: Visitor().sends(letter(form_token=opened, message=f"Viesti {number % 4}")))
    assert {answer.status_code for answer in answers} == {303}
    assert sorted(Enquiry.objects.values_list("message", flat=True)) == [f"Viesti {number}" for number in range(4)]
