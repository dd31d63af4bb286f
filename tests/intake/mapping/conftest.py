"""A site with a mapping page whose set has every type of question."""

import pytest
from django.utils import timezone

from intake.models import ContactPage, MappingPage
from tests.intake.mapping.answering import Answerer
from tests.intake.mapping.asking import EVERY_TYPE, stream


@pytest.fixture
def mapping_page(contact_page: ContactPage) -> MappingPage:
    """The published mapping page with asking.EVERY_TYPE."""
    home = contact_page.get_parent()
    page = home.add_child(
        instance=MappingPage(
            title="Alkukartoitus",
            slug="alkukartoitus",
            questions=stream(EVERY_TYPE),
            elsewhere_question="Onko kyse kriisistä?",
            elsewhere_text="<p>Soita 112.</p>",
            last_published_at=timezone.now(),
        )
    )
    assert isinstance(page, MappingPage)
    return page


@pytest.fixture
def answerer(mapping_page: MappingPage) -> Answerer:
    """Somebody who found the mapping and has not begun."""
    return Answerer()


@pytest.fixture
def begun(answerer: Answerer) -> Answerer:
    """Somebody who has sent the contact facts."""
    assert answerer.begins().status_code == 303
    return answerer
