"""Kati sends the link to a waiting-list place again; a page asks her to confirm that."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as sent_mails
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from intake.choices import Kind, MailPurpose, Status
from intake.models import Enquiry, OutgoingMail, WaitingPlace
from intake.waiting.places import find_place, mailable_places
from tests.intake.desk.pages import address, words
from tests.intake.enquiries import give_status, received
from tests.intake.mail.delivering import deliver_due
from tests.intake.visiting import Visitor
from tests.intake.waiting.admin.waiters import WAITING, put_on_list, rows
from tests.intake.waiting.list_people import waiter
from tests.intake.waiting.visitors import joins, set_pause, wish

BUTTON = "Lähetä linkki odotuslistan paikkaan"

pytestmark = pytest.mark.usefixtures("contact_page")


@pytest.fixture
def waiting(db: None) -> Enquiry:
    """An enquiry on the list whose confirmation was sent."""
    enquiry = received(kind=Kind.WAITING, wants_mail=True, name="Maija Odottava", email="maija@esimerkki.fi")
    deliver_due(timezone.now() + timedelta(seconds=1))
    return enquiry


def press(client: Client, enquiry: Enquiry, version: int | None = None) -> Any:
    return client.post(address("waiting-link", enquiry), {"version": enquiry.version if version is None else version})


def link_mails() -> int:
    return OutgoingMail.objects.filter(purpose=MailPurpose.WAITING_LINK).count()


def test_confirmation_page_shows_the_address(kati: Client, waiting: Enquiry) -> None:
    assert BUTTON in words(kati.get(address("inspect", waiting)))
    page = kati.get(address("waiting-link", waiting))
    assert "maija@esimerkki.fi" in words(page)
    assert "Älä lähetä" in words(page)
    assert link_mails() == 0


def test_confirmed_link_is_sent_and_works(kati: Client, waiting: Enquiry) -> None:
    assert press(kati, waiting).status_code == 302
    assert press(kati, waiting).status_code == 409
    sent_mails.outbox.clear()
    deliver_due(timezone.now() + timedelta(seconds=1))
    [mail] = sent_mails.outbox
    assert mail.to == ["maija@esimerkki.fi"]
    assert isinstance(mail, EmailMultiAlternatives)
    text, html = str(mail.body), str(mail.alternatives[0][0])
    assert "Odottava" not in text + html
    assert "olet odotuslistallani. Tässä on linkki paikkaasi." in text
    found = re.search(r"/jatka/([\w-]+)/odotuslista/", text)
    assert found is not None
    place = find_place(found[1])
    assert place is not None
    assert place.enquiry == waiting
    assert "Linkki odotuslistan paikkaan laitettiin lähtemään – Kati Levola" in words(
        kati.get(address("inspect", waiting))
    )


def test_sent_link_makes_unreached_address_mailable(kati: Client) -> None:
    place = waiter(now=timezone.now(), is_reached=False)
    assert not mailable_places().exists()
    press(kati, place.enquiry)
    deliver_due(timezone.now() + timedelta(seconds=1))
    assert list(mailable_places()) == [place]


def test_manually_listed_enquiry_can_get_link(kati: Client) -> None:
    enquiry = put_on_list(received())
    press(kati, enquiry)
    assert link_mails() == 1
    assert WaitingPlace.objects.get().wants_mail is False


@pytest.mark.parametrize("status", [Status.NEW, Status.CLOSED])
def test_link_is_sent_only_to_listed_enquiries(kati: Client, waiting: Enquiry, status: Status) -> None:
    outcome = "agreement" if status == Status.CLOSED else ""
    enquiry = give_status(waiting, status, outcome)
    assert BUTTON not in words(kati.get(address("inspect", enquiry)))
    for answer in (press(kati, enquiry), kati.get(address("waiting-link", enquiry))):
        assert answer.status_code == 302
    assert link_mails() == 0


def test_no_link_for_suspicious_enquiry_or_message(kati: Client, visitor: Visitor) -> None:
    set_pause()
    joins(visitor, wish(extra_line="x"))
    for enquiry in (Enquiry.objects.get(), received()):
        assert BUTTON not in words(kati.get(address("inspect", enquiry)))
        press(kati, enquiry)
    assert link_mails() == 0


def test_sending_link_requires_change_permission(reader: Client, editor: Client, waiting: Enquiry) -> None:
    assert BUTTON not in words(reader.get(address("inspect", waiting)))
    for client in (reader, editor):
        assert client.get(address("waiting-link", waiting)).status_code == 403
        assert press(client, waiting).status_code == 403
    assert link_mails() == 0


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40])
def test_invalid_version_sends_nothing(kati: Client, waiting: Enquiry, version: str) -> None:
    assert kati.post(address("waiting-link", waiting), {"version": version}).status_code == 409
    assert link_mails() == 0


def test_accepting_reports_the_queued_confirmation(kati: Client, visitor: Visitor) -> None:
    set_pause()
    joins(visitor, wish(extra_line="x"))
    enquiry = Enquiry.objects.get()
    answer = kati.post(address("accept", enquiry), {"version": enquiry.version}, follow=True)
    assert "Vahvistus odotuslistasta laitettiin lähtemään." in words(answer)


def test_accepting_closed_spam_reports_it_left_list(kati: Client, waiting: Enquiry) -> None:
    spam = {"version": waiting.version, "status": "closed", "outcome": "spam"}
    kati.post(address("status", waiting), spam)
    waiting.refresh_from_db()
    shown_words = words(kati.post(address("accept", waiting), {"version": waiting.version}, follow=True))
    assert "Vahvistus odotuslistasta laitettiin lähtemään." not in shown_words
    assert "ei enää odotuslistalla" in shown_words


def test_confirmation_page_decodes_punycode_address(kati: Client, waiting: Enquiry) -> None:
    Enquiry.objects.update(email="pekka@xn--pivkoti-5wac.fi")
    shown_words = words(kati.get(address("waiting-link", waiting)))
    assert "xn--" not in shown_words
    assert "pekka@päiväkoti.fi" in shown_words


def test_list_shows_unreached_places(kati: Client) -> None:
    received(kind=Kind.WAITING, wants_mail=True)
    waiter(now=timezone.now(), is_reached=False)
    under_way, never = rows(kati.get(WAITING))
    assert under_way["Vapaista ajoista kerrotaan"] == "Sähköpostilla, kun vahvistus on lähtenyt"
    assert under_way["Tilanne"].startswith("Vahvistus odotuslistasta: odottaa lähetystä")
    assert never["Vapaista ajoista kerrotaan"] == "Ota itse yhteyttä"
    assert never["Tilanne"].startswith("Vahvistusta ei lähetetty")
