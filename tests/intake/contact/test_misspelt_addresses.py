"""Misspelt addresses, as people type them, redirect to the intended page."""

import pytest
from django.test import Client

from home.models import ContentPage
from intake.models import ContactPage
from tests.intake.visiting import ADDRESS


@pytest.mark.parametrize(
    "typed",
    [
        "/Ota-yhteytta/",
        "/OTA-YHTEYTTA/",
        "/ota-yhteyttä/",
        "/Ota-Yhteytta\u0308/",
        "/ota_yhteytta/",
        "/ota yhteyttä/",
        "/ota-yhteytta /",
        "/ota-yhteytta//",
        "/ota-yhteytta/.",
        "/ota-yhteytta).",
        "/ota-yhteytta/\u201d",
        "/ota-yhteytta/\u2026",
        "/ota-yhteytta/\u00a0",
        "/ota-yhteytta\u00a0-/",
    ],
)
def test_misspelt_address_redirects_to_page(contact_page: ContactPage, typed: str) -> None:
    answer = Client().get(typed, {"utm": "x"}, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1] == (f"{ADDRESS}?utm=x", 301)


def test_misspelt_subroute_redirects(contact_page: ContactPage) -> None:
    assert Client().get("/Ota-yhteyttä/Viesti/")["Location"] == f"{ADDRESS}viesti/"


@pytest.mark.parametrize(
    "typed",
    ["/ota-yhteyttaa/", "/ota/", "/\u00e4/", "/%C3/", "/x//evil.example/", "/ota-yhteytta/ei-ole/"],
)
def test_another_address_is_not_found(contact_page: ContactPage, typed: str) -> None:
    assert Client().get(typed).status_code == 404


def test_misspelt_address_of_draft_is_not_found(contact_page: ContactPage) -> None:
    contact_page.get_parent().add_child(instance=ContentPage(title="Luonnos", slug="luonnos", live=False))
    assert Client().get("/Luonnos/").status_code == 404


def test_punctuation_only_redirects_to_front_page(contact_page: ContactPage) -> None:
    assert Client().get("/).", follow=True).redirect_chain[-1] == ("/", 301)
