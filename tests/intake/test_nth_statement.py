"""The database fails at any one statement of receiving, delivering or notifying: nothing is lost or doubled.

The n-th statement fails in the n-th round, until a round has fewer than n statements. BEGIN and COMMIT do not count.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from home.models import HomePage
from intake.choices import MailPurpose, MailState
from intake.mail.delivery import deliver_next
from intake.models import ContactPage, Enquiry, OutgoingMail
from intake.waiting.return_plan import queue_due_return_notices, start_plan
from tests.intake.visiting import ShownForm, Visitor, letter, page_text, token
from tests.intake.waiting.list_people import waiter
from tests.intake.waiting.post_office import PostOffice

NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
# With fewer statements than this, a test would no longer test anything.
FEWEST = 5

pytestmark = pytest.mark.django_db(transaction=True)


class Failing:
    """Fail the n-th statement like a lost database connection, and then set `failed`."""

    def __init__(self, number: int) -> None:
        self.number, self.count, self.failed = number, 0, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.count += 1
        if self.count == self.number:
            self.failed = True
            raise OperationalError("the database has gone away")
        return execute(sql, params, many, context)


def every_failure() -> Iterator[Failing]:
    """Yield a Failing for each statement. The round in which none failed is the last."""
    number = 0
    while True:
        number += 1
        failing = Failing(number)
        yield failing
        if not failing.failed:
            assert number > FEWEST
            return


@pytest.fixture
def visitor(contact_page: ContactPage, settings: Any) -> Visitor:
    settings.FORM_RATE_LIMIT = 1000
    visitor = Visitor()
    visitor.client.raise_request_exception = False
    return visitor


def test_enquiry_is_stored_completely_or_returned(visitor: Visitor) -> None:
    for failing in every_failure():
        words = letter(name=f"Maija {failing.number}", email=f"maija-{failing.number}@esimerkki.fi")
        form = {**words, "form_token": token()}
        with connection.execute_wrapper(failing):
            answer = visitor.sends(form)
        stored = Enquiry.objects.filter(name=words["name"])
        if answer.status_code == 303:
            assert stored.count() == 1
        else:
            assert not stored.exists()
            assert answer.status_code == 503
            if "<form" in answer.content.decode():
                assert ShownForm.of(answer).words == words
            else:
                # The database failed before the page of the form was found.
                shown = page_text(answer)
                for word in (words["name"], words["email"], words["organisation"], "Ryhmä", "tilaa ajatella yhdessä."):
                    assert str(word) in shown
        assert visitor.sends(form).status_code == 303
        assert stored.count() == 1
        assert OutgoingMail.objects.filter(enquiry=stored.get()).count() == 2


def test_mail_is_sent_at_most_once_more(visitor: Visitor, server: PostOffice) -> None:
    for failing in every_failure():
        server.taken.clear()
        assert visitor.sends(letter(email=f"maija-{failing.number}@esimerkki.fi")).status_code == 303
        mails = set(OutgoingMail.objects.exclude(state=MailState.SENT).values_list("message_id", flat=True))
        moment = timezone.now()
        with time_machine.travel(moment, tick=False):
            try:
                with connection.execute_wrapper(failing):
                    while deliver_next(now=moment):
                        pass
            except OperationalError:
                # The runner of the worker catches this error and retries.
                pass
        # By then an abandoned claim has expired.
        for minutes in (15, 45):
            later = moment + timedelta(minutes=minutes)
            with time_machine.travel(later, tick=False):
                while deliver_next(now=later):
                    pass
        taken = [message_id for _purpose, _key, _recipient, message_id in server.taken]
        assert set(taken) == mails
        assert len(taken) <= len(mails) + 1
        assert not OutgoingMail.objects.exclude(state=MailState.SENT).exists()


def test_return_notice_is_queued_once_for_each(contact_page: ContactPage) -> None:
    for failing in every_failure():
        people = [waiter(now=NOW - timedelta(days=40)) for _person in range(2)]
        notices = OutgoingMail.objects.filter(
            purpose=MailPurpose.RETURN_NOTICE, enquiry__in=[place.enquiry_id for place in people]
        )
        with time_machine.travel(NOW, tick=False):
            plan = start_plan(per_day=5, first_form="", greeting="", answer_days=14, by=None, now=NOW)
            try:
                with connection.execute_wrapper(failing):
                    queue_due_return_notices(now=NOW)
            except OperationalError:
                pass
            assert notices.count() in (0, 2)
            queue_due_return_notices(now=NOW)
        assert sorted(notices.values_list("enquiry_id", flat=True)) == sorted(place.enquiry_id for place in people)
        type(plan).objects.all().delete()
        Enquiry.objects.all().delete()
    assert HomePage.objects.exists()
