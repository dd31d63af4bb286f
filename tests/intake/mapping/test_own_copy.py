"""The sender's own copy of a mapping: the questions as asked, and nothing by a link that a stranger may have."""

from datetime import datetime
from zoneinfo import ZoneInfo

import time_machine
from django.utils import timezone

from intake.choices import Kind
from intake.enquiry.rules import RECEIPT_WINDOW
from intake.models import Enquiry, InitialMapping, MappingPage
from tests.intake.contact.copies import asked_and_answered, copy_link
from tests.intake.mapping.answering import Answerer
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.visiting import Visitor, letter, page_text

HELSINKI = ZoneInfo("Europe/Helsinki")


def test_own_copy_of_a_mapping_has_its_questions(answerer: Answerer) -> None:
    done = answerer.client.get(answerer.sends_all()["Location"])
    page = answerer.client.get(copy_link(done))
    rows = asked_and_answered(page)
    questions = InitialMapping.objects.get().questions
    assert rows["Nimesi"] == "Maija Meikäläinen"
    for question in questions.questions():
        assert not question.is_asked or question.label in rows or question.condition
    assert "Lisää tilaa ajatella." in rows.values()
    assert "Alkukartoitus saapui" in page_text(page)
    assert "Viesti saapui" not in page_text(page)


def test_changed_question_leaves_the_copy_as_asked(answerer: Answerer) -> None:
    copy = copy_link(answerer.client.get(answerer.sends_all()["Location"]))
    before = asked_and_answered(answerer.client.get(copy))
    page = MappingPage.objects.get()
    for block in page.questions:
        if "label" in block.value:
            block.value["label"] = "Aivan toinen kysymys?"
    page.save_revision().publish()
    assert {one.label for one in MappingPage.objects.get().question_set().questions() if one.is_asked} == {
        "Aivan toinen kysymys?"
    }
    assert asked_and_answered(answerer.client.get(copy)) == before


def test_thank_you_page_copy_gains_the_mapping(visitor: Visitor, answerer: Answerer) -> None:
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    copy = copy_link(visitor.client.get(thanks))
    answerer.follows(visitor.client.post(thanks))
    answerer.answers_all()
    assert "Lisää tilaa ajatella." not in page_text(visitor.client.get(copy))
    answerer.sends()
    for address in (copy, answerer.address("kopio")):
        text = page_text(visitor.client.get(address))
        assert "Lisää tilaa ajatella." in text
        assert "työryhmämme kaipaa tilaa" in text


def test_mailed_link_copies_no_message_before_confirmation(visitor: Visitor, answerer: Answerer) -> None:
    """The mail may have gone to a stranger: the address may be mistyped."""
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    enquiry = Enquiry.objects.get()
    answerer.secret = mail_link_for_enquiry(enquiry=enquiry, now=timezone.now())
    answerer.answers_all()
    answerer.sends()
    by_mail = asked_and_answered(answerer.opens("kopio"))
    assert "Lisää tilaa ajatella." in by_mail.values()
    assert not {"Nimesi", "Viesti"} & set(by_mail)
    by_page = page_text(visitor.client.get(copy_link(visitor.client.get(thanks))))
    assert "työryhmämme kaipaa tilaa" in by_page
    assert "Lisää tilaa ajatella." not in by_page
    Enquiry.objects.update(address_confirmed_at=timezone.now())
    assert {"Nimesi", "Viesti"} <= set(asked_and_answered(answerer.opens("kopio")))
    assert "Lisää tilaa ajatella." in page_text(visitor.client.get(f"/jatka/{enquiry.receipt}/kopio/"))


def test_mailed_link_copies_no_answers_begun_by_page(visitor: Visitor, answerer: Answerer) -> None:
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    mailed = mail_link_for_enquiry(enquiry=Enquiry.objects.get(), now=timezone.now())
    answerer.follows(visitor.client.post(thanks))
    answerer.answers_all()
    answerer.sends()
    done = visitor.client.get(f"/jatka/{mailed}/perilla/")
    assert done.status_code == 200
    assert copy_link(done) == ""
    assert visitor.client.get(f"/jatka/{mailed}/kopio/").status_code == 410


def test_parallel_mailed_mapping_copies_no_contact_facts(visitor: Visitor, answerer: Answerer) -> None:
    """The mapping that is sent second becomes an enquiry of its own with the contact facts of the first."""
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    mailed = Answerer(secret=mail_link_for_enquiry(enquiry=Enquiry.objects.get(), now=timezone.now()))
    answerer.follows(visitor.client.post(thanks))
    for one in (answerer, mailed):
        one.answers_all()
    for one in (answerer, mailed):
        assert one.sends().status_code == 303
    assert Enquiry.objects.filter(kind=Kind.MAPPING).exists()
    rows = asked_and_answered(mailed.opens("kopio"))
    assert "Lisää tilaa ajatella." in rows.values()
    assert not {"Nimesi", "Sähköpostiosoite", "Puhelinnumero"} & set(rows)


def test_mapping_copy_expires_after_a_day(answerer: Answerer) -> None:
    with time_machine.travel(datetime(2026, 11, 26, 9, 0, tzinfo=HELSINKI), tick=False) as clock:
        done = answerer.sends_all()["Location"]
        clock.shift(RECEIPT_WINDOW)
        assert answerer.opens("kopio").status_code == 410
        assert copy_link(answerer.client.get(done)) == ""
