"""An unsent mapping is removed and counted after thirty days; a sent one is removed with its enquiry."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from intake.enquiry.removal import remove_enquiry
from intake.jobs.runner import Item
from intake.mail.queue import fill_in_links
from intake.mapping.links import remove_unfinished
from intake.mapping.models import expiry, last_day
from intake.models import Enquiry, InitialMapping, MappingLink, OutgoingMail, RemovedEnquiry, UnfinishedMapping
from tests.intake.enquiries import received
from tests.intake.mapping.answering import ANSWERS, BEGIN, Answerer, contact_facts
from tests.intake.mapping.database_dump import database_dump
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.visiting import ShownForm, Visitor, page_text

HELSINKI = ZoneInfo("Europe/Helsinki")
START = datetime(2026, 11, 22, 12, 30, tzinfo=HELSINKI)


def test_expired_unfinished_mapping_is_removed_and_counted(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False) as clock:
        answerer.begins(contact_facts(name="Salamaija"))
        answerer.sends_step(1, ANSWERS[0])
        clock.move_to(expiry(START) - timedelta(seconds=1))
        assert remove_unfinished(now=timezone.now()) == 0
        assert InitialMapping.objects.count() == 1
        assert answerer.opens().status_code in (302, 303)
        clock.shift(timedelta(seconds=1))
        assert answerer.opens().status_code == 404
        assert remove_unfinished(now=timezone.now()) == 1
        assert not InitialMapping.objects.exists()
        assert not MappingLink.objects.exists()
        assert answerer.opens().status_code == 404
    assert UnfinishedMapping.objects.values_list("removed_on", "count").get() == (date(2026, 12, 23), 1)
    assert "Salamaija" not in str(database_dump())


@pytest.mark.parametrize(
    ("begun_at", "named"),
    [
        (datetime(2026, 11, 26, 0, 0, tzinfo=HELSINKI), date(2026, 12, 26)),
        (datetime(2026, 11, 26, 23, 59, tzinfo=HELSINKI), date(2026, 12, 26)),
        # Already the 27th in Finland.
        (datetime(2026, 11, 26, 22, 30, tzinfo=UTC), date(2026, 12, 27)),
        # Summer time ends on 25.10.2026 and begins on 28.3.2027: a day of 25 hours, and one of 23.
        (datetime(2026, 9, 25, 3, 30, tzinfo=HELSINKI), date(2026, 10, 25)),
        (datetime(2026, 9, 24, 23, 30, tzinfo=HELSINKI), date(2026, 10, 24)),
        (datetime(2026, 10, 10, 3, 30, tzinfo=HELSINKI), date(2026, 11, 9)),
        (datetime(2027, 2, 26, 3, 30, tzinfo=HELSINKI), date(2027, 3, 28)),
        (datetime(2027, 3, 1, 23, 59, tzinfo=HELSINKI), date(2027, 3, 31)),
    ],
)
def test_expiry_is_the_end_of_the_named_day(begun_at: datetime, named: date) -> None:
    over = expiry(begun_at)
    assert over == datetime.combine(named + timedelta(days=1), time.min, HELSINKI)
    assert last_day(over) == named
    assert timezone.localtime(over - timedelta.resolution).date() == named


def test_draft_is_valid_until_its_named_day_ends(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False) as clock:
        form = ShownForm.of(answerer.client.get(BEGIN))
        clock.shift(timedelta(minutes=1))
        answerer.follows(answerer.posts(BEGIN, {**form.values, **contact_facts()}))
        answerer.sends_step(1, ANSWERS[0])
        fill_in_links(mail := OutgoingMail.objects.get(), timezone.now())
        assert "Viimeinen päivä, jona se toimii, on 22.12.2026." in mail.text.replace("\n", " ")
        assert "Viimeinen päivä on 22.12.2026." in page_text(answerer.opens("myohemmin"))
        clock.move_to(datetime(2026, 12, 22, 23, 59, 59, tzinfo=HELSINKI))
        assert remove_unfinished(now=timezone.now()) == 0
        assert answerer.opens("vaihe/2").status_code == 200
        clock.shift(timedelta(seconds=1))
        assert answerer.opens("vaihe/2").status_code == 404
        assert remove_unfinished(now=timezone.now()) == 1


def test_link_renewed_during_removal_is_kept(answerer: Answerer) -> None:
    """The renewal comes after the expired mappings were listed, and before they are removed."""
    enquiry = received(now=START)
    mail_link_for_enquiry(enquiry=enquiry, now=START)

    def another_link_goes_first(items: Iterable[Item], act: Callable[[Item], int], /) -> int:
        listed = list(items)
        with time_machine.travel(expiry(START), tick=False):
            InitialMapping.objects.update(expires_at=expiry(expiry(START)))
        return sum(act(item) for item in listed)

    assert remove_unfinished(now=expiry(START), each=another_link_goes_first) == 0
    assert InitialMapping.objects.count() == MappingLink.objects.count() == 1


def test_expired_links_of_sent_mapping_are_removed(answerer: Answerer) -> None:
    mail_link_for_enquiry(enquiry=received(now=START), now=START)
    InitialMapping.objects.update(sent_at=START, started_at=START)
    remove_unfinished(now=expiry(START))
    assert InitialMapping.objects.count() == 1
    assert not MappingLink.objects.exists()


def test_removals_of_one_day_share_a_count(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False):
        for _ in range(3):
            answerer.begins()
    InitialMapping.objects.filter(pk=InitialMapping.objects.latest("pk").pk).update(
        expires_at=expiry(START) + timedelta(hours=2)
    )
    assert remove_unfinished(now=expiry(START)) == 2
    assert remove_unfinished(now=expiry(START) + timedelta(hours=2)) == 1
    assert UnfinishedMapping.objects.get().count == 3


def test_unopened_link_is_not_counted(visitor: Visitor, mapping_page: object) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    mail_link_for_enquiry(enquiry=enquiry, now=START)
    assert remove_unfinished(now=expiry(START)) == 0
    assert not InitialMapping.objects.exists()
    assert not UnfinishedMapping.objects.exists()
    assert Enquiry.objects.get() == enquiry


def test_expired_second_stage_removal_keeps_enquiry(visitor: Visitor, mapping_page: object) -> None:
    visitor.sends()
    enquiry = Enquiry.objects.get()
    answerer = Answerer(secret=mail_link_for_enquiry(enquiry=enquiry, now=timezone.now()))
    answerer.sends_step(1, ANSWERS[0])
    assert remove_unfinished(now=expiry(timezone.now()) + timedelta(hours=1)) == 1
    assert Enquiry.objects.get() == enquiry


def test_sent_mapping_stays_while_link_expires(answerer: Answerer) -> None:
    answerer.sends_all()
    remove_unfinished(now=expiry(timezone.now()) + timedelta(days=1000))
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


def test_start_form_after_expiry_begins_a_new_mapping(answerer: Answerer) -> None:
    with time_machine.travel(START, tick=False) as clock:
        form = {**ShownForm.of(answerer.client.get(BEGIN)).values, **contact_facts()}
        answerer.follows(answerer.posts(BEGIN, form))
        answerer.sends_step(1, ANSWERS[0])
        clock.move_to(expiry(START))
        answer = answerer.posts(BEGIN, {**form, "name": "Matti"})
        assert answer.status_code == 303
        assert answerer.opens()["Location"] == answerer.address("vaihe/1")
    mapping = InitialMapping.objects.get()
    assert (mapping.facts["name"], mapping.answers) == ("Matti", {})
    assert UnfinishedMapping.objects.get().count == 1
