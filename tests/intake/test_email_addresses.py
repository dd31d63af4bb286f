"""E-mail addresses that visitors type: normalized for sending, or refused with a validation error."""

from datetime import timedelta

import pytest
from django.utils import timezone

from home.models import ContactDetails
from intake.desk.export import spreadsheet_response
from intake.mail.delivery import build_message
from intake.mailbox import mailbox_key
from intake.models import Enquiry, OutgoingMail
from tests.intake.mail.delivering import deliver_due
from tests.intake.visiting import ShownForm, Visitor, letter
from tests.tools.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db

REFUSAL = "Tarkista sähköpostiosoite. Oikea muoto on esimerkiksi nimi@esimerkki.fi."


def _confirmations() -> int:
    return OutgoingMail.objects.filter(purpose="confirmation").count()


@pytest.mark.parametrize(
    "typed",
    [
        *("x@localhost", "x@[127.0.0.1]", "a" * 65 + "@a.fi", "x@\ue000.fi", "x@a\ufffdb.fi", "x@" + "ä" * 60 + ".fi"),
        *("x@אa.fi", "x@a…fi", "matti@firma™.fi", "=?utf-8?q?x?=@a.fi", '"a"@a.fi', "mätti@a.fi"),
    ],
)
def test_undeliverable_address_is_refused(visitor: Visitor, typed: str) -> None:
    answer = visitor.sends(letter(email=typed))
    assert answer.status_code == 422
    assert ShownForm.of(answer).errors("email") == [REFUSAL]
    assert ShownForm.of(answer).words["email"] == typed
    assert not Enquiry.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sent"),
    [("matti@faß.de", "matti@xn--fa-hia.de"), ("Matti <matti@ääkkönen.fi>", "matti@xn--kknen-fraa0m.fi")],
)
def test_envelope_and_to_header_use_punycode_address(visitor: Visitor, smtp: SmtpServer, typed: str, sent: str) -> None:
    visitor.sends(letter(email=typed))
    deliver_due(timezone.now() + timedelta(seconds=1))
    mail = OutgoingMail.objects.get(purpose="confirmation")
    assert build_message(mail, now=timezone.now()).message()["To"] == sent
    assert sent in smtp.recipients


def test_export_and_search_use_readable_address(visitor: Visitor) -> None:
    visitor.sends(letter(email="matti@faß.de"))
    enquiry = Enquiry.objects.get()
    assert enquiry.email == "matti@xn--fa-hia.de"
    exported = b"".join(spreadsheet_response(Enquiry.objects.all(), "csv", timezone.now())).decode()
    assert "matti@faß.de" in exported
    assert "matti@faß.de".casefold() in enquiry.search_text
    assert "matti@xn--fa-hia.de" in enquiry.search_text


def test_reply_to_uses_punycode_contact_address(visitor: Visitor) -> None:
    ContactDetails.objects.update(email="kati@faß.de")
    visitor.sends()
    message = build_message(OutgoingMail.objects.get(purpose="confirmation"), now=timezone.now()).message()
    assert message["Reply-To"] == "kati@xn--fa-hia.de"


@pytest.mark.parametrize(
    "second",
    [
        *(
            "ma\u00adija@esimerkki.fi",
            "maija\u200d@esimerkki.fi",
            "maija\ufe0f@esimerkki.fi",
            "mai\u034fja@esimerkki.fi",
        ),
        *("maija@esim\u2061erkki.fi", "ｍａｉｊａ@esimerkki.fi", "maija@ｅsimerkki.fi", "Maija <maija@esimerkki.fi>"),
        *("maija+\u00ad@esimerkki.fi", "maija@ESIMERKKI.fi.", "mailto:maija@esimerkki.fi"),
    ],
)
def test_spelling_variants_count_as_one_mailbox(visitor: Visitor, second: str) -> None:
    visitor.sends(letter(email="maija@esimerkki.fi"))
    assert visitor.sends(letter(email=second, message="Unohdin sanoa: ma sopii.")).status_code == 303
    assert _confirmations() == 1
    assert OutgoingMail.objects.filter(purpose="notification").count() == 2


def test_sms_gateway_addresses_are_separate_mailboxes(visitor: Visitor) -> None:
    visitor.sends(letter(email="+358401111111@sms.esimerkki.fi"))
    visitor.sends(letter(email="+358402222222@sms.esimerkki.fi", message="Toinen."))
    assert _confirmations() == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("maija@ääkkönen.fi", "MAIJA@xn--kknen-fraa0m.fi", True),
        ("maija+a@a.fi", "maija@a.fi", True),
        ("+358+a@a.fi", "+358@a.fi", True),
        ("+a@a.fi", "+b@a.fi", False),
        ("+a@a.fi", "a@a.fi", False),
        ("matti@faß.de", "matti@fass.de", False),
        ("vanha osoite", "toinen", False),
    ],
)
def test_mailbox_key_normalizes_address_variants(one: str, other: str, same: bool) -> None:
    assert (mailbox_key(one) == mailbox_key(other)) is same
