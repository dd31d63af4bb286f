"""WAGTAILADMIN_UNSAFE_PAGE_DELETION_LIMIT: deleting more than one page needs the typed name of the site."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from wagtail.models import Page

from home.models import ServicePage
from tests.accounts import make_user

pytestmark = pytest.mark.usefixtures("loaded_site")

NAME = "Aijuu työnohjaus"


@pytest.fixture(params=["Sisällöntuottaja", "Työnohjaaja"])
def editor(request: pytest.FixtureRequest, client: Client) -> Client:
    client.force_login(make_user(group=request.param))
    return client


@pytest.fixture
def pages() -> list[Page]:
    return list(ServicePage.objects.order_by("path"))[:2]


def bulk(*pages: Page) -> str:
    return "/admin/bulk/wagtailcore/page/delete/?next=/admin/&" + "&".join(f"id={page.pk}" for page in pages)


def single(page: Page) -> str:
    return f"/admin/pages/{page.pk}/delete/"


def asks_for_name(answer: Any) -> bool:
    """Return whether the form has the field for the name; if so, assert that it is labelled and required."""
    page = BeautifulSoup(answer.content, "html.parser")
    field = page.select_one("[name=confirm_site_name]")
    assert field is None or (field.has_attr("required") and f"Kirjoita {NAME}" in " ".join(page.get_text().split()))
    return field is not None


def remaining(*pages: Page) -> int:
    return Page.objects.filter(pk__in=[page.pk for page in pages]).count()


def test_single_page_is_deleted_without_typed_name(editor: Client, pages: list[Page]) -> None:
    one, other = pages
    for page, address in ((one, single(one)), (other, bulk(other))):
        assert not asks_for_name(editor.get(address))
        assert editor.post(address).status_code == 302
        assert remaining(page) == 0


def test_two_pages_need_the_typed_name(editor: Client, pages: list[Page]) -> None:
    address = bulk(*pages)
    assert asks_for_name(editor.get(address))
    # Only the browser refuses an empty field (`required`): Wagtail accepts it.
    for typed in ("aijuu", "Aijuu"):
        assert asks_for_name(editor.post(address, {"confirm_site_name": typed}))
        assert remaining(*pages) == 2
    assert editor.post(address, {"confirm_site_name": NAME}).status_code == 302
    assert remaining(*pages) == 0


@pytest.mark.parametrize("address", [single, bulk])
def test_page_with_child_needs_the_typed_name(editor: Client, pages: list[Page], address: Any) -> None:
    above = pages[0]
    below = above.add_child(instance=ServicePage(title="Alla", slug="alla"))
    assert asks_for_name(editor.get(address(above)))
    assert asks_for_name(editor.post(address(above), {"confirm_site_name": "väärä"}))
    assert remaining(above, below) == 2
    assert editor.post(address(above), {"confirm_site_name": NAME}).status_code == 302
    assert remaining(above, below) == 0


def test_front_page_cannot_be_deleted(editor: Client) -> None:
    front = Page.objects.get(slug="etusivu", depth=2)
    for address in (single(front), bulk(front)):
        editor.post(address, {"confirm_site_name": NAME})
    assert remaining(front) == 1
    assert remaining(*Page.objects.child_of(front)) > 5
