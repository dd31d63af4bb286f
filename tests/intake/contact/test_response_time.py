"""The response time fits into the middle of a sentence, however Kati typed it."""

import re

import pytest
from django.test import Client

from home.models import ContactDetails
from tests.intake.enquiries import received

pytestmark = pytest.mark.usefixtures("loaded_site")


def sentences(response_time: str) -> list[str]:
    """Return the text and the HTML of the confirmation, and the thank-you page."""
    ContactDetails.objects.update(response_time=response_time)
    enquiry = received(email="maija@esimerkki.fi")
    mail = enquiry.mails.get(recipient="maija@esimerkki.fi")
    page = Client().get(f"/ota-yhteytta/kiitos/{enquiry.receipt}/")
    assert page.status_code == 200
    return [mail.text, mail.html, page.text]


@pytest.mark.parametrize(
    "written", ["Kahdessa arkipäivässä.", "kahdessa arkipäivässä", "Vastaan kahdessa arkipäivässä"]
)
def test_response_time_fits_into_the_sentence(written: str) -> None:
    for text in sentences(written):
        assert " kahdessa arkipäivässä." in text
        assert ".." not in text.replace("...", "")


def test_punctuation_only_response_time_is_ignored() -> None:
    for text in sentences(" . "):
        assert not re.search(r"vastaan? *\.\.|vastaan? +\.", text)
        assert re.search(r"vastaa(n siihen| sinulle)\.", text)
