"""The form cannot flood a mailbox: one automatic mail a day, while Kati is notified of every enquiry."""

import re
from datetime import timedelta

import pytest
import time_machine

from intake.models import AutomaticReplyTrace, Enquiry, OutgoingMail
from tests.intake.visiting import Visitor, letter


def _confirmations() -> int:
    return OutgoingMail.objects.filter(purpose="confirmation").count()


@pytest.mark.parametrize(
    "second", ["maija@esimerkki.fi", "MAIJA@Esimerkki.FI", "maija+uutiset@esimerkki.fi", "Maija+a+b@esimerkki.fi"]
)
def test_same_mailbox_gets_one_confirmation(visitor: Visitor, second: str) -> None:
    visitor.sends(letter(email="maija@esimerkki.fi"))
    visitor.sends(letter(email=second, message="Unohdin sanoa: ma sopii."))
    assert _confirmations() == 1
    assert OutgoingMail.objects.filter(purpose="notification").count() == 2


@pytest.mark.parametrize("second", ["maija2@esimerkki.fi", "maija@toinen.fi", "mai.ja@esimerkki.fi"])
def test_another_mailbox_gets_its_own_confirmation(visitor: Visitor, second: str) -> None:
    visitor.sends(letter(email="maija@esimerkki.fi"))
    visitor.sends(letter(email=second))
    assert _confirmations() == 2


def test_next_day_allows_another_confirmation(visitor: Visitor) -> None:
    with time_machine.travel("2026-11-22 10:00+02:00", tick=False) as clock:
        visitor.sends()
        clock.shift(timedelta(hours=23, minutes=59))
        visitor.sends(letter(message="Vielä yksi asia."))
        assert _confirmations() == 1
        clock.shift(timedelta(minutes=1))
        visitor.sends(letter(message="Ja toinen."))
        assert _confirmations() == 2
        visitor.sends(letter(message="Ja kolmas."))
        assert _confirmations() == 2
        assert OutgoingMail.objects.filter(purpose="notification").count() == 4


def test_confirmed_mailbox_is_stored_as_keyed_hash(visitor: Visitor) -> None:
    visitor.sends()
    assert re.fullmatch(r"[0-9a-f]{64}", AutomaticReplyTrace.objects.get().recipient_key)


def test_second_thanks_page_promises_no_mail(visitor: Visitor) -> None:
    pages = [visitor.client.get(visitor.sends(letter(message=words))["Location"]).text for words in ("Yksi", "Kaksi")]
    enquiries = Enquiry.objects.order_by("pk")
    assert [enquiry.reference in page for enquiry, page in zip(enquiries, pages, strict=True)] == [True, True]
    assert ["Tästä ei lähde vahvistusta" in page for page in pages] == [False, True]
