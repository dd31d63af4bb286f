"""What was never sent goes after thirty days and leaves a count; what was sent goes with its enquiry."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from intake.enquiry.removal import remove_enquiry
from intake.jobs.runner import Item
from intake.mapping.links import LIFETIME, mail_link_for_enquiry, remove_unfinished
from intake.models import Enquiry, InitialMapping, MappingLink, OutgoingMail, RemovedEnquiry, UnfinishedMapping
from tests.intake.enquiries import received
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.database_dump import database_dump
from tests.intake.visiting import ShownForm, Visitor

HELSINKI = ZoneInfo("Europe/Helsinki")
START = datetime(2026, 11, 22, 12, 30, tzinfo=HELSINKI)


def test_expired_unfinished_mapping_is_removed_and_counted(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False) as clock:
        answerer.begins(contact_facts(name="Salamaija"))
        answerer.sends_step(1, ANSWERS[0])
        clock.shift(LIFETIME - timedelta(seconds=1))
        assert remove_unfinished(now=timezone.now()) == 0
        assert InitialMapping.objects.count() == 1
        assert answerer.opens().status_code in (302, 303)
        clock.shift(timedelta(seconds=1))
        assert answerer.opens().status_code == 404
        assert remove_unfinished(now=timezone.now()) == 1
        assert not InitialMapping.objects.exists()
        assert not MappingLink.objects.exists()
        assert answerer.opens().status_code == 404
    assert UnfinishedMapping.objects.values_list("removed_on", "count").get() == (date(2026, 12, 22), 1)
    assert "Salamaija" not in str(database_dump())


@pytest.mark.parametrize(
    "begun_at",
    [
        # Summer time ends on 25.10.2026 and begins on 28.3.2027.
        datetime(2026, 10, 10, 3, 30, tzinfo=HELSINKI),
        datetime(2026, 9, 25, 3, 30, tzinfo=HELSINKI),
        datetime(2027, 3, 1, 23, 59, tzinfo=HELSINKI),
        datetime(2027, 2, 26, 3, 30, tzinfo=HELSINKI),
    ],
)
def test_thirty_day_lifetime_ignores_dst_change(answerer: Answerer, begun_at: datetime) -> None:
    with time_machine.travel(begun_at, tick=False):
        answerer.begins()
    over = InitialMapping.objects.get().expires_at
    assert (over - begun_at.astimezone(ZoneInfo("UTC"))) == timedelta(days=30)
    assert remove_unfinished(now=over - timedelta(microseconds=1)) == 0
    assert remove_unfinished(now=over) == 1
    assert UnfinishedMapping.objects.get().removed_on == over.astimezone(HELSINKI).date()


def test_a_link_sent_anew_meanwhile_works_on(answerer: Answerer) -> None:
    """Between the look for what is over and the removal."""
    enquiry = received(now=START)
    mail_link_for_enquiry(enquiry=enquiry, now=START)

    def another_link_goes_first(items: Iterable[Item], act: Callable[[Item], int], /) -> int:
        listed = list(items)
        with time_machine.travel(START + LIFETIME, tick=False):
            InitialMapping.objects.update(expires_at=START + 2 * LIFETIME)
        return sum(act(item) for item in listed)

    assert remove_unfinished(now=START + LIFETIME, each=another_link_goes_first) == 0
    assert InitialMapping.objects.count() == MappingLink.objects.count() == 1


def test_links_of_what_was_sent_go_too(answerer: Answerer) -> None:
    mail_link_for_enquiry(enquiry=received(now=START), now=START)
    InitialMapping.objects.update(sent_at=START, started_at=START)
    remove_unfinished(now=START + LIFETIME)
    assert InitialMapping.objects.count() == 1
    assert not MappingLink.objects.exists()


def test_those_of_one_day_are_counted_together(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False):
        for _ in range(3):
            answerer.begins()
    InitialMapping.objects.filter(pk=InitialMapping.objects.latest("pk").pk).update(
        expires_at=START + LIFETIME + timedelta(hours=2)
    )
    assert remove_unfinished(now=START + LIFETIME) == 2
    assert remove_unfinished(now=START + LIFETIME + timedelta(hours=2)) == 1
    assert UnfinishedMapping.objects.get().count == 3


def test_unopened_link_is_not_counted(visitor: Visitor, mapping_page: object) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    mail_link_for_enquiry(enquiry=enquiry, now=START)
    assert remove_unfinished(now=START + LIFETIME) == 0
    assert not InitialMapping.objects.exists()
    assert not UnfinishedMapping.objects.exists()
    assert Enquiry.objects.get() == enquiry


def test_expired_second_stage_removal_keeps_enquiry(visitor: Visitor, mapping_page: object) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    answerer = Answerer(secret=mail_link_for_enquiry(enquiry=enquiry, now=timezone.now()))
    answerer.sends_step(1, ANSWERS[0])
    assert remove_unfinished(now=timezone.now() + LIFETIME + timedelta(hours=1)) == 1
    assert Enquiry.objects.get() == enquiry


def test_sent_mapping_stays_while_link_expires(answerer: Answerer) -> None:
    answerer.sends_all()
    remove_unfinished(now=timezone.now() + LIFETIME + timedelta(days=1000))
    mapping = Enquiry.objects.get().mapping
    assert mapping.is_sent
    assert mapping.answers["koko"] == 12
    assert not MappingLink.objects.exists()
    assert not UnfinishedMapping.objects.exists()
    assert answerer.opens("perilla").status_code == 404


@pytest.mark.parametrize("stages", [1, 2])
def test_removing_an_enquiry_removes_all_of_its_mapping(answerer: Answerer, visitor: Visitor, stages: int) -> None:
    if stages == 1:
        answerer.sends_all(contact_facts(name="Salamaija"))
    else:
        visitor.sends()
        answerer.secret = mail_link_for_enquiry(enquiry=Enquiry.objects.get(), now=timezone.now())
        answerer.answers_all()
        answerer.sends()
    assert "Lisää tilaa ajatella." in str(InitialMapping.objects.values())
    remove_enquiry(enquiry_id=Enquiry.objects.get().pk, now=timezone.now())
    for model in (Enquiry, InitialMapping, MappingLink, OutgoingMail):
        assert not model.objects.exists()
    dump = str(database_dump())
    for words in ("Salamaija", "ajatella.", "Meikäläinen", "meikalainen"):
        assert words not in dump
    assert RemovedEnquiry.objects.values_list("kind", "count").get() == ("mapping" if stages == 1 else "contact", 1)


def test_start_form_after_expiry_begins_anew(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False) as clock:
        form = {**ShownForm.of(answerer.client.get(BEGIN)).values, **contact_facts()}
        answerer.follows(answerer.posts(BEGIN, form))
        answerer.sends_step(1, ANSWERS[0])
        clock.shift(LIFETIME)
        answer = answerer.posts(BEGIN, {**form, "name": "Matti"})
        assert answer.status_code == 303
        assert answerer.opens()["Location"] == answerer.address("vaihe/1")
    mapping = InitialMapping.objects.get()
    assert (mapping.facts["name"], mapping.answers) == ("Matti", {})
    assert UnfinishedMapping.objects.get().count == 1
