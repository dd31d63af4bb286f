"""Every screen that Kati can reach is Finnish: a walk from link to link, as somebody who is not a superuser."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group
from django.test import Client
from wagtail.models import Collection, Page

from intake.choices import Kind
from tests.accounts import make_user
from tests.intake.enquiries import received

# Words of English that Finnish has not, and what a program says of nothing.
ENGLISH = frozenset(
    re.findall(
        r"\w+",
        """
    add address all and back been body cancel cannot choose close copy created date delete draft edit email error
    errors fields found from has have hide history image images is link live move next none not number of page
    pages password phone please previous published remove required results root save search select settings short
    show size subject text that the these this those time title too true updated user username was were will with
    yes you your
        """,
    )
)
# Names of kinds of page are of no language. "Search" is Wagtail's fixed name of a hidden button (docs/upgrading.md).
MEANT = ("home.", "intake.")
FIXED = {"Search"}
# The random part of a file's name may spell anything.
FILE_NAME = re.compile(r"\S+\.(jpg|png|svg|webp)")
STARTS = (
    "/admin/",
    "/admin/login/",
    "/admin/password_reset/",
    "/admin/account/",
    "/admin/choose-page/",
    "/admin/choose-external-link/",
    "/admin/choose-email-link/",
    "/admin/choose-phone-link/",
    "/admin/choose-anchor-link/",
    "/admin/images/chooser/",
    "/admin/images/add/",
    "/admin/images/multiple/add/",
    "/admin/settings/home/contactdetails/",
    "/admin/settings/home/pausenotice/",
    "/admin/settings/home/footermenu/",
    "/admin/settings/intake/intakesettings/",
    "/admin/intake/enquiry/",
    "/admin/odotuslista/",
    "/admin/odotuslista/paluu/",
    "/admin/aloituslista/",
    "/admin/opas/",
    "/admin/tauko/historia/",
    "/admin/tauko/esikatselu/",
)
# The style guide shows examples, and a file is no screen.
NOT_WALKED = re.compile(r"logout|_export|tyyliopas|export=")
# So many of one kind are looked at.
OF_A_KIND = 2
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-w-tooltip-content-value", "data-w-progress-active-value")


@pytest.fixture
def kati(loaded_site: None) -> Client:
    user = make_user("Kati Levola", email="kati@example.fi")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client = Client()
    client.force_login(user)
    return client


def texts(page: BeautifulSoup) -> Iterator[str]:
    """Whatever is read or read aloud, what scripts show included. Takes out of the page what is not."""
    for script in page.select("script[type='application/json']"):
        yield from _told(json.loads(script.string or "null"))
    for element in page(["script", "style", "svg", "template"]):
        element.extract()
    for element in page.select("[hidden]"):
        element.extract()
    yield from page.stripped_strings
    for element in page.find_all(True):
        yield from (str(element[name]) for name in SPOKEN if element.has_attr(name))
        if element.name == "input" and element.get("type") in ("submit", "button") and element.get("value"):
            yield str(element["value"])


def _told(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (one for name, one in value.items() if name in ("label", "text", "title") and isinstance(one, str))
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _told(one)


def english_in(text: str) -> bool:
    if any(meant in text for meant in MEANT) or "@" in text or text in FIXED or FILE_NAME.fullmatch(text):
        return False
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", text)}
    return bool(words & ENGLISH)


def links(page: BeautifulSoup, address: str) -> Iterator[str]:
    for link in page.select("a[href]"):
        href = str(link["href"]).split("#")[0]
        if href.startswith("/admin"):
            yield href
        elif href.startswith("?"):
            yield address.split("?")[0] + href


def walk(client: Client) -> Iterator[tuple[str, BeautifulSoup]]:
    """Each address with its page."""
    todo, seen, kinds = list(STARTS), set(), Counter[str]()
    while todo:
        address = todo.pop()
        kind = re.sub(r"\d+", "N", address.split("?")[0])
        if address in seen or NOT_WALKED.search(address) or kinds[kind] >= OF_A_KIND:
            continue
        seen.add(address)
        kinds[kind] += 1
        answer = client.get(address, follow=True)
        assert answer.status_code in (200, 403, 404), address
        told = answer.get("Content-Type", "")
        html = answer.text if "html" in told else str(answer.json().get("html") or "") if "json" in told else ""
        page = BeautifulSoup(html, "html.parser")
        todo += links(page, address)
        yield address, page


def test_every_screen_of_hers_is_finnish(kati: Client) -> None:
    received(name="Maija Meikäläinen", email="maija@esimerkki.fi")
    received(name="Liisa Mallikas", email="liisa@esimerkki.fi", kind=Kind.WAITING, wants_mail=True)
    found: dict[str, str] = {}
    walked = set()
    for address, page in walk(kati):
        walked.add(re.sub(r"\d+", "N", address.split("?")[0]))
        found |= {text: address for text in texts(page) if english_in(text) and text not in found}
    assert found == {}
    # The walk came everywhere.
    wanted = {"/admin/pages/N/edit/", "/admin/pages/N/history/", "/admin/pages/N/delete/", "/admin/images/N/"}
    assert wanted <= walked
    assert len(walked) > 40


@pytest.mark.once
@pytest.mark.parametrize("text", ["Root", "None", "Email address", "tekijä None", "Are you sure of it?"])
def test_a_word_of_english_is_noticed(text: str) -> None:
    assert english_in(text)


def test_the_tops_of_the_trees_have_finnish_names(loaded_site: None) -> None:
    assert Page.objects.get(depth=1).title == "Sivusto"
    assert Collection.objects.get(depth=1).name == "Yleinen"
