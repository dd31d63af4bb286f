"""The number of queries of each public page, which does not grow with the content that editors add."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail.images import get_image_model
from wagtail.models import Page

from home.models import ContentPage, FooterLink, HomePage, ServicePage
from tests.public_visits import visits

pytestmark = pytest.mark.usefixtures("loaded_site")

QUERIES = {
    "/": 6,
    "/yksilotyonohjaus/": 6,
    "/ryhmatyonohjaus/": 6,
    "/tyoyhteison-tyonohjaus/": 6,
    "/alkukartoitus/": 7,
    "/ota-yhteytta/": 7,
    "/tietosuoja/": 6,
    "/saavutettavuus/": 6,
    "mapping begins": 5,
    "mapping elsewhere": 4,
    "thanks": 7,
    "own copy": 5,
    "own copy that is gone": 4,
    "mapping contact facts": 8,
    "mapping step": 8,
    "mapping later": 7,
    "mapping check": 5,
    "not found": 5,
    "no such mapping": 5,
    "paused /": 6,
    "paused /ota-yhteytta/": 7,
    "paused /alkukartoitus/": 7,
    "dated /": 6,
    "dated /ota-yhteytta/": 7,
    "dated /alkukartoitus/": 7,
    "overdue /": 6,
    "overdue /ota-yhteytta/": 7,
    "overdue /alkukartoitus/": 7,
    "upcoming /": 6,
    "upcoming /ota-yhteytta/": 7,
    "upcoming /alkukartoitus/": 7,
    "resumed /": 6,
    "resumed /ota-yhteytta/": 7,
    "resumed /alkukartoitus/": 7,
    "own words /": 6,
    "own words /ota-yhteytta/": 7,
    "own words /alkukartoitus/": 7,
    "waiting list /": 6,
    "waiting list /ota-yhteytta/": 7,
    "waiting list /ota-yhteytta/viesti/": 7,
    "waiting list /alkukartoitus/": 7,
    "joined": 7,
    "private page": 8,
    "no such place": 4,
    "contact details /": 6,
    "contact details /ota-yhteytta/": 6,
    "contact details /alkukartoitus/": 7,
}


def queries(path: str, status: int = 200) -> int:
    client = Client()
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == status
    return len(caught)


def test_number_of_queries_of_public_pages() -> None:
    counted = {visit.name: queries(visit.path, visit.status) for visit in visits()}
    assert counted == QUERIES
    assert max(counted.values()) <= 8


def test_pages_always_in_the_footer_need_no_query() -> None:
    FooterLink.objects.all().delete()
    assert "/saavutettavuus/" in Client().get("/").text
    assert queries("/") == QUERIES["/"]


def below_front_page(slug: str) -> Page:
    """Add a published page that is in no menu."""
    page: Page = HomePage.objects.get().add_child(instance=ContentPage(title=slug, slug=slug))
    return page


def text(html: str) -> dict[str, Any]:
    return {"type": "text", "value": {"heading": "", "text": html}}


def linking(slugs: list[str]) -> list[dict[str, Any]]:
    pages = [below_front_page(slug) for slug in slugs]
    return [text(f'<p><a linktype="page" id="{page.pk}">{page.slug}</a></p>') for page in pages]


def chosen(slugs: list[str]) -> list[dict[str, Any]]:
    pages = [below_front_page(slug) for slug in slugs]
    return [{"type": "call_to_action", "value": {"text": "", "label": page.slug, "page": page.pk}} for page in pages]


def pictured(slugs: list[str]) -> list[dict[str, Any]]:
    pictures = get_image_model().objects.order_by("pk")[: len(slugs)]
    return [{"type": "image", "value": {"image": one.pk, "caption": one.title, "credit": ""}} for one in pictures]


def pictured_in_margin(slugs: list[str]) -> list[dict[str, Any]]:
    pictures = get_image_model().objects.order_by("pk")[: len(slugs)]
    values = [text(f"<p>{one.title}</p>")["value"] | {"image": one.pk} for one in pictures]
    return [{"type": "text", "value": value} for value in values]


def listed(slugs: list[str]) -> list[dict[str, Any]]:
    pages = [{"page": below_front_page(slug).pk, "text": slug} for slug in slugs]
    return [{"type": "page_links", "value": {"heading": "", "pages": pages}}]


def with_facts(slugs: list[str]) -> list[dict[str, Any]]:
    return [text(f"<p>{slug}: {{puhelin}}, {{sähköposti}}, {{nimi}}</p>") for slug in slugs]


@pytest.mark.parametrize("make", [linking, chosen, pictured, pictured_in_margin, listed, with_facts])
def test_number_of_blocks_does_not_add_queries(make: Callable[[list[str]], list[dict[str, Any]]]) -> None:
    front = HomePage.objects.get()
    front.add_child(instance=ContentPage(title="Vähän", slug="vahan", body=make(["yksi"])))
    front.add_child(instance=ContentPage(title="Paljon", slug="paljon", body=make(["kaksi", "kolme", "nelja"])))
    assert queries("/paljon/") == queries("/vahan/") <= 8


def test_page_with_everything_stays_within_budget() -> None:
    # No pictures in the margin: they need a separate query, which would be the ninth.
    picture = get_image_model().objects.first()
    body = [
        *linking(["yksi", "kaksi"]),
        *chosen(["kolme"]),
        *pictured(["x", "y"]),
        *listed(["nelja"]),
        *with_facts(["z"]),
    ]
    HomePage.objects.get().add_child(instance=ServicePage(title="Kaikki", slug="kaikki", image=picture, body=body))
    assert queries("/kaikki/") <= 8
