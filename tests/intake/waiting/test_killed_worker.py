"""A worker is killed while it notifies a dozen people: nobody is skipped, nobody gets two different messages."""

import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, MailState, PlanState
from intake.mail.models import CLAIM_LIFETIME
from intake.models import MailAttempt, OutgoingMail, ReturnPlan
from intake.waiting.return_plan import start_plan
from tests.intake.mail.worker_process import worker_process
from tests.intake.waiting.list_people import round_at, waiter
from tests.tools.smtp_server import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
PEOPLE = 12


def test_killed_worker_skips_and_duplicates_nobody(smtp: SmtpServer, tmp_path: Path) -> None:
    places = [waiter(now=NOW - timedelta(days=30)) for _ in range(PEOPLE)]
    start_plan(per_day=PEOPLE, first_form="", greeting="", answer_days=14, by=None, now=NOW)

    # Killed after the server received the mail, and before it confirmed that.
    with worker_process(smtp, tmp_path, at=NOW) as worker:
        smtp.wait_for(5, seconds=60)
        smtp.behaviour = Behaviour.HANG
        begun = len(smtp.messages)
        smtp.wait_for_attempts(begun + 1, seconds=60)
        time.sleep(0.2)
        worker.kill()
        worker.wait(10)
    interrupted = OutgoingMail.objects.get(state=MailState.SENDING)
    assert interrupted.claimed_at is not None
    smtp.behaviour = Behaviour.ACCEPT
    # The other mails are sent at once, the one of the killed worker when its claim has expired.
    round_at(NOW + timedelta(minutes=2))
    assert OutgoingMail.objects.filter(state=MailState.SENDING).get() == interrupted
    round_at(interrupted.claimed_at + CLAIM_LIFETIME + timedelta(minutes=1))

    got = Counter(str(message["To"]) for message in smtp.messages)
    assert set(got) == {place.enquiry.email for place in places}
    # Each mail has one Message-ID, however often it arrived.
    assert len({str(message["Message-ID"]) for message in smtp.messages}) == PEOPLE
    # At most one mail arrived twice: the one that was being sent when the worker was killed.
    assert sum(got.values()) - PEOPLE <= 1
    mails = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE)
    assert set(mails.values_list("state", flat=True)) == {MailState.SENT}
    assert mails.count() == PEOPLE
    assert [attempt.error for attempt in interrupted.attempts.all()] == ["interrupted", ""]
    assert MailAttempt.objects.filter(succeeded=False).count() == 1
    plan = ReturnPlan.objects.get()
    assert (plan.state, plan.notified) == (PlanState.FINISHED, PEOPLE)
