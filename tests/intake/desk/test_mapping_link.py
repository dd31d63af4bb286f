"""Mailing the private mapping link again: for which enquiries, one mail a press, and a secret that is not stored."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail as sent_mails
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from intake.choices import MailPurpose, MailState, Status
from intake.enquiry.services import change_status
from intake.mail.delivery import deliver_next
from intake.mapping.links import find_link
from intake.mapping.mails import MAPPING_LINK
from intake.mapping.models import InitialMapping, expiry
from intake.mapping.page import MappingPage
from intake.models import Enquiry, EnquiryStep, OutgoingMail
from tests.intake.desk.mappings import sent_after, sent_alone, under_way
from tests.intake.desk.pages import address, suspicious, words
from tests.intake.enquiries import received
from tests.intake.mapping.mailed_links import mail_link_for_enquiry

BUTTON = "Lähetä linkki alkukartoitukseen"

pytestmark = pytest.mark.usefixtures("loaded_site")


def press(client: Client, enquiry: Enquiry, version: int | None = None) -> Any:
    return client.post(address("link", enquiry), {"version": enquiry.version if version is None else version})


def link_mails(enquiry: Enquiry) -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(enquiry=enquiry, purpose=MailPurpose.MAPPING_LINK))


def delivered() -> list[Any]:
    """Deliver all due mails and return the sent messages."""
    sent_mails.outbox.clear()
    while deliver_next(now=timezone.now()):
        pass
    return list(sent_mails.outbox)


def secret_in(text: str) -> str:
    found = re.search(r"/jatka/([\w-]+)/", text)
    assert found, text
    return found[1]


def test_mapping_link_mail_works_and_quotes_nothing(kati: Client, enquiry: Enquiry) -> None:
    assert BUTTON in words(kati.get(address("inspect", enquiry)))
    delivered()
    assert press(kati, enquiry).status_code == 302
    [mail] = link_mails(enquiry)
    assert MAPPING_LINK.placeholder in mail.text
    [message] = delivered()
    assert message.to == [enquiry.email]
    assert message.reply_to == ["kati.levola@aijuu.fi"]
    secret = secret_in(message.body)
    assert secret != MAPPING_LINK.placeholder
    assert secret_in(message.alternatives[0][0]) == secret
    assert "Salaisuus" not in message.body + message.alternatives[0][0]
    found = find_link(secret, now=timezone.now())
    assert found is not None
    assert found.mapping.enquiry == enquiry
    mail.refresh_from_db()
    assert (mail.state, secret in mail.text + mail.html) == (MailState.SENT, False)
    assert Client().get(f"/jatka/{secret}/", follow=True).status_code == 200
    assert "Linkki alkukartoitukseen laitettiin lähtemään – Kati Levola" in words(kati.get(address("inspect", enquiry)))


def test_link_button_pressed_twice_sends_one_mail(kati: Client, enquiry: Enquiry) -> None:
    delivered()
    assert press(kati, enquiry).status_code == 302
    assert press(kati, enquiry).status_code == 409
    enquiry.refresh_from_db()
    assert "Linkki on jo lähdössä." in words(kati.post(address("link", enquiry), {"version": 2}, follow=True))
    assert len(delivered()) == 1
    assert EnquiryStep.objects.filter(kind="link_sent").count() == 1


def test_mapping_link_can_be_mailed_again(kati: Client, enquiry: Enquiry) -> None:
    delivered()
    press(kati, enquiry, 1)
    [first] = delivered()
    press(kati, enquiry, 2)
    [second] = delivered()
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]
    for message in (first, second):
        assert find_link(secret_in(message.body), now=timezone.now()) is not None
    assert len(link_mails(enquiry)) == 1
    assert InitialMapping.objects.count() == 1


def test_mapping_link_only_for_eligible_enquiries(kati: Client, enquiry: Enquiry) -> None:
    answered, expired = received(), received()
    sent_after(answered)
    under_way(expired)
    InitialMapping.objects.filter(enquiry=expired).update(expires_at=timezone.now() - timedelta(minutes=1))
    closed_enquiry = received()
    change_status(
        enquiry_id=closed_enquiry.pk, version=1, status=Status.CLOSED, outcome="spam", by=None, now=timezone.now()
    )
    alone = sent_alone().enquiry
    assert alone is not None
    for other in (answered, expired, closed_enquiry, suspicious(), alone):
        other.refresh_from_db()
        assert BUTTON not in words(kati.get(address("inspect", other)))
        assert press(kati, other).status_code == 302
        assert link_mails(other) == []
    MappingPage.objects.get().unpublish()
    assert BUTTON not in words(kati.get(address("inspect", enquiry)))
    press(kati, enquiry)
    assert link_mails(enquiry) == []


def test_sending_link_needs_change_permission(reader: Client, editor: Client, enquiry: Enquiry) -> None:
    assert BUTTON not in words(reader.get(address("inspect", enquiry)))
    for client in (reader, editor):
        assert press(client, enquiry).status_code == 403
    assert link_mails(enquiry) == []


def test_get_or_invalid_version_sends_no_link(kati: Client, enquiry: Enquiry) -> None:
    page = kati.get(address("link", enquiry))
    assert page.status_code == 200
    assert "pirkko.salaisuus@esimerkki.fi" in words(page)
    for version in ("", "x", "-1", "9" * 40):
        assert kati.post(address("link", enquiry), {"version": version}).status_code == 409
    assert link_mails(enquiry) == []


NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(("is_begun", "day"), [(False, "22.12.2026"), (True, "2.12.2026")])
def test_link_mail_states_expiry_date(kati: Client, is_begun: bool, day: str) -> None:
    enquiry = received(now=NOW - timedelta(days=20))
    if is_begun:
        under_way(enquiry, now=NOW - timedelta(days=20))
    else:
        mail_link_for_enquiry(enquiry=enquiry, now=NOW - timedelta(days=20))
    with time_machine.travel(NOW, tick=False):
        kati.force_login(User.objects.get(email="kati@example.fi"))
        press(kati, enquiry)
        message = delivered()[-1]
    assert f"Viimeinen päivä, jona se toimii, on {day}." in message.body
    secret = secret_in(message.body)
    day_after = expiry(NOW - timedelta(days=20) if is_begun else NOW)
    assert find_link(secret, now=day_after - timedelta(minutes=1)) is not None
    assert find_link(secret, now=day_after + timedelta(minutes=1)) is None
