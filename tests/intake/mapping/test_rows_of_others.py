"""Whatever one person does leaves the enquiries, mappings, links and mails of all others as they are."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from intake.choices import Kind, Outcome, Status
from intake.enquiry.removal import remove_enquiry
from intake.mapping.links import page_link_for_enquiry, remove_unfinished
from intake.models import Enquiry, EnquiryStep, InitialMapping, MappingLink, MappingPage, OutgoingMail
from tests.intake.desk.mappings import ANSWERS, begun_alone, under_way, with_mapping
from tests.intake.enquiries import give_status, received
from tests.intake.mapping.answering import Answerer
from tests.intake.mapping.mailed_links import mail_link_for_enquiry
from tests.intake.visiting import Visitor, letter

Rows = dict[type[Model], list[dict[str, Any]]]
OWN = "maija.meikalainen@esimerkki.fi"


def rows(before: Rows | None = None) -> Rows:
    """Return all rows; only those in `before` where it is given."""
    kept: Rows = {}
    models: tuple[type[Model], ...] = (Enquiry, EnquiryStep, InitialMapping, MappingLink, OutgoingMail)
    for model in models:
        found = model._base_manager.order_by("pk")
        if before is not None:
            found = found.filter(pk__in=[row["id"] for row in before[model]])
        kept[model] = list(found.values())
    return kept


@pytest.fixture
def others(mapping_page: MappingPage) -> Rows:
    """Mappings that nobody has opened, that are under way with and without a message, and that were sent."""
    now = timezone.now() - timedelta(days=3)
    for _each in range(2):
        mail_link_for_enquiry(enquiry=received(now=now), now=now)
        both = received(now=now)
        under_way(both, now=now)
        page_link_for_enquiry(enquiry=both, now=now)
        begun_alone(answers=ANSWERS, now=now)
        with_mapping(now=now)
    return rows()


def own() -> Enquiry:
    return Enquiry.objects.get(email=OWN, closed_at=None)


def test_message_sent_again_leaves_rows_of_others(visitor: Visitor, others: Rows) -> None:
    visitor.sends()
    give_status(own(), Status.CLOSED, Outcome.NO_RESPONSE)
    visitor.sends()
    assert Enquiry.objects.filter(email=OWN).count() == 2
    assert rows(others) == others


def test_mapping_sent_twice_leaves_rows_of_others(others: Rows) -> None:
    for _each in range(2):
        Answerer().sends_all()
    assert own().kind == Kind.MAPPING
    assert MappingLink.objects.filter(mapping__enquiry=own()).count() == 2
    assert rows(others) == others


def test_confirmed_address_leaves_rows_of_others(visitor: Visitor, others: Rows) -> None:
    thanks = visitor.sends(letter(delivery_modes=["online"]))["Location"]
    reader, writer = (Answerer(secret=mail_link_for_enquiry(enquiry=own(), now=timezone.now())) for _each in range(2))
    writer.follows(visitor.client.post(thanks))
    writer.answers_all()
    assert reader.opens()["Location"] == reader.address("vaihe/1")
    assert visitor.client.post(thanks, {"email": OWN}, REMOTE_ADDR=visitor.network_address).status_code == 303
    assert reader.opens()["Location"] == reader.address("tarkista")
    assert rows(others) == others


def test_removal_leaves_rows_of_others(others: Rows) -> None:
    enquiry, now = received(email=OWN), timezone.now()
    expired = under_way(enquiry, now=now)
    page_link_for_enquiry(enquiry=enquiry, now=now)
    InitialMapping.objects.filter(pk=expired.pk).update(expires_at=now)
    assert remove_unfinished(now=now) == 1
    assert InitialMapping.objects.get(enquiry=enquiry).pk != expired.pk
    remove_enquiry(enquiry_id=enquiry.pk, now=now)
    assert rows() == rows(others) == others
