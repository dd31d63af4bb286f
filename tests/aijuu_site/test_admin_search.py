"""The search of the admin takes whatever is typed."""

from urllib.parse import quote

import pytest
from django.test import Client
from wagtail.models import Page

from home.models import ContentPage, HomePage
from tests.accounts import make_user

pytestmark = pytest.mark.usefixtures("loaded_site")

_PLACES = ("/admin/pages/3/", "/admin/pages/search/", "/admin/images/", "/admin/choose-page/search/")
_TYPED = (
    '"',
    "'",
    "\"'(*",
    '"ryhmä',
    'ryhmä"',
    '"a" "b',
    "'ryhmä",
    "(",
    "*",
    ":",
    "\\",
    "AND",
    "NEAR",
    "{",
    "5 %",
    "\x01",
    "😀",
)


@pytest.mark.parametrize("typed", [*_TYPED, "x" * 3000, "a " * 2000, 'a "b c" ' * 500], ids=lambda typed: typed[:10])
def test_whatever_is_searched_in_admin_is_answered(client: Client, typed: str) -> None:
    client.force_login(make_user("Kati", group="Työnohjaaja"))
    for place in (*_PLACES, "/admin/images/chooser/results/"):
        assert client.get(f"{place}?q={quote(typed)}").status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        "lampi",
        "kuikka lampi",
        "Kuik",
        'kuikka"',
        '"kuikka',
        "“kuikka” lampi",
        "kuikka / lampi",
        'kuikka "',
        "lampi (kuik*)",
    ],
)
def test_signs_in_admin_search_hide_no_page(typed: str) -> None:
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Kuikka ja lampi", slug="kuikka"))
    HomePage.objects.get().add_child(instance=ContentPage(title="Metsä", slug="metsa"))
    assert [found.pk for found in Page.objects.all().autocomplete(typed)] == [page.pk]


def test_search_for_signs_alone_finds_nothing() -> None:
    for typed in ('"', "- /", " "):
        assert not list(Page.objects.all().autocomplete(typed))
        assert not list(Page.objects.all().search(typed))
