"""Jobs that scan the waiting list read times and keys, but not the messages and mails of everybody on it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from intake.choices import MailPurpose, MailState
from intake.models import ReturnPlan, WaitingPlace
from intake.waiting.upkeep import ask_or_remove_silent_waiters, remind_and_close
from tests.intake.mail.stored import queued
from tests.intake.waiting.list_people import pause, waiter

pytestmark = pytest.mark.django_db
START = datetime(2027, 1, 4, 12, tzinfo=ZoneInfo("Europe/Helsinki"))
WORDS = [f'"{table}"."{column}"' for table, column in [("intake_enquiry", "message"), ("intake_outgoingmail", "text")]]


def many_waiters() -> None:
    """Fill the waiting list with people who need no mail yet: each got a notice or a question some days ago."""
    pause(active=False)
    plan = ReturnPlan.objects.create(created_at=START)
    for number in range(10):
        place = waiter(now=START - timedelta(days=200))
        mail = queued(
            enquiry_id=place.enquiry_id,
            purpose=MailPurpose.RETURN_NOTICE if number % 2 else MailPurpose.STILL_WAITING,
            deduplication_key=str(plan.pk),
            recipient=place.enquiry.email,
            now=START,
        )
        mail.state, mail.sent_at = MailState.SENT, START
        mail.save()
        if number % 2:
            WaitingPlace.objects.filter(pk=place.pk).update(notified_at=START, plan=plan)


@pytest.mark.parametrize("job", [ask_or_remove_silent_waiters, remind_and_close])
def test_jobs_read_no_messages_or_mails(job: Callable[..., int]) -> None:
    many_waiters()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert job(now=START + timedelta(days=1)) == 0
    assert len(queries) > 1
    assert not [sql for query in queries for sql in WORDS if sql in query["sql"]]
