"""The admin's search accepts any input."""

from urllib.parse import quote

import pytest
from django.test import Client
from wagtail.images import get_image_model
from wagtail.models import Page
from wagtail.search.utils import parse_query_string

from home.models import ContentPage, HomePage
from tests.accounts import make_user

pytestmark = pytest.mark.usefixtures("loaded_site")

_PLACES = (
    "/admin/pages/3/",
    "/admin/pages/search/",
    "/admin/images/",
    "/admin/choose-page/search/",
    "/admin/images/chooser/results/",
)
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


_LONG = ("x" * 3000, "a " * 2000, 'a "b c" ' * 500)


@pytest.mark.parametrize("typed", [*_TYPED, *_LONG], ids=lambda typed: typed[:10])
def test_search_accepts_any_input(typed: str) -> None:
    # As in the views: the page search parses the input, and lists and choosers use autocomplete().
    _filters, parsed = parse_query_string(typed, operator="and")
    list(Page.objects.all().search(parsed))
    for model in (Page, get_image_model()):
        list(model.objects.all().search(typed))
        list(model.objects.all().autocomplete(typed))


@pytest.mark.parametrize("place", _PLACES)
def test_admin_search_views_accept_any_input(client: Client, place: str) -> None:
    client.force_login(make_user("Kati", group="Työnohjaaja"))
    for typed in ("\"'(*", 'ryhmä"', _LONG[0]):
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
def test_punctuation_in_admin_search_hides_no_page(typed: str) -> None:
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Kuikka ja lampi", slug="kuikka"))
    HomePage.objects.get().add_child(instance=ContentPage(title="Metsä", slug="metsa"))
    assert [found.pk for found in Page.objects.all().autocomplete(typed)] == [page.pk]


def test_search_for_punctuation_alone_finds_nothing() -> None:
    for typed in ('"', "- /", " "):
        assert not list(Page.objects.all().autocomplete(typed))
        assert not list(Page.objects.all().search(typed))


def test_number_of_searched_phrases_is_limited() -> None:
    """A search for 500 phrases took seconds."""
    page = HomePage.objects.get().add_child(instance=ContentPage(title="Kuikka ja lampi", slug="kuikka"))
    for number, found in ((20, []), (21, [page.pk])):
        typed = '"kuikka ja" ' * (number - 1) + '"jokin muu"'
        _filters, parsed = parse_query_string(typed, operator="and")
        assert [one.pk for one in Page.objects.all().search(parsed)] == found
