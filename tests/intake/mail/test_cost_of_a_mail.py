"""The cost of delivering one mail: statements, transactions and connections. No times are measured."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from intake.choices import MailPurpose
from intake.mail.delivery import MailServer, deliver_due, deliver_next
from intake.models import MailAttempt, OutgoingMail
from tests.intake.enquiries import received
from tests.tools.smtp_server import SmtpServer


@pytest.mark.django_db
def test_many_mails_use_one_connection(smtp: SmtpServer) -> None:
    for _ in range(5):
        received()
    peers = smtp.peers
    assert deliver_due() == 10
    assert len(smtp.messages) == 10
    assert len(set(smtp.peers) - set(peers)) == 1


@pytest.mark.django_db
def test_statements_of_one_mail_are_few(smtp: SmtpServer) -> None:
    received()
    OutgoingMail.objects.exclude(purpose=MailPurpose.NOTIFICATION).delete()
    with MailServer() as server, CaptureQueriesContext(connection) as captured:
        assert deliver_next(now=timezone.now(), server=server)
    statements = [
        query["sql"].split(" FROM ")[-1].split(" WHERE ")[0] if query["sql"].startswith("SELECT") else query["sql"]
        for query in captured
        if "SAVEPOINT" not in query["sql"] and "advisory" not in query["sql"]
    ]
    kinds = [statement.split()[0] for statement in statements]
    # Finding the next mail and claiming it; reading enquiry, mail and current recipient; recording the success.
    assert len(statements) == 8, statements
    assert kinds.count("UPDATE") == 2
    assert kinds.count("INSERT") == 1
    assert MailAttempt.objects.get().succeeded
