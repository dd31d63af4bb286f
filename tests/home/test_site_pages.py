"""Routing, links and visibility of pages agree with Wagtail's own queries, and follow a change at the next request."""

import datetime
from contextlib import suppress
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory
from wagtail.models import Page, PageViewRestriction, Site

from home.compiled_rows import first_row, row_by_pk
from home.models import ContactDetails, ContentPage, FooterLink, FooterMenu, HomePage, PauseNotice, ServicePage
from home.site_pages import SitePages, serve
from intake.models import ContactPage, IntakeSettings, MappingPage

pytestmark = pytest.mark.usefixtures("loaded_site")

PAGE_TYPES = [HomePage, ServicePage, ContentPage, ContactPage, MappingPage]


def add(parent: Page, slug: str, **fields: Any) -> Page:
    """Add a content page with this slug, even where the admin does not allow one."""
    page: Page = Page.objects.get(pk=parent.pk).add_child(instance=ContentPage(title=slug, slug=slug, **fields))
    return page


def at(path: str) -> Page:
    return Page.objects.get(url_path=f"/etusivu{path}")


def get(path: str) -> HttpRequest:
    return RequestFactory().get(path)


@pytest.fixture
def odd_tree(loaded_site: None) -> None:
    """Add a draft, a page below another page, a page below the draft, and a second page with a slug in use."""
    front = HomePage.objects.get()
    draft = add(front, "luonnos", live=False)
    add(draft, "luonnoksen-alla")
    service = at("/ryhmatyonohjaus/")
    add(service, "alla")
    add(service, "tietosuoja")
    add(at("/ota-yhteytta/"), "alasivu")


@pytest.mark.usefixtures("odd_tree")
def test_routing_finds_what_wagtail_finds() -> None:
    for path in (
        *("/", "//", "/ryhmatyonohjaus/", "/ryhmatyonohjaus/alla/", "/ryhmatyonohjaus/tietosuoja/", "/tietosuoja/"),
        *("/luonnos/", "/luonnos/luonnoksen-alla/", "/alla/", "/etusivu/", "/ei-ole/", "/ryhmatyonohjaus/ei/ole/"),
        *("/ota-yhteytta/viesti/", "/ota-yhteytta/alasivu/", "/ota-yhteytta/ei-ole/", "/alkukartoitus/aloita/"),
    ):
        expected = Page.route_for_request(get(path), path)
        request = get(path)
        with suppress(Http404):
            serve(request, path)
        found = request._wagtail_route_for_request  # type: ignore[attr-defined]
        assert (found is None) == (expected is None), path
        if found is not None and expected is not None:
            assert found.page == expected.page, path
            assert type(found.page) is type(expected.page), path
            assert [str(one) for one in found.args] == [str(one) for one in expected.args], path


@pytest.mark.parametrize("model", PAGE_TYPES)
def test_compiled_row_equals_the_object_of_the_orm(model: type[Page]) -> None:
    for expected in model.objects.all():
        for found in (row_by_pk(model, expected.pk), row_by_pk(model, expected.pk)):
            assert found == expected
            values = {field.attname: getattr(found, field.attname) for field in model._meta.concrete_fields}
            assert values == {field.attname: getattr(expected, field.attname) for field in model._meta.concrete_fields}
            assert found is not None
            assert not found.get_deferred_fields()
            assert isinstance(found.last_published_at, datetime.datetime)
    assert row_by_pk(model, 10**9) is None


@pytest.mark.parametrize("model", [ContactDetails, PauseNotice, IntakeSettings, FooterMenu])
def test_first_row_equals_the_setting_of_the_orm(model: Any) -> None:
    expected, found = model.objects.get(), first_row(model)
    for field in model._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(expected, field.attname), field.name
    model.objects.all().delete()
    assert first_row(model) is None
    assert model.load().pk


def links(path: str, within: str = "main") -> list[str]:
    soup = BeautifulSoup(Client().get(path).content, "html.parser")
    return [str(link["href"]) for link in soup.select(f"{within} a[href]")]


def test_link_follows_page_change_at_next_view() -> None:
    target = add(HomePage.objects.get(), "kohde")
    body = [{"type": "text", "value": {"heading": "", "text": f'<p><a linktype="page" id="{target.pk}">x</a></p>'}}]
    add(HomePage.objects.get(), "lahde", body=body)
    assert links("/lahde/") == ["/kohde/"]
    target.slug = "uusi"
    target.save()
    assert links("/lahde/") == ["/uusi/"]
    target.unpublish()
    assert links("/lahde/") == []
    target.delete()
    assert links("/lahde/") == []


def test_partly_read_page_knows_its_type() -> None:
    """A page of which some columns were read still knows its type, and loads the others on access."""
    mapping = MappingPage.objects.get()
    (page,) = SitePages().objects([mapping.pk])
    assert page is not None
    assert page.specific_class is MappingPage
    assert page.content_type_id == ContentType.objects.get_for_model(MappingPage).pk
    assert (page.title, page.url_path, page.draft_title) == (mapping.title, mapping.url_path, mapping.draft_title)


@pytest.mark.parametrize("over", ["itself", "above", "source"])
def test_page_restriction_is_inherited(over: str) -> None:
    source = at("/saavutettavuus/")
    above = add(HomePage.objects.get(), "ylla")
    page = add(above, "salainen")
    if over == "source":
        page = source.specific.create_alias(parent=HomePage.objects.get(), update_slug="kopio")
    restricted = {"itself": page, "above": above, "source": source}[over]
    assert Client().get(page.url).status_code == 200
    PageViewRestriction.objects.create(page=restricted, restriction_type="password", password="x")
    answer = Client().get(page.url)
    assert "salasana" in answer.content.decode().lower()
    assert "<h1>salainen" not in answer.content.decode()


def test_second_site_has_own_front_page() -> None:
    other = add(Page.objects.get(depth=1), "toinen")
    Site.objects.create(hostname="toinen.example.fi", port=80, root_page=other)
    pages = SitePages(request=RequestFactory().get("/", headers={"host": "toinen.example.fi"}))
    assert pages.front_page is not None
    assert pages.front_page.id == other.pk
    assert SitePages().front_page == SitePages().get(HomePage.objects.get().pk)
    outside = SitePages().get(other.pk)
    assert SitePages().url(outside) == other.get_url()


def test_site_without_a_default_has_no_front_page() -> None:
    Site.objects.update(hostname="other.example.fi", is_default_site=False)
    pages = SitePages(request=get("/"))
    assert (pages.site, pages.front_page, pages.menu_pages()) == (None, None, [])
    assert Client().get("/").status_code == 404


def footer_links() -> list[str]:
    return links("/yksilotyonohjaus/", "footer")


@pytest.mark.parametrize("is_chain", [False, True])
def test_alias_is_as_private_as_its_source(is_chain: bool) -> None:
    # In a chain, the alias in the middle is read although no menu shows it.
    source = add(at("/"), "salainen", show_in_menus=not is_chain)
    alias = source.create_alias(update_slug="kopio")
    if is_chain:
        alias = alias.create_alias(update_slug="kopion-kopio")
    below = add(alias, "alla")
    FooterLink.objects.create(menu=FooterMenu.load(), page=alias, sort_order=-1)
    path = f"/{alias.slug}/"
    assert path in footer_links()
    restriction = PageViewRestriction.objects.create(page=source, restriction_type="password", password="x")
    for one in (alias, below):
        page = SitePages().get(one.pk)
        assert page
        assert not SitePages().is_visible(page)
    assert path not in footer_links()
    assert 'type="password"' in Client().get(path).text
    restriction.delete()
    assert path in footer_links()


def test_restriction_of_an_alias_itself_hides_nothing() -> None:
    """Wagtail checks the restrictions of its source only, which is in no menu here."""
    alias = add(at("/"), "julkinen").create_alias(update_slug="kopio")
    FooterLink.objects.create(menu=FooterMenu.load(), page=alias, sort_order=-1)
    PageViewRestriction.objects.create(page=alias, restriction_type="password", password="x")
    assert 'type="password"' not in Client().get("/kopio/").text
    assert "/kopio/" in footer_links()


def test_alias_of_an_unpublished_page_leaves_the_menu() -> None:
    source = add(at("/"), "salainen", show_in_menus=True)
    source.create_alias(update_slug="kopio")
    assert "/kopio/" in links("/yksilotyonohjaus/", "header")
    source.unpublish()
    assert "/kopio/" not in links("/yksilotyonohjaus/", "header")
    assert Client().get("/kopio/").status_code == 404


def test_alias_names_its_source_as_canonical() -> None:
    source = add(at("/"), "alku")
    source.create_alias(update_slug="kopio").create_alias(update_slug="kopion-kopio")
    outside = Page.get_first_root_node().add_child(instance=ContentPage(title="Muu", slug="muu"))
    outside.create_alias(parent=at("/"), update_slug="omansa")
    for path, named in (("/alku/", "/alku/"), ("/kopion-kopio/", "/alku/"), ("/omansa/", "/omansa/")):
        head = BeautifulSoup(Client().get(path).content, "html.parser")
        assert [str(link["href"]) for link in head.select("link[rel=canonical]")] == [f"{settings.SITE_URL}{named}"]
    listed = Client().get("/sitemap.xml").text
    # Once: an alias in the sitemap would repeat the address of its source.
    assert listed.count("/alku/</loc>") == 1
    assert "kopio" not in listed
