"""Mails and pages name the last day on which a link to a mapping works, also where the mapping was begun earlier."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail as mailbox
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from home.dates import finnish_day
from intake.choices import MailPurpose
from intake.mail.delivery import deliver_due
from intake.mapping.links import remove_unfinished
from intake.models import Enquiry, InitialMapping, MappingPage, OutgoingMail
from tests.intake.mapping.answering import ANSWERS, Answerer
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.visiting import OWN_PAGE, Visitor, page_text

DAY = datetime(2027, 2, 1, 10, tzinfo=ZoneInfo("Europe/Helsinki"))


def status_of_link(secret: str) -> int:
    return Client().get(f"/jatka/{secret}/").status_code


@pytest.mark.parametrize("days", [0, 2, 20])
@pytest.mark.parametrize("is_begun", [True, False])
def test_confirmation_names_last_day_of_begun_mapping(
    mapping_page: MappingPage, visitor: Visitor, days: int, is_begun: bool
) -> None:
    with time_machine.travel(DAY, tick=False) as clock:
        thanks = str(visitor.sends()["Location"])
        if is_begun:
            answerer = Answerer()
            answerer.follows(visitor.client.post(thanks))
            answerer.sends_step(1, ANSWERS[0])
            address = Enquiry.objects.get().email
            assert visitor.client.post(thanks, {"email": address}, headers=OWN_PAGE).status_code == 303
        OutgoingMail.objects.update(next_attempt_at=DAY + timedelta(days=days))
        clock.shift(timedelta(days=days))
        deliver_due()
        mapping = InitialMapping.objects.get()
        last = mapping.last_day
        assert last == timezone.localdate(DAY) + timedelta(days=30 if is_begun else 30 + days)
        [sent] = [one for one in mailbox.outbox if one.to == [Enquiry.objects.get().email]]
        assert isinstance(sent, EmailMultiAlternatives)
        [[html, _kind]] = sent.alternatives
        for text in (str(sent.body), str(html)):
            plain = " ".join(text.replace("&nbsp;", " ").split())
            assert f"Viimeinen päivä, jona se toimii, on {finnish_day(last)}." in plain
            assert "30 päivää" not in plain
        [secret] = re.findall(r"/jatka/([\w-]+)/", str(sent.body))
        assert secret not in OutgoingMail.objects.get(purpose=MailPurpose.CONFIRMATION).text
        clock.move_to(datetime(last.year, last.month, last.day, 23, 59, tzinfo=DAY.tzinfo))
        assert status_of_link(secret) == 302
        clock.shift(timedelta(minutes=1))
        assert status_of_link(secret) == 404


def test_step_opened_later_names_the_same_day(answerer: Answerer) -> None:
    with time_machine.travel(DAY, tick=False) as clock:
        assert answerer.begins().status_code == 303
        clock.shift(timedelta(days=20))
        last = finnish_day(InitialMapping.objects.get().last_day)
        assert last == "3.3.2027"
        assert f"Sen jälkeen voit jatkaa tästä osoitteesta. Viimeinen päivä on {last}." in page_text(
            answerer.opens("vaihe/1")
        )
        facts = page_text(answerer.opens("yhteystiedot"))
        assert f"Jos et lähetä niitä viimeistään {last}, ne poistetaan." in facts
        assert "30 päivän" not in facts


def test_unbegun_second_stage_names_day_counted_from_today(mapping_page: MappingPage, visitor: Visitor) -> None:
    with time_machine.travel(DAY, tick=False) as clock:
        answerer = Answerer()
        answerer.follows(visitor.client.post(str(visitor.sends()["Location"])))
        clock.shift(timedelta(days=20))
        page = page_text(answerer.opens("vaihe/1"))
        answerer.sends_step(1, ANSWERS[0])
        last = InitialMapping.objects.get().last_day
        assert last == timezone.localdate() + timedelta(days=30)
        assert f"Viimeinen päivä on {finnish_day(last)}." in page


@pytest.mark.parametrize("is_removed", [True, False])
def test_later_confirmation_keeps_the_mailed_last_day(
    mapping_page: MappingPage, visitor: Visitor, is_removed: bool
) -> None:
    """The mailed link opens an empty mapping, later the page's answers, and a new mapping once those have expired."""
    with time_machine.travel(DAY, tick=False) as clock:
        thanks = str(visitor.sends()["Location"])
        answerer = Answerer()
        answerer.follows(visitor.client.post(thanks))
        answerer.sends_step(1, ANSWERS[0])
        OutgoingMail.objects.update(next_attempt_at=DAY + timedelta(hours=23))
        clock.shift(timedelta(hours=23))
        deliver_due()
        enquiry = Enquiry.objects.get()
        [sent] = [one for one in mailbox.outbox if one.to == [enquiry.email]]
        assert "Viimeinen päivä, jona se toimii, on 4.3.2027." in " ".join(str(sent.body).replace("\xa0", " ").split())
        by_mail = Answerer(secret=re.findall(r"/jatka/([\w-]+)/", str(sent.body))[0])
        assert by_mail.opens()["Location"] == by_mail.address("vaihe/1")
        assert visitor.client.post(thanks, {"email": enquiry.email}, headers=OWN_PAGE).status_code == 303
        assert by_mail.opens()["Location"] == by_mail.address("vaihe/2")
        clock.move_to(datetime(2027, 3, 3, 23, 59, tzinfo=DAY.tzinfo))
        assert by_mail.reads("vaihe/1").words["q_koko"] == "12"
        clock.shift(timedelta(minutes=1))
        if is_removed:
            remove_unfinished(now=timezone.now())
        assert answerer.opens().status_code == 404
        assert by_mail.reads("vaihe/1").words["q_koko"] == ""
        assert by_mail.sends_step(1, ANSWERS[0]).status_code == 303
        remove_unfinished(now=timezone.now())
        assert InitialMapping.objects.get(enquiry=enquiry).last_day == timezone.localdate() + timedelta(days=30)
        by_mail.answers_all()
        assert by_mail.sends().status_code == 303
        assert Enquiry.objects.get().mapping.is_sent


def test_link_to_an_unused_mapping_works_until_its_day(mapping_page: MappingPage, visitor: Visitor) -> None:
    """It works although the other mapping has expired, and no longer than until its day."""
    with time_machine.travel(DAY, tick=False) as clock:
        thanks = str(visitor.sends()["Location"])
        answerer = Answerer()
        answerer.follows(visitor.client.post(thanks))
        answerer.sends_step(1, ANSWERS[0])
        clock.shift(timedelta(hours=23))
        secret = mail_link_for_enquiry(enquiry=Enquiry.objects.get(), now=timezone.now())
        assert visitor.client.post(thanks, {"email": Enquiry.objects.get().email}, headers=OWN_PAGE).status_code == 303
        clock.move_to(datetime(2027, 3, 4, 23, 59, tzinfo=DAY.tzinfo))
        remove_unfinished(now=timezone.now())
        assert status_of_link(secret) == 302
        clock.shift(timedelta(minutes=1))
        assert status_of_link(secret) == 404
        remove_unfinished(now=timezone.now())
        assert not InitialMapping.objects.exists()


def mailed_a_day_later(visitor: Visitor, clock: time_machine.Traveller) -> tuple[str, Answerer, Answerer]:
    """Return the thank-you page, an answerer who began there, and one with the link mailed a day later."""
    thanks = str(visitor.sends()["Location"])
    answerer = Answerer()
    answerer.follows(visitor.client.post(thanks))
    answerer.sends_step(1, ANSWERS[0])
    clock.shift(timedelta(hours=23))
    return thanks, answerer, Answerer(secret=mail_link_for_enquiry(enquiry=Enquiry.objects.get(), now=timezone.now()))


def test_sending_merges_empty_mapping_that_expires_later(mapping_page: MappingPage, visitor: Visitor) -> None:
    with time_machine.travel(DAY, tick=False) as clock:
        _thanks, answerer, by_mail = mailed_a_day_later(visitor, clock)
        answerer.answers_all()
        assert answerer.sends().status_code == 303
        assert by_mail.opens()["Location"] == by_mail.address("perilla")
        assert InitialMapping.objects.get().is_sent


def test_confirmation_keeps_two_begun_mappings_apart(mapping_page: MappingPage, visitor: Visitor) -> None:
    with time_machine.travel(DAY, tick=False) as clock:
        thanks, answerer, by_mail = mailed_a_day_later(visitor, clock)
        assert by_mail.sends_step(1, {**ANSWERS[0], "q_koko": "9"}).status_code == 303
        assert visitor.client.post(thanks, {"email": Enquiry.objects.get().email}, headers=OWN_PAGE).status_code == 303
        assert [one.reads("vaihe/1").words["q_koko"] for one in (answerer, by_mail)] == ["12", "9"]
