"""The response time stands in the middle of sentences, however Kati wrote it."""

import re

import pytest
from django.test import Client

from home.models import ContactDetails
from tests.intake.enquiries import received

pytestmark = pytest.mark.usefixtures("loaded_site")


def sentences(response_time: str) -> list[str]:
    """The confirmation as text and as HTML, and the page that says it has arrived."""
    ContactDetails.objects.update(response_time=response_time)
    enquiry = received(email="maija@esimerkki.fi")
    mail = enquiry.mails.get(recipient="maija@esimerkki.fi")
    page = Client().get(f"/ota-yhteytta/kiitos/{enquiry.receipt}/")
    assert page.status_code == 200
    return [mail.text, mail.html, page.text]


@pytest.mark.parametrize(
    "written", ["Kahdessa arkipäivässä.", "kahdessa arkipäivässä", "Vastaan kahdessa arkipäivässä"]
)
def test_sentence_is_one_however_it_was_written(written: str) -> None:
    for text in sentences(written):
        assert " kahdessa arkipäivässä." in text
        assert ".." not in text.replace("...", "")


def test_nothing_but_a_full_stop_is_nothing() -> None:
    for text in sentences(" . "):
        assert not re.search(r"vastaan? *\.\.|vastaan? +\.", text)
        assert re.search(r"vastaa(n siihen| sinulle)\.", text)
