"""A mail is sent to the current address, not to the address when it was queued."""

import pytest

from home.models import ContactDetails
from intake.choices import MailPurpose, MailState
from intake.mail.delivery import requeue
from intake.mail.queue import handling_of
from intake.models import ContactPage, Enquiry, IntakeSettings, OutgoingMail
from tests.intake.enquiries import received
from tests.intake.mail.delivering import START, deliver_due
from tests.intake.waiting.list_people import give_up
from tests.intake.waiting.post_office import PostOffice
from tests.tools.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db


def _notify(recipient: str) -> None:
    settings = IntakeSettings.load()
    settings.notification_email = recipient
    settings.save()


def test_resent_notification_goes_to_current_address(server: PostOffice) -> None:
    _notify("kati@aijuuu.fi")
    enquiry = received(now=START)
    later = give_up(START, server)
    _notify("kati@aijuu.fi")
    notice = enquiry.mails.get(purpose=MailPurpose.NOTIFICATION)
    assert notice.state == MailState.FAILED
    assert requeue(mail=notice, now=later)
    deliver_due(later)
    assert server.of(MailPurpose.NOTIFICATION) == ["kati@aijuu.fi"]
    notice.refresh_from_db()
    assert notice.recipient == "kati@aijuu.fi"


def test_queued_notification_goes_to_current_address(server: PostOffice) -> None:
    """Without resending by hand: the address is looked up before each attempt."""
    _notify("kati@aijuuu.fi")
    received(now=START)
    _notify("kati@aijuu.fi")
    deliver_due(START)
    assert server.of(MailPurpose.NOTIFICATION) == ["kati@aijuu.fi"]


@pytest.mark.usefixtures("contact_page")
def test_notification_falls_back_to_contact_email(server: PostOffice) -> None:
    _notify("kati@aijuuu.fi")
    received(now=START)
    _notify("")
    deliver_due(START)
    assert server.of(MailPurpose.NOTIFICATION) == ["kati.levola@aijuu.fi"]


def test_confirmation_goes_to_corrected_addresses(contact_page: ContactPage, smtp: SmtpServer) -> None:
    enquiry = received(now=START, email="maija@esimerki.fi")
    enquiry.mails.filter(purpose=MailPurpose.NOTIFICATION).delete()
    Enquiry.objects.filter(pk=enquiry.pk).update(email="maija@esimerkki.fi")
    details = ContactDetails.load()
    details.email = "uusi.kati@aijuu.fi"
    details.save()
    deliver_due(START)
    (message,) = smtp.messages
    assert (message["To"], message["Reply-To"]) == ("maija@esimerkki.fi", "uusi.kati@aijuu.fi")


@pytest.mark.parametrize("purpose", MailPurpose.values)
def test_every_mail_purpose_has_a_handling(purpose: str) -> None:
    assert callable(handling_of(OutgoingMail(purpose=purpose)).addresses)
