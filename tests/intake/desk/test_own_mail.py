"""A reminder to Kati that could not be sent: the dashboard shows it, and a button sends it again."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from intake.choices import MailPurpose, MailState
from intake.models import IntakeSettings, OutgoingMail
from intake.periodic_jobs import remind_of_pause
from tests.intake.desk.pages import address, words
from tests.intake.enquiries import received
from tests.intake.mail.stored import queued
from tests.intake.waiting.list_people import deliver, give_up, pause
from tests.intake.waiting.post_office import PostOffice

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
NOTICE = "Sinulle tarkoitettu viesti ei ole lähtenyt: Tauko: ilmoitettu päivä 5.3.2027 lähestyy"


@pytest.fixture
def failed(server: PostOffice) -> OutgoingMail:
    """A reminder that the server refused until the last retry."""
    pause(active=True, returns_on=date(2027, 3, 5))
    remind_of_pause(now=NOW)
    give_up(NOW, server)
    return OutgoingMail.objects.get(purpose=MailPurpose.PAUSE_REMINDER, state=MailState.FAILED)


def test_a_failed_reminder_is_shown(kati: Client, failed: OutgoingMail) -> None:
    dashboard = words(kati.get("/admin/"))
    assert NOTICE in dashboard
    assert "Sähköpostipalvelin ei ottanut viestiä vastaan (koodi 451)." in dashboard


def test_sent_reminder_is_not_on_dashboard(kati: Client, server: PostOffice) -> None:
    pause(active=True, returns_on=date(2027, 3, 5))
    remind_of_pause(now=NOW)
    deliver(NOW)
    assert "Sinulle tarkoitettu" not in words(kati.get("/admin/"))


def test_button_sends_failed_reminder_again(kati: Client, failed: OutgoingMail, server: PostOffice) -> None:
    again = kati.post(f"/admin/viestit/{failed.pk}/uudelleen/", follow=True)
    assert "Viesti lähetetään uudelleen." in words(again)
    deliver(datetime(2027, 3, 4, 10, 1, tzinfo=NOW.tzinfo))
    assert len(server.of(MailPurpose.PAUSE_REMINDER)) == 1
    for gone in (failed.pk, 999_999_999):
        late = kati.post(f"/admin/viestit/{gone}/uudelleen/", follow=True)
        assert "Viesti on jo lähetetty" in words(late)
    deliver(datetime(2027, 3, 4, 10, 2, tzinfo=NOW.tzinfo))
    assert len(server.of(MailPurpose.PAUSE_REMINDER)) == 1
    assert kati.get(f"/admin/viestit/{failed.pk}/uudelleen/").status_code == 405


@pytest.mark.parametrize("purpose", [MailPurpose.ACCOUNT_CHANGED, MailPurpose.PASSWORD_RESET])
def test_a_failed_mail_of_an_account_is_shown(kati: Client, purpose: MailPurpose) -> None:
    mail = queued(
        purpose=purpose,
        deduplication_key="1:1",
        recipient="sisko@esimerkki.fi",
        subject="Käyttäjätiliäsi muutettiin",
        now=NOW,
    )
    OutgoingMail.objects.update(state=MailState.FAILED, next_attempt_at=None)
    dashboard = words(kati.get("/admin/"))
    assert "Käyttäjätiliä koskeva viesti (1.3.2027 klo 10.00) ei ole lähtenyt: Käyttäjätiliäsi muutettiin" in dashboard
    assert "sisko@" not in dashboard
    assert "Viesti lähetetään uudelleen." in words(kati.post(f"/admin/viestit/{mail.pk}/uudelleen/", follow=True))
    mail.refresh_from_db()
    assert mail.state == MailState.QUEUED


def test_resending_needs_change_permission(reader: Client, failed: OutgoingMail) -> None:
    page = reader.get("/admin/")
    assert NOTICE in words(page)
    assert "/uudelleen/" not in page.content.decode()
    assert reader.post(f"/admin/viestit/{failed.pk}/uudelleen/").status_code == 403


def test_resending_notification_uses_the_new_address(kati: Client, server: PostOffice) -> None:
    chosen = IntakeSettings.load()
    chosen.notification_email = "kati@aijuuu.fi"
    chosen.save()
    enquiry = received(now=NOW)
    OutgoingMail.objects.update(state=MailState.FAILED, next_attempt_at=None)
    chosen.notification_email = "kati@aijuu.fi"
    chosen.save()
    mail = enquiry.mails.get(purpose=MailPurpose.NOTIFICATION)
    assert kati.post(address("mail", enquiry, mail.pk)).status_code == 302
    mail.refresh_from_db()
    assert mail.next_attempt_at is not None
    deliver(mail.next_attempt_at)
    assert server.of(MailPurpose.NOTIFICATION) == ["kati@aijuu.fi"]
