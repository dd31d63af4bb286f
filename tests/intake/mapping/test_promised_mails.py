"""A page promises a mail only if the database contains it."""

from typing import Any

import pytest

from intake.choices import MailPurpose, MailState
from intake.enquiry.mails import PromisedMails, promised_mails
from intake.models import Enquiry, MappingPage, OutgoingMail
from tests.intake.mapping.answering import Answerer
from tests.intake.visiting import Visitor, letter, page_text

COMES, COMES_NOT = "tarkista roskapostikansio", "Tästä ei lähde vahvistusta sähköpostiisi"
LATER = "Voit tehdä sen myös myöhemmin: linkki on sähköpostiisi lähtevässä vahvistuksessa."


def promise(page: str) -> tuple[bool, bool]:
    return COMES in page, COMES_NOT in page


def thanks(visitor: Visitor, **changes: Any) -> str:
    return page_text(visitor.client.get(visitor.sends(letter(**changes))["Location"]))


def test_first_message_is_promised_a_confirmation(visitor: Visitor, mapping_page: MappingPage) -> None:
    page = thanks(visitor)
    assert promise(page) == (True, False)
    assert LATER in page


@pytest.mark.parametrize("email", ["maija.meikalainen@esimerkki.fi", "Maija.Meikalainen+b@esimerkki.fi"])
def test_second_message_same_day_is_promised_none(visitor: Visitor, mapping_page: MappingPage, email: str) -> None:
    visitor.sends()
    page = thanks(visitor, message="Vielä yksi asia.", email=email)
    assert promise(page) == (False, True)
    assert LATER not in page
    # The page still has the button that continues to the mapping.
    assert "Jatka alkukartoitukseen" in page


@pytest.mark.parametrize("changes", [{"extra_line": "x"}, {"message": "[url=https://a.fi]a[/url]"}])
def test_suspicious_message_is_promised_no_mail(
    visitor: Visitor, mapping_page: MappingPage, changes: dict[str, str]
) -> None:
    page = thanks(visitor, **changes)
    assert Enquiry.objects.get().is_quarantined
    assert promise(page) == (False, True)
    assert LATER not in page


@pytest.mark.parametrize(
    ("state", "promised"),
    [(MailState.QUEUED, True), (MailState.SENDING, True), (MailState.SENT, True), (MailState.FAILED, False)],
)
def test_failed_mail_is_not_promised(
    visitor: Visitor, mapping_page: MappingPage, state: MailState, promised: bool
) -> None:
    address = visitor.sends()["Location"]
    OutgoingMail.objects.filter(purpose=MailPurpose.CONFIRMATION).update(state=state)
    page = page_text(visitor.client.get(address))
    assert promise(page) == (promised, not promised)
    assert (LATER in page) is promised


def test_notification_to_kati_is_not_promised(visitor: Visitor) -> None:
    visitor.sends(letter(extra_line="x"))
    assert OutgoingMail.objects.get().purpose == MailPurpose.NOTIFICATION
    assert promised_mails(Enquiry.objects.get()) == PromisedMails()


def test_without_a_mapping_no_link_is_promised(visitor: Visitor) -> None:
    page = thanks(visitor)
    assert promise(page) == (True, False)
    assert LATER not in page


def test_sent_mapping_promises_only_a_queued_confirmation(answerer: Answerer) -> None:
    answerer.sends_all()
    assert promise(page_text(answerer.opens("perilla"))) == (True, False)
    another = Answerer(network_address="203.0.113.9")
    assert another.begins().status_code == 303
    another.answers_all()
    another.sends_step(2, {"q_muutos": "Toinen toive.", "q_teemat": [], "q_muu": "", "q_nyt": "3"})
    another.sends()
    assert promise(page_text(another.opens("perilla"))) == (False, True)
