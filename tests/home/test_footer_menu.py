"""Footer links: chosen and ordered in the admin, and never to a page that a visitor can't read."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from wagtail.models import Page, PageViewRestriction
from wagtail.test.utils.form_data import inline_formset, nested_form_data

from home.content.loader import link_settings_to_pages
from home.menus import FooterLink, FooterMenu, build_menus
from home.models import ContactDetails, HomePage, ServicePage
from tests.accounts import make_user
from tests.two_windows import shown

pytestmark = pytest.mark.usefixtures("loaded_site")

FIRST = ["Alkukartoitus", "Ota yhteyttä", "Tietosuoja", "Saavutettavuus"]
ALWAYS = ["Tietosuoja", "Saavutettavuus"]


@pytest.fixture
def kati(client: Client) -> Client:
    client.force_login(make_user(group="Työnohjaaja"))
    return client


def footer() -> list[str]:
    return [link.get_text().replace("\u00ad", "") for link in footer_links()]


def footer_links() -> list[Any]:
    return BeautifulSoup(Client().get("/ryhmatyonohjaus/").content, "html.parser").select(".site-footer__menu a")


def address() -> str:
    return f"/admin/settings/home/footermenu/{FooterMenu.load().pk}/"


def row(title: str, number: int) -> dict[str, str]:
    """Return the form data of an added link."""
    return {
        f"links-{number}-id": "",
        f"links-{number}-page": str(page(title).pk),
        f"links-{number}-ORDER": str(number + 1),
        f"links-{number}-DELETE": "",
        "links-TOTAL_FORMS": str(number + 1),
    }


def link_errors(answer: Any) -> str:
    return " ".join(answer.context["form"].formsets["links"].non_form_errors())


def page(title: str) -> Page:
    return Page.objects.get(title=title, depth__gt=1)


def save(client: Client, *titles: str) -> Any:
    """Submit the form with links to these pages, in this order, in place of all stored links."""
    stored = list(FooterLink.objects.order_by("sort_order"))
    rows = [
        {"id": link.pk, "page": link.page_id, "ORDER": number, "DELETE": "on"}
        for number, link in enumerate(stored, start=1)
    ]
    # Reversed, because ORDER counts and not the position of a row in the form.
    rows += [
        {"id": "", "page": page(title).pk, "ORDER": len(stored) + number} for number, title in enumerate(titles, 1)
    ][::-1]
    return client.post(address(), nested_form_data({"links": inline_formset(rows, initial=len(stored))}))


def test_first_start_shows_four_links() -> None:
    assert footer() == FIRST


def test_supervisor_chooses_and_orders_footer_links(kati: Client) -> None:
    assert save(kati, "Saavutettavuus", "Ryhmätyönohjaus", "Tietosuoja").status_code == 302
    assert footer() == ["Saavutettavuus", "Ryhmätyönohjaus", "Tietosuoja"]
    assert all(Client().get(str(link["href"])).status_code == 200 for link in footer_links())


def test_privacy_and_accessibility_never_leave_the_footer(kati: Client) -> None:
    assert save(kati, "Ota yhteyttä").status_code == 302
    assert footer() == ["Ota yhteyttä", *ALWAYS]
    assert save(kati).status_code == 302
    assert not FooterLink.objects.exists()
    assert footer() == ALWAYS


def test_empty_footer_without_important_pages() -> None:
    FooterLink.objects.all().delete()
    ContactDetails.objects.update(privacy_page=None, accessibility_page=None)
    shown = Client().get("/")
    assert shown.status_code == 200
    assert "site-footer__menu" not in shown.text


def test_same_page_twice_is_refused(kati: Client) -> None:
    refused = save(kati, "Tietosuoja", "Tietosuoja")
    assert refused.status_code == 200
    assert refused.context["form"].formsets["links"].non_form_errors()
    assert footer() == FIRST


@pytest.mark.parametrize("title", ["Alkukartoitus", "Tietosuoja"])
def test_unpublished_page_leaves_the_footer_and_returns(title: str) -> None:
    gone = page(title).specific
    gone.unpublish()
    assert footer() == [one for one in FIRST if one != title]
    assert all(Client().get(str(link["href"])).status_code == 200 for link in footer_links())
    gone.save_revision().publish()
    assert footer() == FIRST


def test_private_page_is_left_out_of_both_menus() -> None:
    restricted = page("Alkukartoitus")
    PageViewRestriction.objects.create(page=restricted, restriction_type="password", password="x")
    shown = BeautifulSoup(Client().get("/").content, "html.parser")
    titles = [link.get_text() for link in shown.select(".site-menu a, .site-footer__menu a")]
    assert "Ota yhteyttä" in titles
    assert "Alkukartoitus" not in titles


def test_page_outside_the_site_is_left_out() -> None:
    elsewhere = Page.get_first_root_node().add_child(instance=HomePage(title="Muualla", slug="muualla"))
    FooterLink.objects.create(menu=FooterMenu.load(), page=elsewhere, sort_order=-1)
    assert footer() == FIRST


def test_deleting_page_deletes_its_link() -> None:
    page("Alkukartoitus").specific.delete()
    assert footer() == FIRST[1:]
    assert FooterLink.objects.count() == 3


def test_nested_page_is_in_footer_menu_only() -> None:
    below = page("Ryhmätyönohjaus").add_child(instance=ServicePage(title="Alla", slug="alla", show_in_menus=True))
    FooterLink.objects.create(menu=FooterMenu.load(), page=below, sort_order=-1)
    request = RequestFactory().get("/")
    menus = build_menus(request)
    assert menus.footer[0].title == "Alla"
    assert "Alla" not in [item.title for item in menus.main]


def test_more_links_need_no_more_queries() -> None:
    def queries() -> int:
        request = RequestFactory().get("/")
        request.user = AnonymousUser()
        with CaptureQueriesContext(
            connection,
        ) as caught:
            build_menus(request)
        return len(caught)

    queries()
    few = queries()
    for title in ("Yksilötyönohjaus", "Ryhmätyönohjaus", "Työyhteisön työnohjaus"):
        FooterLink.objects.create(menu=FooterMenu.load(), page=page(title), sort_order=9)
    assert len(footer()) == 7
    assert queries() == few


def test_reloaded_pages_get_their_footer_links() -> None:
    """As when the front page was deleted: the pages are loaded again, and the setting has no links."""
    FooterLink.objects.all().delete()
    link_settings_to_pages()
    assert [link.page.title for link in FooterLink.objects.order_by("sort_order")] == FIRST


def test_links_of_the_editor_are_not_replaced(kati: Client) -> None:
    save(kati, "Ryhmätyönohjaus")
    link_settings_to_pages()
    assert [link.page.title for link in FooterLink.objects.all()] == ["Ryhmätyönohjaus"]


def test_unchanged_links_keep_other_windows_change(kati: Client) -> None:
    first = second = shown(kati.get(address()))
    assert kati.post(address(), {**first, "links-0-DELETE": "1"}).status_code == 302
    assert kati.post(address(), second).status_code == 302
    assert footer() == FIRST[1:]


def test_links_changed_in_both_windows_are_refused_once(kati: Client) -> None:
    first = second = shown(kati.get(address()))
    assert kati.post(address(), {**first, "links-0-DELETE": "1"}).status_code == 302
    # The first two change places, and one is added.
    moved = {**second, "links-0-ORDER": "2", "links-1-ORDER": "1", **row("Ryhmätyönohjaus", 4)}
    refused = kati.post(address(), moved)
    assert refused.status_code == 200
    assert link_errors(refused) == (
        "Linkkejä on muutettu toisessa ikkunassa. Nyt ne ovat: Ota yhteyttä, Tietosuoja, Saavutettavuus. "
        "Tallenna uudelleen, jos haluat näiden korvaavan ne."
    )
    assert link_errors(refused) in refused.text
    assert footer() == FIRST[1:]
    assert kati.post(address(), shown(refused)).status_code == 302
    assert footer() == ["Ota yhteyttä", "Alkukartoitus", "Tietosuoja", "Saavutettavuus", "Ryhmätyönohjaus"]


def test_links_are_refused_again_after_a_third_window(kati: Client) -> None:
    windows = [shown(kati.get(address()))] * 2
    save(kati, "Ota yhteyttä")
    refused = kati.post(address(), {**windows[0], "links-3-DELETE": "1"})
    save(kati)
    again = kati.post(address(), shown(refused))
    assert "Nyt niitä ei ole yhtään." in link_errors(again)
    assert kati.post(address(), shown(again)).status_code == 302
    assert footer() == FIRST
    assert kati.post(address(), windows[1]).status_code == 302


@pytest.mark.parametrize("is_changed", [False, True])
def test_link_of_a_page_deleted_meanwhile_is_dropped(kati: Client, is_changed: bool) -> None:
    form = shown(kati.get(address()))
    page("Alkukartoitus").specific.delete()
    answer = kati.post(address(), {**form, **(row("Ryhmätyönohjaus", 4) if is_changed else {})})
    if is_changed:
        assert "Nyt ne ovat: Ota yhteyttä" in link_errors(answer)
        answer = kati.post(address(), shown(answer))
    assert answer.status_code == 302
    assert footer() == [*FIRST[1:], *(["Ryhmätyönohjaus"] if is_changed else [])]


def test_link_with_invalid_page_is_refused(kati: Client) -> None:
    form = shown(kati.get(address()))
    for number in ("x", "", "0", "9" * 30, "4711"):
        refused = kati.post(address(), {**form, "links-1-page": number})
        assert refused.status_code == 200
        assert refused.context["form"].formsets["links"].errors[1].keys() == {"page"}, number
    assert footer() == FIRST


def test_post_without_links_removes_none(kati: Client) -> None:
    for sent in ({}, {"links-TOTAL_FORMS": "x"}, {"links-TOTAL_FORMS": "4", "links-INITIAL_FORMS": "4"}):
        kati.post(address(), sent)
    assert footer() == FIRST


def test_row_without_order_is_last(kati: Client) -> None:
    form = shown(kati.get(address()))
    assert kati.post(address(), {**form, "links-0-ORDER": ""}).status_code == 302
    assert footer() == [*FIRST[1:], FIRST[0]]


def test_same_change_in_both_windows_is_saved(kati: Client) -> None:
    windows = [shown(kati.get(address()))] * 2
    for form in windows:
        assert kati.post(address(), {**form, "links-0-DELETE": "1"}).status_code == 302
    assert footer() == FIRST[1:]


def test_row_without_page_keeps_its_error_when_refused(kati: Client) -> None:
    first = second = shown(kati.get(address()))
    kati.post(address(), {**first, "links-0-DELETE": "1"})
    refused = kati.post(address(), {**second, "links-1-page": ""})
    assert "Nyt ne ovat: Ota yhteyttä" in link_errors(refused)
    assert [list(row) for row in refused.context["form"].formsets["links"].errors] == [[], ["page"], [], []]
