"""The warning about sensitive text: in full above the first text of a mapping, in one line at the others."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from intake.models import MappingPage
from tests.intake.mapping.answering import Answerer, contact_facts
from tests.intake.mapping.asking import row, step, stream
from tests.intake.visiting import ShownForm

REMINDER = "Kirjoita tässäkin yleisellä tasolla."


def warnings_of(page: Any) -> tuple[int, list[str]]:
    """Return how often the full warning is on a step, and the labels of the questions with the reminder."""
    soup = BeautifulSoup(page.content, "html.parser")
    reminded = [
        str(field.select_one("label").get_text(strip=True)).split("(")[0].strip()  # type: ignore[union-attr]
        for field in soup.select(".question .field")
        if REMINDER in field.get_text()
    ]
    return len(soup.select(".caution")), reminded


@pytest.fixture
def asked(mapping_page: MappingPage) -> Answerer:
    mapping_page.questions = stream(
        [
            step("Ensin"),
            row("yes_no", "tuttu", label="Tunnetko Katin?"),
            row("short_text", "a", label="Mistä?"),
            row("long_text", "b", label="Mitä toivot?"),
            step("Sitten"),
            row("number", "n", label="Kuinka monta?"),
            row("short_text", "c", label="Milloin?"),
        ]
    )
    mapping_page.save()
    answerer = Answerer()
    assert answerer.begins().status_code == 303
    return answerer


def test_full_warning_is_shown_once_in_a_mapping(asked: Answerer) -> None:
    assert warnings_of(asked.opens("vaihe/1")) == (1, ["Mitä toivot?"])
    asked.sends_step(1, {"q_tuttu": "yes"})
    assert warnings_of(asked.opens("vaihe/2")) == (0, ["Milloin?"])


def test_preview_and_tryout_warn_alike(asked: Answerer, mapping_page: MappingPage, kati: Client) -> None:
    assert warnings_of(mapping_page.make_preview_request(preview_mode="step-1")) == (1, ["Mitä toivot?"])
    assert warnings_of(mapping_page.make_preview_request(preview_mode="step-2")) == (0, ["Milloin?"])
    mapping_page.save_revision()
    address = reverse("mapping_tryout", args=[mapping_page.pk])
    page: Any = kati.post(address, {**ShownForm.of(kati.get(address)).values, **contact_facts()})
    assert warnings_of(page) == (1, ["Mitä toivot?"])
    page = kati.post(address, {**ShownForm.of(page).values, "q_tuttu": "yes"})
    assert warnings_of(page) == (0, ["Milloin?"])
