"""Without a phone number, no page asks the visitor to call."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from home.models import ContactDetails
from home.pause.rules import FormMode
from intake.models import Enquiry
from tests.intake.mapping.answering import START
from tests.intake.visiting import ADDRESS, Visitor, letter
from tests.intake.waiting.visitors import MESSAGE, joins, private_address, set_pause

pytestmark = pytest.mark.django_db

# Left out of the check: text of editors; the emergency number 112; calls to the visitor.
EDITORS = re.compile(r'<div class="prose">.*?</div>', re.DOTALL)
OTHERS = re.compile(r'soita (?:<a href="tel:)?112|Jos sinulle saa soittaa', re.IGNORECASE)
CALL = re.compile(r"[^<>]*\bsoit(?:a|taa)\b[^<>]*", re.IGNORECASE)


def _pages() -> Iterator[str]:
    set_pause(FormMode.AS_USUAL, active=False)
    yield from (ADDRESS, START, Visitor().sends(letter())["Location"])
    yield f"/jatka/{Enquiry.objects.get().receipt}/kopio/tiedosto/"
    set_pause(FormMode.WAITING_LIST)
    yield from (ADDRESS, MESSAGE, joins(Visitor())["Location"], private_address(Enquiry.objects.get(kind="waiting")))
    set_pause(FormMode.CONTACT_DETAILS)
    yield from ("/", ADDRESS, START)


def test_no_page_asks_to_call_without_phone(loaded_site: None) -> None:
    ContactDetails.objects.update(phone="")
    for path in _pages():
        answer = Client().get(path)
        assert answer.status_code == 200
        page = answer.text.replace("\u00a0", " ")
        assert CALL.findall(OTHERS.sub("", EDITORS.sub("", page))) == [], path
