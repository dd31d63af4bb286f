"""JSON-LD: well-formed, complete, and without facts that the page does not show."""

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image
from wagtail.models import Page

from home.models import ContactDetails, ContentPage, HomePage, PauseNotice
from home.seo import as_script_text
from home.typography import WORD_JOINER

pytestmark = pytest.mark.django_db

SERVICES = ["/yksilotyonohjaus/", "/ryhmatyonohjaus/", "/tyoyhteison-tyonohjaus/"]
ADDRESSES = ["/", *SERVICES, "/ota-yhteytta/", "/tietosuoja/", "/saavutettavuus/"]

# For each schema.org type in use: its required and its optional properties.
TYPES: dict[str, tuple[set[str], set[str]]] = {
    "Organization": (
        {"@id", "name", "url", "logo"},
        {"legalName", "identifier", "telephone", "areaServed", "contactPoint", "founder", "sameAs"},
    ),
    "ProfessionalService": (
        {"@id", "name", "url", "logo", "address"},
        {"legalName", "identifier", "telephone", "areaServed", "contactPoint", "founder", "sameAs"},
    ),
    "Person": ({"name"}, set()),
    "AdministrativeArea": ({"name"}, set()),
    "Country": ({"name", "identifier"}, set()),
    "Service": (
        {"@id", "url", "name", "serviceType", "provider"},
        {"description", "areaServed", "availableChannel"},
    ),
    "ServiceChannel": ({"availableLanguage"}, {"serviceUrl", "servicePhone"}),
    "ContactPoint": (set(), {"telephone", "email", "availableLanguage", "areaServed"}),
    "FAQPage": ({"@id", "inLanguage", "mainEntity"}, set()),
    "Question": ({"name", "acceptedAnswer"}, set()),
    "Answer": ({"text"}, set()),
}
# The inflected form of each area in Finnish sentences.
INFLECTED = {"Satakunta": "Satakunnassa", "Suomi": "koko Suomessa", "FI": "koko Suomessa"}


def validate(node: dict[str, Any]) -> None:
    """Assert that every node has a known type with exactly the allowed properties, and that references resolve."""
    assert node["@context"] == "https://schema.org"
    ids = {part["@id"] for part in node["@graph"]}
    assert len(ids) == len(node["@graph"])

    def check(part: dict[str, Any]) -> None:
        if set(part) == {"@id"}:
            assert part["@id"] in ids
            return
        required, optional = TYPES[part["@type"]]
        assert required <= set(part) - {"@type"} <= required | optional, part
        for value in part.values():
            for item in value if isinstance(value, list) else [value]:
                assert item
                if isinstance(item, dict):
                    check(item)
                else:
                    assert isinstance(item, str)

    for part in node["@graph"]:
        check(part)


def statements(node: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string with the name of its property."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from statements(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value, name)
    else:
        yield name, node


def words(text: str) -> str:
    return " ".join(text.replace(WORD_JOINER, "").split())


class PageData:
    """The structured data of a page, and its visible text and links."""

    def __init__(self, client: Client, address: str) -> None:
        self.html = client.get(address).text
        soup = BeautifulSoup(self.html, "html.parser")
        scripts = soup.find_all("script", type="application/ld+json")
        assert len(scripts) == 1
        self.graph: dict[str, Any] = json.loads(scripts[0].string)
        validate(self.graph)
        self.text = words(soup.body.get_text(" "))
        self.links = {link["href"] for link in soup.body.find_all("a", href=True)}

    def nodes(self, kind: str) -> list[dict[str, Any]]:
        return [node for node in self.graph["@graph"] if node["@type"] == kind]

    def node(self, kind: str) -> dict[str, Any]:
        (node,) = self.nodes(kind)
        return node


def details(**facts: Any) -> None:
    stored = ContactDetails.load()
    for name, value in facts.items():
        setattr(stored, name, value)
    stored.full_clean()
    stored.save()


def end_the_pause() -> None:
    notice = PauseNotice.load()
    notice.active = False
    notice.save()


@pytest.mark.parametrize(
    ("address", "filled"), [*((address, True) for address in ADDRESSES), ("/", False), ("/ota-yhteytta/", False)]
)
def test_structured_data_states_only_visible_facts(visitor: Client, settings: Any, address: str, filled: bool) -> None:
    end_the_pause()
    if filled:
        details(
            official_name="Tmi Esimerkki",
            business_id="1234567-1",
            postal_address="Esimerkkikatu 1, 28100 Pori",
            facebook_url="https://www.facebook.com/esimerkki",
        )
    read = PageData(visitor, address)
    seen = 0
    for name, value in statements(read.graph):
        if name in ("@context", "@type", "@id", "logo"):
            continue
        seen += 1
        if name == "telephone":
            assert f"tel:{value}" in read.links
        elif name in ("availableLanguage", "inLanguage"):
            assert f'<html lang="{value}">' in read.html
        elif value.startswith("http"):
            path = value.removeprefix(settings.SITE_URL)
            assert path == address or path in read.links, value
        else:
            assert INFLECTED.get(value, words(value)) in read.text, (name, value)
    assert seen >= 5


@pytest.mark.parametrize("address", ADDRESSES)
def test_practice_is_organization_with_founder(visitor: Client, address: str) -> None:
    practice = PageData(visitor, address).node("Organization")
    assert practice["name"] == "Aijuu työnohjaus"
    assert practice["founder"] == {"@type": "Person", "name": "Kati"}
    assert practice["telephone"] == "+358505348567"
    assert not set(practice) & {"address", "legalName", "identifier", "sameAs"}


@pytest.mark.parametrize("is_paused", [True, False])
def test_contact_point_has_phone_email_and_language(visitor: Client, is_paused: bool) -> None:
    if not is_paused:
        end_the_pause()
    assert PageData(visitor, "/").node("Organization")["contactPoint"] == {
        "@type": "ContactPoint",
        "telephone": "+358505348567",
        "email": "kati.levola@aijuu.fi",
        "availableLanguage": "fi",
        "areaServed": [
            {"@type": "AdministrativeArea", "name": "Satakunta"},
            {"@type": "Country", "name": "Suomi", "identifier": "FI"},
        ],
    }


def test_contact_point_leaves_out_missing_facts(visitor: Client) -> None:
    details(phone="")
    assert "telephone" not in PageData(visitor, "/").node("Organization")["contactPoint"]
    details(email="", areas="")
    assert "contactPoint" not in PageData(visitor, "/").node("Organization")


def test_logo_is_a_square_picture(visitor: Client, settings: Any) -> None:
    logo = PageData(visitor, "/").node("Organization")["logo"]
    path = finders.find(logo.removeprefix(f"{settings.SITE_URL}/static/"))
    assert isinstance(path, str)
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (512, 512))


def test_public_address_makes_professional_service(visitor: Client) -> None:
    details(postal_address="Esimerkkikatu 1, 28100 Pori")
    read = PageData(visitor, "/")
    assert read.node("ProfessionalService")["address"] == "Esimerkkikatu 1, 28100 Pori"
    assert read.nodes("Organization") == []


def test_structured_data_leaves_out_empty_facts(visitor: Client) -> None:
    end_the_pause()
    details(person_name="", phone="", email="", areas="", contact_page=None)
    read = PageData(visitor, SERVICES[0])
    assert set(read.node("Organization")) == {"@type", "@id", "name", "url", "logo"}
    assert not {"areaServed", "availableChannel"} & set(read.node("Service"))


@pytest.mark.parametrize(
    ("areas", "names"),
    [
        ("Verkossa koko Suomessa, Satakunnassa myös kasvokkain", ["Satakunta", "Suomi"]),
        ("Satakunta", ["Satakunta"]),
        ("Koko Suomen alueella", ["Suomi"]),
        ("Etelä-Suomessa ja Suomenlinnassa", []),
        ("Varsinais-Suomi", []),
        ("Etelä\u2011Suomessa", []),
    ],
)
def test_area_served_lists_only_named_areas(visitor: Client, areas: str, names: list[str]) -> None:
    details(areas=areas)
    stated = PageData(visitor, SERVICES[0]).node("Service").get("areaServed", [])
    assert [area["name"] for area in stated] == names


@pytest.mark.parametrize("address", SERVICES)
def test_service_page_states_a_service(visitor: Client, settings: Any, address: str) -> None:
    end_the_pause()
    read = PageData(visitor, address)
    service = read.node("Service")
    title = Page.objects.get(slug=address.strip("/")).title
    assert (service["name"], service["serviceType"]) == (title, title)
    assert service["provider"] == {"@id": read.node("Organization")["@id"]}
    assert {area["@type"] for area in service["areaServed"]} == {"AdministrativeArea", "Country"}
    assert service["availableChannel"] == {
        "@type": "ServiceChannel",
        "serviceUrl": f"{settings.SITE_URL}/ota-yhteytta/",
        "servicePhone": {"@type": "ContactPoint", "telephone": "+358505348567"},
        "availableLanguage": "fi",
    }


@pytest.mark.parametrize("address", ["/", "/ota-yhteytta/", "/tietosuoja/"])
def test_other_pages_state_no_service(visitor: Client, address: str) -> None:
    assert PageData(visitor, address).nodes("Service") == []


@pytest.mark.parametrize("address", SERVICES)
def test_paused_service_states_no_available_channel(visitor: Client, address: str) -> None:
    assert PauseNotice.load().active
    assert "availableChannel" not in PageData(visitor, address).node("Service")


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ({"active": True, "begins_on": date(2027, 1, 17)}, True),
        ({"active": True, "returns_on": date(2027, 1, 10)}, False),
        ({"active": False, "ended_on": date(2027, 1, 10)}, True),
        ({"active": False, "full": True}, False),
        ({"active": True, "full": True, "begins_on": date(2027, 1, 17)}, False),
    ],
    ids=["upcoming", "overdue", "resumed", "full", "full and upcoming"],
)
@time_machine.travel("2027-01-10 12:00:00+00:00")
def test_available_channel_follows_pause_state(visitor: Client, fields: dict[str, Any], stated: bool) -> None:
    PauseNotice.objects.update(**fields)
    assert ("availableChannel" in PageData(visitor, SERVICES[0]).node("Service")) is stated


def test_faq_is_stated_only_on_its_page(visitor: Client) -> None:
    faq = PageData(visitor, "/").node("FAQPage")
    assert [question["name"] for question in faq["mainEntity"]] == [
        "Mitä työnohjaus on?",
        "Mitä hyötyä työnohjauksesta on?",
        "Kenelle työnohjaus sopii?",
        "Mitä työnohjauksessa käytännössä tapahtuu?",
    ]
    assert faq["mainEntity"][1]["acceptedAnswer"]["text"].splitlines()[0] == "selkeämmät (yhteiset) tavoitteet"
    assert PageData(visitor, SERVICES[0]).nodes("FAQPage") == []


def faq_page(front_page: HomePage, *questions: tuple[str, str]) -> None:
    values = [{"question": question, "answer": answer} for question, answer in questions]
    body = [{"type": "faq", "value": {"heading": "Kysyttyä", "questions": values}}]
    front_page.add_child(instance=ContentPage(title="Koe", slug="koe", body=body))


def test_an_unanswered_question_is_not_stated(client: Client, front_page: HomePage) -> None:
    faq_page(front_page, ("Miksi?", "<p></p>"))
    assert "application/ld+json" in client.get("/koe/").text
    assert "FAQPage" not in client.get("/koe/").text


def test_structured_data_escapes_script_end(client: Client, front_page: HomePage) -> None:
    evil = '</script><script>alert(1)</script> <!-- & "x" \\u0041 ä'
    faq_page(front_page, (evil, "<p>Niin &lt;/script&gt;.</p>"))
    response = client.get("/koe/").text
    script = re.findall(r'<script type="application/ld\+json">(.*?)</script>', response, re.DOTALL)[0]
    assert not set(script) & set("<>&")
    (question,) = json.loads(script)["@graph"][1]["mainEntity"]
    assert question["name"] == evil.replace('"', "”")
    assert question["acceptedAnswer"]["text"] == "Niin </script>."


def test_structured_data_obfuscates_email(client: Client, front_page: HomePage) -> None:
    details(business_name="Aijuu", email="kati@aijuu.fi")
    faq_page(front_page, ("Mihin kirjoitan?", '<p><a href="mailto:kati@aijuu.fi">kati@aijuu.fi</a></p>'))
    html = client.get("/koe/").text
    assert "kati@" not in html
    assert "@aijuu" not in html
    script = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)[0]
    assert json.loads(script)["@graph"][1]["mainEntity"][0]["acceptedAnswer"]["text"] == "kati@aijuu.fi"


def test_script_text_keeps_values_and_keys() -> None:
    graph = {"@context": "https://schema.org", "text": "a\n@b <c@d.fi>\nkati@e.fi @ \u2028", "more": "@f"}
    text = as_script_text(graph)
    assert json.loads(text) == graph
    assert text.count("@") == len(["@context", "@f"])
