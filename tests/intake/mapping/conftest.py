"""A site with a mapping page whose set has every type of question."""

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from intake.models import ContactPage, MappingPage
from tests.intake.mapping.answering import Answerer
from tests.intake.mapping.asking import EVERY_TYPE, stream
from tests.loaded_rows import KeptRows


def _make_mapping_page() -> None:
    ContactPage.objects.get().get_parent().add_child(
        instance=MappingPage(
            title="Alkukartoitus",
            slug="alkukartoitus",
            questions=stream(EVERY_TYPE),
            elsewhere_question="Onko kyse kriisistä?",
            elsewhere_text="<p>Soita 112.</p>",
        )
    )


@pytest.fixture(scope="session")
def _mapping_page_rows(_contact_page_rows: KeptRows, django_db_blocker: DjangoDbBlocker) -> KeptRows:
    with django_db_blocker.unblock(), transaction.atomic():
        _contact_page_rows.put_back()
        rows = KeptRows(_make_mapping_page)
        transaction.set_rollback(True)
    return rows


@pytest.fixture
def mapping_page(contact_page: ContactPage, _mapping_page_rows: KeptRows) -> MappingPage:
    """The published mapping page with asking.EVERY_TYPE."""
    _mapping_page_rows.put_back()
    MappingPage.objects.update(last_published_at=timezone.now())
    return MappingPage.objects.get()


@pytest.fixture
def answerer(mapping_page: MappingPage) -> Answerer:
    """Somebody who found the mapping and has not begun."""
    return Answerer()


@pytest.fixture(scope="session")
def _begun_rows(
    _contact_page_rows: KeptRows, _mapping_page_rows: KeptRows, django_db_blocker: DjangoDbBlocker
) -> tuple[KeptRows, str]:
    answerer = Answerer()

    def begin() -> None:
        assert answerer.begins().status_code == 303

    with django_db_blocker.unblock(), transaction.atomic():
        for rows in (_contact_page_rows, _mapping_page_rows):
            rows.put_back()
        MappingPage.objects.update(last_published_at=timezone.now())
        begun_rows = KeptRows(begin)
        transaction.set_rollback(True)
    return begun_rows, answerer.secret


@pytest.fixture
def begun(mapping_page: MappingPage, _begun_rows: tuple[KeptRows, str]) -> Answerer:
    """Somebody who has sent the contact facts."""
    rows, secret = _begun_rows
    rows.put_back()
    return Answerer(secret=secret)
