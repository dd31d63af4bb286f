"""The pause notice stands on every page, and a switch takes effect on the next page view."""

import re
from html import unescape

import pytest
from django.test import Client
from wagtail.models import Page

from home.models import ContactDetails, PauseNotice

pytestmark = pytest.mark.django_db
UNDATED = "Aijuun palvelut ovat toistaiseksi tauolla."
ADDRESSES = [
    "/",
    "/yksilotyonohjaus/",
    "/ryhmatyonohjaus/",
    "/tyoyhteison-tyonohjaus/",
    "/alkukartoitus/",
    "/ota-yhteytta/",
    "/tietosuoja/",
    "/saavutettavuus/",
]


def test_the_addresses_are_all_the_pages_there_are(visitor: Client) -> None:
    assert sorted(page.url for page in Page.objects.live().filter(depth__gt=1)) == sorted(ADDRESSES)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_notice_is_on_the_page_before_its_content(visitor: Client, address: str) -> None:
    html = visitor.get(address).text
    assert UNDATED in html
    assert html.index(UNDATED) < html.index("<main")


def test_the_notice_is_on_the_page_for_a_wrong_address_too(visitor: Client) -> None:
    answer = visitor.get("/ei-ole/")
    assert answer.status_code == 404
    assert UNDATED in answer.text


def test_a_switch_holds_from_the_next_page_view(visitor: Client) -> None:
    assert UNDATED in visitor.get("/").text
    # As another process would do it: in the database, with no signal and no cache of ours involved.
    PauseNotice.objects.update(active=False)
    assert "tauolla" not in visitor.get("/").text
    PauseNotice.objects.update(active=True, message="<p>Palataan syksyllä.</p>")
    assert "Palataan syksyllä." in visitor.get("/").text


def test_the_notice_links_to_facebook_as_soon_as_its_address_is_known(visitor: Client) -> None:
    assert "facebook.com" not in visitor.get("/").text
    ContactDetails.objects.update(facebook_url="https://www.facebook.com/aijuu")
    assert '<a href="https://www.facebook.com/aijuu">Facebook-sivulla</a>' in visitor.get("/").text


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_e_mail_address_is_there_for_people_but_not_for_simple_harvesters(visitor: Client, address: str) -> None:
    html = visitor.get(address).text
    assert not re.search(r"[\w.]+(@|%40|&#64;)[\w.]+\.fi", html)
    assert 'href="mailto:kati.levola@aijuu.fi">kati.levola@aijuu.fi</a>' in unescape(html)


@pytest.mark.parametrize("address", ADDRESSES)
def test_reading_sets_no_cookie(visitor: Client, address: str) -> None:
    answer = visitor.get(address)
    assert not answer.cookies
    assert 'href="tel:+358505348567"' in answer.text
    assert "[[" not in answer.text


def test_the_current_page_is_marked_in_the_menu(visitor: Client) -> None:
    html = visitor.get("/ryhmatyonohjaus/").text
    assert re.search(r'href="/ryhmatyonohjaus/"\s+aria-current="page"', html)
    assert not re.search(r'href="/yksilotyonohjaus/"\s+aria-current', html)


def test_an_unpublished_page_leaves_the_menus(visitor: Client) -> None:
    Page.objects.get(slug="ryhmatyonohjaus").unpublish()
    Page.objects.get(slug="ota-yhteytta").unpublish()
    html = visitor.get("/tietosuoja/").text
    assert "/ryhmatyonohjaus/" not in html
    assert "/ota-yhteytta/" not in html
