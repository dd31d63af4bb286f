"""The content of the notification and the confirmation, and the data that they must not contain."""

import email
import email.policy
import random
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from home.dates import finnish_day
from home.models import ContactDetails, HomePage, PauseNotice
from intake.mail.delivery import build_message
from intake.models import Enquiry, IntakeSettings, OutgoingMail
from tests.intake.visiting import Visitor, letter, token

MARKERS = {
    "name": "Nimimerkki",
    "organisation": "Organisaatiomerkki",
    "message": "Viestimerkki https://linkkimerkki.fi",
    "phone": "040 7654321",
}


def _sent(purpose: str) -> EmailMessage:
    mail = OutgoingMail.objects.get(purpose=purpose)
    raw = build_message(mail, now=timezone.now()).message().as_bytes()
    return email.message_from_bytes(raw, policy=email.policy.default)


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    assert part is not None
    content: str = part.get_content()
    return " ".join(content.split())


@pytest.mark.parametrize("purpose", ["notification", "confirmation"])
def test_mails_contain_no_visitor_text(visitor: Visitor, purpose: str) -> None:
    assert visitor.sends(letter(**MARKERS)).status_code == 303
    message = _sent(purpose)
    everything = " ".join([str(message.items()), _body(message, "plain"), _body(message, "html")]).lower()
    for written in ("merkki", "7654321", "765 4321", "linkki"):
        assert written not in everything.replace("esimerkki", "")


def test_notification_lacks_visitor_email_address(visitor: Visitor) -> None:
    visitor.sends()
    assert b"esimerkki.fi" not in _sent("notification").as_bytes()


def test_notification_has_reference_kind_time_and_link(visitor: Visitor) -> None:
    with time_machine.travel("2026-11-22 12:05+02:00", tick=False):
        visitor.sends()
    enquiry = Enquiry.objects.get()
    message = _sent("notification")

    assert message["To"] == "kati.levola@aijuu.fi"
    assert message["Subject"] == f"Uusi yhteydenotto {enquiry.reference}"
    for kind in ("plain", "html"):
        body = _body(message, kind)
        assert enquiry.reference in body
        assert "Tyyppi: Viesti" in body
        assert "Saapunut: 22.11.2026 klo 12.05" in body
        assert f"http://127.0.0.1:8000/admin/yhteydenotot/inspect/{enquiry.pk}/" in body
        assert "epäilyttävänä" not in body
    assert "Sisältö on luettavissa vain ylläpidossa:" in _body(message, "plain")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] is None


def test_confirmation_has_reference_and_next_steps(visitor: Visitor) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    message = _sent("confirmation")

    assert message["To"] == "maija.meikalainen@esimerkki.fi"
    assert message["Subject"] == f"Viestisi on perillä (viite {enquiry.reference})"
    for kind in ("plain", "html"):
        body = _body(message, kind)
        assert body.count("Hei,") == 1
        assert "kiitos yhteydenotostasi. Luen viestisi itse ja vastaan siihen." in body
        assert "Tämä kuittaus lähti automaattisesti." in body
        assert enquiry.reference in body
        assert "Jos et ole itse ottanut yhteyttä, vastaa tähän viestiin, niin poistan tiedot." in body
        assert "050 534 8567" in body
        assert "Kati, Aijuu työnohjaus" in body
        assert "tauolla" not in body


def test_confirmation_has_auto_submitted_and_reply_to(visitor: Visitor) -> None:
    visitor.sends()
    message = _sent("confirmation")
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["From"] == "Aijuu työnohjaus <kati.levola@aijuu.fi>"
    assert message["Reply-To"] == "kati.levola@aijuu.fi"
    assert message["Message-ID"].endswith("@aijuu.fi>")
    assert message.get_content_type() == "multipart/alternative"


def test_confirmation_mentions_running_pause(visitor: Visitor) -> None:
    PauseNotice.objects.update_or_create(defaults={"active": True})
    visitor.sends()
    for kind in ("plain", "html"):
        assert "Aijuu on tauolla, joten vastaus voi viipyä." in _body(_sent("confirmation"), kind)
        assert "tauolla" not in _body(_sent("notification"), kind)
    assert "toistaiseksi tauolla" in Enquiry.objects.get().shown_texts["pause"]


@pytest.mark.parametrize("full", [False, True])
def test_confirmation_mentions_announced_pause(visitor: Visitor, full: bool) -> None:
    begins_on = timezone.localdate() + timedelta(days=1)
    PauseNotice.objects.update_or_create(defaults={"active": True, "full": full, "begins_on": begins_on})
    thanks = visitor.client.get(visitor.sends()["Location"]).content.decode()
    notice = f"Aijuu on tauolla {finnish_day(begins_on)} alkaen, ja silloin vastaus voi viipyä."
    for words in (_body(_sent("confirmation"), "plain"), _body(_sent("confirmation"), "html"), thanks):
        assert notice in words


def test_confirmation_mentions_no_delay_when_full(visitor: Visitor) -> None:
    PauseNotice.objects.update_or_create(defaults={"active": False, "full": True})
    thanks = visitor.client.get(visitor.sends()["Location"]).content.decode()
    for words in (_body(_sent("confirmation"), "plain"), _body(_sent("confirmation"), "html"), thanks):
        assert "viipyä" not in words
        assert "tauolla" not in words
    assert Enquiry.objects.get().shown_texts["pause"] == "Aijuussa ei ole juuri nyt vapaita aikoja."


def test_response_time_only_if_set(visitor: Visitor) -> None:
    ContactDetails.objects.update(response_time="muutaman arkipäivän kuluessa & heti")
    thanks = visitor.client.get(visitor.sends()["Location"]).content.decode()
    assert "Luen viestisi itse ja vastaan muutaman arkipäivän kuluessa & heti." in _body(_sent("confirmation"), "plain")
    assert "vastaan muutaman arkipäivän kuluessa &amp; heti." in _body(_sent("confirmation"), "html")
    assert "Kati lukee viestisi itse ja vastaa muutaman arkipäivän kuluessa &amp; heti." in thanks


def test_confirmation_links_privacy_page(visitor: Visitor) -> None:
    ContactDetails.objects.update(privacy_page=HomePage.objects.get())
    visitor.sends()
    for kind in ("plain", "html"):
        body = _body(_sent("confirmation"), kind)
        assert "Tietosuojaseloste" in body
        assert "http://127.0.0.1:8000/" in body


def test_confirmation_omits_missing_facts(visitor: Visitor) -> None:
    ContactDetails.objects.update(phone="", person_name="", response_time="", privacy_page=None)
    visitor.sends()
    for kind in ("plain", "html"):
        body = _body(_sent("confirmation"), kind)
        assert "None" not in body
        assert ", Aijuu" not in body
        assert "tel:" not in body
        assert "Tietosuojaseloste" not in body


def test_notification_goes_to_configured_address(visitor: Visitor) -> None:
    chosen = IntakeSettings.load()
    chosen.notification_email = "toimisto@aijuu.fi"
    chosen.save()
    visitor.sends()
    assert _sent("notification")["To"] == "toimisto@aijuu.fi"
    assert _sent("confirmation")["Reply-To"] == "kati.levola@aijuu.fi"


def test_notification_falls_back_to_the_default_address(visitor: Visitor, settings: Any) -> None:
    ContactDetails.objects.update(email="")
    settings.DEFAULT_FROM_EMAIL = "Aijuu <posti@aijuu.fi>"
    visitor.sends()
    assert _sent("notification")["To"] == "posti@aijuu.fi"
    assert _sent("confirmation")["Reply-To"] is None


def test_header_injection_from_fields_is_prevented(visitor: Visitor) -> None:
    evil = "x\r\nBcc: kaikki@esimerkki.fi\r\n\r\nkeho"
    visitor.sends(letter(name=evil, organisation=evil, message=evil))
    for purpose in ("notification", "confirmation"):
        message = _sent(purpose)
        assert "Bcc" not in message
        assert b"kaikki@" not in message.as_bytes()


def test_plain_text_mail_has_no_entities(visitor: Visitor) -> None:
    ContactDetails.objects.update(business_name="Aijuu & <kumppanit>")
    visitor.sends()
    text = OutgoingMail.objects.get(purpose="confirmation").text
    assert "Aijuu & <kumppanit>" in text


@time_machine.travel("2027-01-10 12:00:00+00:00", tick=False)
def test_message_ids_do_not_depend_on_random_seed(visitor: Visitor) -> None:
    for email_address in ("maija@esimerkki.fi", "matti@esimerkki.fi"):
        random.seed(1)
        assert visitor.sends({**letter(email=email_address), "form_token": token()}).status_code == 303
    ids = OutgoingMail.objects.values_list("message_id", flat=True)
    assert len(set(ids)) == len(ids) == 4
