"""WAGTAILADMIN_UNSAFE_PAGE_DELETION_LIMIT: more than one page goes only when the name of the site is typed."""

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


def asked(answer: Any) -> bool:
    """Whether the form asks for the name, and says so."""
    page = BeautifulSoup(answer.content, "html.parser")
    field = page.select_one("[name=confirm_site_name]")
    assert field is None or (field.has_attr("required") and f"Kirjoita {NAME}" in " ".join(page.get_text().split()))
    return field is not None


def left(*pages: Page) -> int:
    return Page.objects.filter(pk__in=[page.pk for page in pages]).count()


def test_one_page_is_deleted_without_its_name(editor: Client, pages: list[Page]) -> None:
    one, other = pages
    for page, address in ((one, single(one)), (other, bulk(other))):
        assert not asked(editor.get(address))
        assert editor.post(address).status_code == 302
        assert left(page) == 0


def test_two_pages_need_the_typed_name(editor: Client, pages: list[Page]) -> None:
    address = bulk(*pages)
    assert asked(editor.get(address))
    # An empty field is stopped by the browser alone (`required`): Wagtail lets it pass.
    for typed in ("aijuu", "Aijuu"):
        assert asked(editor.post(address, {"confirm_site_name": typed}))
        assert left(*pages) == 2
    assert editor.post(address, {"confirm_site_name": NAME}).status_code == 302
    assert left(*pages) == 0


@pytest.mark.parametrize("address", [single, bulk])
def test_page_with_one_below_needs_the_typed_name(editor: Client, pages: list[Page], address: Any) -> None:
    above = pages[0]
    below = above.add_child(instance=ServicePage(title="Alla", slug="alla"))
    assert asked(editor.get(address(above)))
    assert asked(editor.post(address(above), {"confirm_site_name": "väärä"}))
    assert left(above, below) == 2
    assert editor.post(address(above), {"confirm_site_name": NAME}).status_code == 302
    assert left(above, below) == 0


def test_front_page_is_deleted_by_nobody(editor: Client) -> None:
    front = Page.objects.get(slug="etusivu", depth=2)
    for address in (single(front), bulk(front)):
        editor.post(address, {"confirm_site_name": NAME})
    assert left(front) == 1
    assert left(*Page.objects.child_of(front)) > 5
