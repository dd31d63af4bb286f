"""The pause notice is on every page, and a change is visible on the next page view."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine as time_machine_library
from bs4 import BeautifulSoup
from django.test import Client, RequestFactory
from wagtail.models import Page

from home.models import ContactDetails, ContentPage, HomePage, PauseNotice
from home.pause.models import current_pause
from home.pause.rules import FormMode, PauseState

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


def test_addresses_list_every_live_page(visitor: Client) -> None:
    assert sorted(page.url for page in Page.objects.live().filter(depth__gt=1)) == sorted(ADDRESSES)


@pytest.mark.parametrize("address", ADDRESSES)
def test_pause_notice_precedes_main_on_every_page(visitor: Client, address: str) -> None:
    html = visitor.get(address).text
    assert UNDATED in html
    assert html.index(UNDATED) < html.index("<main")


def test_pause_notice_is_on_404_page(visitor: Client) -> None:
    answer = visitor.get("/ei-ole/")
    assert answer.status_code == 404
    assert UNDATED in answer.text


def test_pause_change_shows_on_next_page_view(visitor: Client) -> None:
    assert UNDATED in visitor.get("/").text
    # As another process does: only the database changes, and no signal of this process clears a cache.
    PauseNotice.objects.update(active=False)
    assert "tauolla" not in visitor.get("/").text
    PauseNotice.objects.update(active=True, message="<p>Palataan syksyllä.</p>")
    assert "Palataan syksyllä." in visitor.get("/").text


def test_pause_notice_links_facebook_when_known(visitor: Client) -> None:
    assert "facebook.com" not in visitor.get("/").text
    ContactDetails.objects.update(facebook_url="https://www.facebook.com/aijuu")
    assert '<a href="https://www.facebook.com/aijuu">Facebook-sivulla</a>' in visitor.get("/").text


@pytest.mark.parametrize("address", ADDRESSES)
def test_email_address_is_hidden_from_harvesters(visitor: Client, address: str) -> None:
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


def notice(html: str) -> tuple[str, list[str], str]:
    """Return the accessible name, classes and text of the notice; empty for none."""
    found = BeautifulSoup(html, "html.parser").select_one("aside.pause")
    if found is None:
        return "", [], ""
    return str(found["aria-label"]), list(found["class"]), " ".join(found.get_text(" ").split())


TODAY = date(2027, 1, 10)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"active": False}, ("", [], "")),
        (
            {"begins_on": TODAY + timedelta(days=7)},
            ("Tiedote tulevasta tauosta", ["pause", "pause--upcoming"], "Aijuu on tauolla 17.1.2027 alkaen."),
        ),
        ({"returns_on": TODAY}, ("Tiedote tauosta", ["pause", "pause--overdue"], UNDATED)),
        (
            {"active": False, "ended_on": TODAY},
            ("Tiedote paluusta", ["pause", "pause--resumed"], "Aijuu on palannut tauolta. Ota rohkeasti yhteyttä!"),
        ),
        (
            {"active": False, "full": True, "ended_on": TODAY},
            (
                "Tiedote vapaista ajoista",
                ["pause", "pause--full"],
                "Aijuussa ei ole juuri nyt vapaita aikoja. Voit ilmoittautua odotuslistalle tai kirjoittaa Katille",
            ),
        ),
    ],
    ids=["open", "upcoming", "overdue", "resumed", "full"],
)
def test_notice_of_each_pause_state(
    visitor: Client, time_machine: Any, fields: dict[str, Any], expected: tuple[str, list[str], str]
) -> None:
    time_machine.move_to(datetime(2027, 1, 10, 12, tzinfo=UTC))
    PauseNotice.objects.update(**{"active": True, **fields})
    label, classes, words = notice(visitor.get("/").text)
    assert (label, classes) == expected[:2]
    assert words.startswith(expected[2])
    assert bool(words) is bool(expected[2])


def button_labels(html: str) -> list[str]:
    """Return the labels of all buttons that lead to the contact page, in order."""
    links = BeautifulSoup(html, "html.parser").select('a.button[href="/ota-yhteytta/"]')
    return [link.get_text(strip=True) for link in links]


@pytest.mark.parametrize(
    ("mode", "label"),
    [(FormMode.WAITING_LIST, "Ilmoittaudu odotuslistalle"), (FormMode.CONTACT_DETAILS, "Yhteystiedot")],
    ids=["list", "details"],
)
def test_contact_buttons_name_the_form_mode(visitor: Client, mode: FormMode, label: str) -> None:
    # The hero and the contact card; for the call to action see below.
    assert button_labels(visitor.get("/").text) == ["Kirjoita Katille"] * 2
    # The header shows a short label. On the front page it has no button, because the hero has one.
    assert button_labels(visitor.get("/tietosuoja/").text) == ["Ota yhteyttä"]
    PauseNotice.objects.update(form_mode=mode)
    # In the mode "contact details" the card shows the details themselves and has no button.
    assert button_labels(visitor.get("/").text) == [label] * (2 if mode == FormMode.CONTACT_DETAILS else 3)
    short = "Odotuslista" if mode == FormMode.WAITING_LIST else label
    assert button_labels(visitor.get("/tietosuoja/").text) == [short]
    PauseNotice.objects.update(active=False)
    assert button_labels(visitor.get("/").text) == ["Ota yhteyttä"] * 2


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"active": True}, "Uusia työnohjauksia ei aloiteta juuri nyt, mutta voit silti kirjoittaa."),
        (
            {"active": True, "form_mode": FormMode.WAITING_LIST},
            "Uusia työnohjauksia ei aloiteta juuri nyt, mutta voit ilmoittautua odotuslistalle.",
        ),
        ({"active": False, "full": True}, "Uusia työnohjauksia ei aloiteta juuri nyt"),
        ({"active": False}, "Uusia työnohjauksia voidaan aloittaa nyt."),
    ],
    ids=["paused", "list", "full", "open"],
)
def test_front_page_shows_if_new_clients_are_taken(visitor: Client, fields: dict[str, Any], note: str) -> None:
    PauseNotice.objects.update(**fields)
    shown = BeautifulSoup(visitor.get("/").content, "html.parser").select_one(".hero__note")
    assert shown is not None
    assert shown.get_text().startswith(note)


def test_the_contact_page_has_no_button_to_itself(visitor: Client) -> None:
    assert button_labels(visitor.get("/ota-yhteytta/").text) == []


def test_contact_buttons_offer_the_list_when_full(visitor: Client) -> None:
    PauseNotice.objects.update(active=False, full=True)
    assert button_labels(visitor.get("/").text) == ["Ilmoittaudu odotuslistalle"] * 3


@pytest.mark.parametrize("with_contact_page", [True, False])
def test_call_to_action_skips_mapping_during_pause(visitor: Client, with_contact_page: bool) -> None:
    if not with_contact_page:
        ContactDetails.objects.update(contact_page=None)
    mapping = Page.objects.get(slug="alkukartoitus")
    other = Page.objects.get(slug="tietosuoja")
    contact = Page.objects.get(slug="ota-yhteytta")
    targets = {"Aloita alkukartoitus": mapping, "Lue lisää": other, "Kirjoita": contact, "Soita": None}
    calls = [
        {"type": "call_to_action", "value": {"text": "", "label": label, "page": target.pk if target else None}}
        for label, target in targets.items()
    ]
    page = ContentPage(title="Koe", slug="koe", body=calls)
    HomePage.objects.get().add_child(instance=page)

    def links() -> list[tuple[str, str]]:
        soup = BeautifulSoup(visitor.get("/koe/").text, "html.parser")
        return [(str(link["href"]), link.get_text(strip=True)) for link in soup.select(".cta a.button")]

    usual = [("/alkukartoitus/", "Aloita alkukartoitus"), ("/tietosuoja/", "Lue lisää"), ("/ota-yhteytta/", "Kirjoita")]
    if with_contact_page:
        usual.append(("/ota-yhteytta/", "Soita"))
    assert PauseNotice.load().form_mode == FormMode.AS_USUAL
    assert links() == usual
    PauseNotice.objects.update(form_mode=FormMode.WAITING_LIST)
    past = ("/ota-yhteytta/", "Ilmoittaudu odotuslistalle")
    assert links() == ([past, usual[1], past, past] if with_contact_page else usual)
    PauseNotice.objects.update(active=False)
    assert links() == usual


def test_pause_state_is_constant_within_request(visitor: Client, rf: RequestFactory) -> None:
    """A page that is rendered across midnight shows one state."""
    PauseNotice.objects.update(active=True, returns_on=date(2027, 2, 1))
    request = rf.get("/")
    with time_machine_library.travel("2027-01-31 21:59:59+00:00", tick=False):
        first = current_pause(request)
    with time_machine_library.travel("2027-01-31 22:00:00+00:00", tick=False):
        assert current_pause(request) is first
        assert current_pause(rf.get("/")).state is PauseState.OVERDUE
    assert first.state is PauseState.PAUSED
