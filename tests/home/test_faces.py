"""Breadcrumbs, the drawings of the services, and addresses of links in print."""

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils.safestring import SafeString
from wagtail.images import get_image_model
from wagtail.models import Page

from home.menus import build_breadcrumbs
from home.models import ContentPage, ServicePage
from home.templatetags.home_tags import mark_bare_links

SERVICES = ["yksilotyonohjaus", "ryhmatyonohjaus", "tyoyhteison-tyonohjaus"]


def request_for(path: str) -> HttpRequest:
    return RequestFactory().get(path, headers={"host": "127.0.0.1"})


@pytest.fixture
def deep_page(loaded_site: None) -> ContentPage:
    """A page two levels below the front page."""
    parent = ContentPage.objects.get(slug="tietosuoja")
    page: ContentPage = parent.add_child(instance=ContentPage(title="Lokit & varmuuskopiot", slug="lokit"))
    return page


def test_nested_page_shows_breadcrumbs(deep_page: ContentPage, client: Client) -> None:
    soup = BeautifulSoup(client.get("/tietosuoja/lokit/").content, "html.parser")
    nav = soup.find("nav", attrs={"aria-label": "Murupolku"})
    assert nav is not None
    assert [(link["href"], link.get_text()) for link in nav.find_all("a")] == [
        ("/", "Etusivu"),
        ("/tietosuoja/", "Tietosuoja"),
    ]
    here = nav.find(attrs={"aria-current": "page"})
    assert here is not None
    assert here.get_text() == "Lokit & varmuuskopiot"


@pytest.mark.parametrize("address", ["/", "/yksilotyonohjaus/", "/ota-yhteytta/", "/tietosuoja/", "/tata-ei-ole/"])
def test_no_breadcrumbs_on_top_pages_and_errors(visitor: Client, address: str) -> None:
    assert "Murupolku" not in visitor.get(address).text


def test_breadcrumbs_skip_unpublished_parent(deep_page: ContentPage) -> None:
    deep_page.get_parent().unpublish()
    breadcrumbs = build_breadcrumbs(request_for("/tietosuoja/lokit/"), deep_page)
    assert [(item.title, item.is_current) for item in breadcrumbs] == [
        ("Etusivu", False),
        ("Lokit & varmuuskopiot", True),
    ]


def test_subview_breadcrumbs_link_parent_page(loaded_site: None) -> None:
    contact = Page.objects.get(slug="ota-yhteytta")
    breadcrumbs = build_breadcrumbs(request_for("/ota-yhteytta/kiitos/x/"), contact, "Viesti lähetetty")
    assert [(item.title, item.url) for item in breadcrumbs[:-1]] == [
        ("Etusivu", "/"),
        ("Ota yhteyttä", "/ota-yhteytta/"),
    ]
    assert (breadcrumbs[-1].title, breadcrumbs[-1].is_current) == ("Viesti lähetetty", True)


@pytest.mark.parametrize("slug", SERVICES)
def test_service_drawing_has_empty_alt_text(visitor: Client, slug: str) -> None:
    soup = BeautifulSoup(visitor.get(f"/{slug}/").content, "html.parser")
    (picture,) = soup.select("main figure img")
    assert picture["alt"] == ""
    assert int(str(picture["width"])) > 0
    assert int(str(picture["height"])) > 0
    assert str(picture["src"]).endswith(".svg")


@pytest.mark.usefixtures("loaded_site")
def test_service_drawings_differ_and_are_small() -> None:
    images = [ServicePage.objects.get(slug=slug).image for slug in SERVICES]
    assert len({image.pk for image in images}) == 3
    drawings = [image.file.read() for image in images]
    assert len(set(drawings)) == 3
    for drawing in drawings:
        assert drawing.startswith(b"<svg ")
        assert len(drawing) < 6_000


def test_page_renders_without_deleted_drawing(visitor: Client) -> None:
    get_image_model().objects.all().delete()
    html = visitor.get("/yksilotyonohjaus/").text
    assert "<figure" not in html
    assert "<h1>Yksilötyönohjaus</h1>" in html


def test_page_shows_its_url_in_print(visitor: Client) -> None:
    soup = BeautifulSoup(visitor.get("/tietosuoja/?x=1").content, "html.parser")
    assert [line.get_text() for line in soup.select("footer .print-only")] == [f"{settings.SITE_URL}/tietosuoja/"]


def test_only_bare_url_links_are_marked() -> None:
    bare = '<a href="https://example.org/x">https://example.org/x</a>'
    others = '<a href="https://example.org/x">Esimerkki</a> <a href="#alempana">alempana</a>'
    marked = '<a class="bare-link" href="https://example.org/x">https://example.org<wbr>/x</a>'
    assert mark_bare_links(SafeString(bare)) == marked
    assert mark_bare_links(SafeString(others)) == others
    assert mark_bare_links("<b>") == "&lt;b&gt;"


def test_internal_link_has_data_address_for_print(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "SITE_URL", "https://aijuu.fi")
    link = SafeString('<a href="/ryhmatyonohjaus/#hinta">Ryhmätyönohjaus</a>')
    assert mark_bare_links(link) == link.replace("<a ", '<a data-address="aijuu.fi/ryhmatyonohjaus/" ')
    elsewhere = SafeString('<a href="//example.org/">muualla</a> <a href="/#kysymykset">kysymyksiä</a>')
    assert mark_bare_links(elsewhere) == elsewhere
