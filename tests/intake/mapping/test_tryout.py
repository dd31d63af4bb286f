"""Trying out the draft's questions in the admin: nothing is stored, and only answers that it signed are carried on."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from intake.models import MappingPage
from tests.intake.mapping.answering import ANSWERS, contact_facts
from tests.intake.visiting import page_text

HOSTILE = ("a" + "\u0301\u0316" * 2000, "\ufdfa" * 3000, "[" * 3000, "1.2. " * 600, "\r\n" * 1500)


@pytest.fixture
def tryout(mapping_page: MappingPage) -> str:
    """The address of the page's tryout."""
    mapping_page.save_revision()
    return reverse("mapping_tryout", args=[mapping_page.pk])


def test_tryout_accepts_only_its_signed_answers(kati: Client, tryout: str) -> None:
    def carried(response: Any) -> str:
        return str(BeautifulSoup(response.content.decode(), "html.parser").select_one("[name=carried]")["value"])  # type: ignore[index]

    first = carried(kati.post(tryout, {"place": "facts", **contact_facts()}))
    second = carried(kati.post(tryout, {"place": "0", "carried": first, **ANSWERS[0]}))
    third = carried(kati.post(tryout, {"place": "1", "carried": second, **ANSWERS[1]}))
    assert "Lisää tilaa ajatella." in page_text(kati.post(tryout, {"place": "2", "carried": third, **ANSWERS[2]}))
    forged = '[{"delivery_modes": 5}, {"kuka": {"a": 1}}]'
    assert kati.post(tryout, {"place": "check", "carried": forged}).status_code == 200


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 23, "9" * 5000])
def test_tryout_of_unknown_page_is_404(kati: Client, mapping_page: MappingPage, number: str) -> None:
    assert kati.get(f"/admin/alkukartoitus/kokeile/{number}/").status_code == 404


@pytest.mark.parametrize("name", ["carried", "place", "name", "q_muutos"])
def test_tryout_answers_hostile_text(kati: Client, tryout: str, name: str) -> None:
    for text in HOSTILE:
        assert kati.post(tryout, {"place": "1", name: text}).status_code in (200, 422)
