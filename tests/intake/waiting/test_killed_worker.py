"""A worker that is killed again and again while it tells forty people: nobody is skipped, nobody gets two mails."""

import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from intake.choices import MailPurpose, MailState, PlanState
from intake.models import MailAttempt, OutgoingMail, ReturnPlan
from intake.waiting.return_plan import start_plan
from tests.intake.mail.worker_process import worker_process
from tests.intake.waiting.list_people import waiter
from tests.tools.smtp_server import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
FORTY = 40
ON_ITS_WAY = OutgoingMail.objects.filter(state__in=(MailState.QUEUED, MailState.SENDING))


def _until_all_is_done(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while ON_ITS_WAY.all().exists() or not OutgoingMail.objects.exists():
        assert time.monotonic() < deadline, f"{ON_ITS_WAY.all().count()} mails are still on their way"
        time.sleep(0.1)


def test_forty_are_told_however_often_the_worker_dies(smtp: SmtpServer, tmp_path: Path) -> None:
    places = [waiter(now=NOW - timedelta(days=30)) for _ in range(FORTY)]
    start_plan(per_day=FORTY, first_form="", greeting="", answer_days=14, by=None, now=NOW)

    # In the midst of the row: wherever it is when the kill comes.
    with worker_process(smtp, tmp_path, at=NOW) as worker:
        smtp.wait_for(5, seconds=60)
        worker.kill()
        worker.wait(10)
    # While the server has the mail and has not said so.
    with worker_process(smtp, tmp_path, at=NOW) as worker:
        smtp.wait_for(15, seconds=60)
        smtp.behaviour = Behaviour.HANG
        begun = len(smtp.messages)
        smtp.wait_for_attempts(begun + 1, seconds=60)
        time.sleep(0.2)
        worker.kill()
        worker.wait(10)
    smtp.behaviour = Behaviour.ACCEPT
    # What a killed worker had in its hands is looked at after ten minutes; here they pass at once.
    with worker_process(smtp, tmp_path, at=NOW + timedelta(minutes=15)):
        _until_all_is_done(60)

    names = {place.enquiry.email for place in places}
    got = Counter(str(message["To"]) for message in smtp.messages)
    assert set(got) == names
    # Each is one message to a mail program, however often it came.
    assert len({str(message["Message-ID"]) for message in smtp.messages}) == FORTY
    # The server had been given one mail when the second worker died, and at most one when the first did.
    assert sum(got.values()) - FORTY <= 2
    mails = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE)
    assert set(mails.values_list("state", flat=True)) == {MailState.SENT}
    assert mails.count() == FORTY
    interrupted = MailAttempt.objects.filter(succeeded=False)
    assert 1 <= interrupted.count() <= 2
    assert set(interrupted.values_list("error", flat=True)) == {"interrupted"}
    plan = ReturnPlan.objects.get()
    assert (plan.state, plan.notified) == (PlanState.FINISHED, FORTY)
