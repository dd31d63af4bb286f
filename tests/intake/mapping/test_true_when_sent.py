"""Mails that waited for the mail server are brought up to date when they are sent, or are withdrawn."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from home.models import ContactDetails
from intake.choices import MailState, Outcome, Status, Verdict
from intake.desk.actions import send_mapping_link
from intake.mail.delivery import requeue
from intake.mail.queue import fill_in_links
from intake.mapping.mails import MAPPING_LINK
from intake.models import Enquiry, InitialMapping, MappingPage, OutgoingMail
from tests.intake.desk.pages import address, words
from tests.intake.enquiries import give_status, received
from tests.intake.waiting.list_people import deliver, give_up, pause
from tests.intake.waiting.post_office import Behaviour, PostOffice

pytestmark = pytest.mark.usefixtures("mapping_page")
NOW = datetime(2026, 11, 26, 10, tzinfo=ZoneInfo("Europe/Helsinki"))
LATER = NOW + timedelta(hours=2)


def invited(server: PostOffice) -> Enquiry:
    """Return an enquiry whose link mail waits for the mail server."""
    enquiry = received(now=NOW)
    deliver(NOW)
    server.taken.clear()
    server.behaviour = Behaviour.AWAY
    with time_machine.travel(NOW, tick=False):
        send_mapping_link(enquiry_id=enquiry.pk, version=enquiry.version, by=None, now=timezone.now())
    enquiry.refresh_from_db()
    return enquiry


def close(enquiry: Enquiry, outcome: Outcome = Outcome.SUPERVISOR_DECLINED) -> None:
    give_status(enquiry, Status.CLOSED, outcome, at=NOW)


def send_mapping(enquiry: Enquiry) -> None:
    InitialMapping.objects.filter(enquiry=enquiry).update(sent_at=NOW, started_at=NOW)


def unpublish(_enquiry: Enquiry) -> None:
    MappingPage.objects.update(live=False)


def quarantine(enquiry: Enquiry) -> None:
    Enquiry.objects.filter(pk=enquiry.pk).update(verdict=Verdict.QUARANTINED)


@pytest.mark.parametrize("change", [close, quarantine, send_mapping, unpublish])
def test_outdated_mapping_link_mail_is_withdrawn(
    server: PostOffice, kati: Client, change: Callable[[Enquiry], None]
) -> None:
    enquiry = invited(server)
    change(enquiry)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    assert server.of("mapping_link") == []
    assert not OutgoingMail.objects.filter(purpose="mapping_link").exists()
    assert "Linkki alkukartoitukseen otettiin takaisin" in words(kati.get(address("inspect", enquiry)))


def test_valid_mapping_link_mail_is_sent(server: PostOffice) -> None:
    invited(server)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    assert len(server.of("mapping_link")) == 1


def test_resent_link_names_the_current_last_day(server: PostOffice) -> None:
    enquiry = invited(server)
    give_up(NOW + timedelta(minutes=6), server)
    mail = OutgoingMail.objects.get(purpose="mapping_link")
    assert mail.state == MailState.FAILED
    later = NOW + timedelta(days=40)
    requeue(mail=mail, now=later)
    deliver(later)
    mail.refresh_from_db()
    assert mail.state == MailState.SENT
    assert InitialMapping.objects.get(enquiry=enquiry).expires_at > later
    assert MAPPING_LINK.last_day in mail.text
    fill_in_links(mail, later)
    for text in (mail.text, mail.html):
        assert "Viimeinen päivä, jona se toimii, on 4.2.2027." in text.replace("\xa0", " ").replace("&nbsp;", " ")


def test_link_to_expired_mapping_begins_a_new_one(server: PostOffice) -> None:
    enquiry = invited(server)
    expired = InitialMapping.objects.get(enquiry=enquiry)
    begun = {"started_at": NOW - timedelta(days=30), "begun_by_mail": True, "expires_at": NOW + timedelta(hours=1)}
    InitialMapping.objects.update(**begun)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    assert len(server.of("mapping_link")) == 1
    mapping = InitialMapping.objects.get(enquiry=enquiry)
    assert mapping.pk != expired.pk
    assert mapping.started_at is None
    assert mapping.expires_at > LATER + timedelta(days=29)


def test_confirmation_of_spam_is_withdrawn(server: PostOffice, kati: Client) -> None:
    server.behaviour = Behaviour.AWAY
    enquiry = received(now=NOW)
    close(enquiry, Outcome.SPAM)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    assert server.of("confirmation") == []
    page = words(kati.get(address("inspect", enquiry)))
    assert "se otettiin takaisin ennen kuin se lähti, koska yhteydenotto merkittiin roskapostiksi" in page


def test_unchanged_confirmation_is_sent_as_queued(server: PostOffice) -> None:
    received(now=NOW)
    queued = OutgoingMail.objects.get(purpose="confirmation")
    deliver(LATER)
    sent = OutgoingMail.objects.get(purpose="confirmation")
    assert sent.state == MailState.SENT
    assert (sent.text, sent.html, sent.message_id) == (queued.text, queued.html, queued.message_id)


def test_confirmation_states_current_pause_and_response_time(server: PostOffice) -> None:
    details = ContactDetails.load()
    details.response_time = "Kahden arkipäivän kuluessa"
    details.save()
    pause(active=False)
    server.behaviour = Behaviour.AWAY
    received(now=NOW)
    deliver(NOW)
    queued = OutgoingMail.objects.get(purpose="confirmation")
    assert MAPPING_LINK.placeholder in queued.text
    pause(active=True, form_mode="waiting_list")
    details.response_time = "Viikon kuluessa"
    details.save()
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    [_message] = server.of("confirmation")
    sent = OutgoingMail.objects.get(purpose="confirmation")
    for text in (sent.text, sent.html):
        plain = text.replace("\xa0", " ").replace("&nbsp;", " ")
        assert "kahden arkipäivän kuluessa" not in plain
        assert "viikon kuluessa" in plain
        assert "tauolla" in plain
        assert MAPPING_LINK.placeholder not in plain
    assert sent.message_id == queued.message_id
    assert not InitialMapping.objects.exists()


def test_confirmation_queued_in_pause_gets_no_link(server: PostOffice) -> None:
    pause(active=True, form_mode="waiting_list")
    server.behaviour = Behaviour.AWAY
    received(now=NOW)
    pause(active=False)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    [_message] = server.of("confirmation")
    assert MAPPING_LINK.placeholder not in OutgoingMail.objects.get(purpose="confirmation").text


@pytest.mark.parametrize("change", [close, send_mapping, unpublish])
def test_confirmation_omits_link_to_ended_mapping(server: PostOffice, change: Callable[[Enquiry], None]) -> None:
    server.behaviour = Behaviour.AWAY
    enquiry = received(now=NOW)
    InitialMapping.objects.create(
        enquiry=enquiry, submission_id=enquiry.submission_id, created_at=NOW, expires_at=NOW + timedelta(days=30)
    )
    change(enquiry)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    [_message] = server.of("confirmation")
    assert MAPPING_LINK.placeholder not in OutgoingMail.objects.get(purpose="confirmation").text


def reopen(enquiry: Enquiry) -> None:
    enquiry.refresh_from_db()
    give_status(enquiry, Status.NEW, at=LATER)


def begin_pause(_enquiry: Enquiry) -> None:
    pause(active=True, form_mode="waiting_list")


def end_pause(_enquiry: Enquiry) -> None:
    pause(active=False)


@pytest.mark.parametrize(("change", "undo"), [(begin_pause, end_pause), (close, reopen)])
def test_retried_confirmation_keeps_its_promised_link(
    server: PostOffice, change: Callable[[Enquiry], None], undo: Callable[[Enquiry], None]
) -> None:
    pause(active=False)
    server.behaviour = Behaviour.REFUSES
    enquiry = received(now=NOW)
    mails = OutgoingMail.objects.filter(purpose="confirmation")
    queued = mails.values("text", "html").get()
    change(enquiry)
    deliver(NOW)
    assert mails.values("text", "html").get() == queued
    assert not InitialMapping.objects.exists()
    undo(enquiry)
    server.behaviour = Behaviour.TAKES
    deliver(LATER)
    sent = mails.get()
    assert sent.state == MailState.SENT
    assert {"text": sent.text, "html": sent.html} == queued
    assert MAPPING_LINK.placeholder in sent.text
    assert InitialMapping.objects.get().links.count() == 1
