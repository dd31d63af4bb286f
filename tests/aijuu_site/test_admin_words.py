"""Every admin page that the supervisor can reach is in Finnish. A crawler follows all links."""

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

# English words that do not exist in Finnish, and "None".
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
# Names of page types are not translated. "Search" is hard-coded in Wagtail for a hidden button (docs/upgrading.md).
PAGE_TYPE_PREFIXES = ("home.", "intake.")
FIXED = {"Search"}
# The random part of a file name can contain an English word.
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
# The style guide contains examples, and exported files are no pages.
NOT_CRAWLED = re.compile(r"logout|_export|tyyliopas|export=")
# Number of pages of one kind that the crawler opens.
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
    """Return all visible and spoken texts, and those that scripts show. Removes hidden elements from `page`."""
    for script in page.select("script[type='application/json']"):
        yield from script_texts(json.loads(script.string or "null"))
    for element in page(["script", "style", "svg", "template"]):
        element.extract()
    for element in page.select("[hidden]"):
        element.extract()
    yield from page.stripped_strings
    for element in page.find_all(True):
        yield from (str(element[name]) for name in SPOKEN if element.has_attr(name))
        if element.name == "input" and element.get("type") in ("submit", "button") and element.get("value"):
            yield str(element["value"])


def script_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (one for name, one in value.items() if name in ("label", "text", "title") and isinstance(one, str))
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from script_texts(one)


def english_in(text: str) -> bool:
    if (
        any(prefix in text for prefix in PAGE_TYPE_PREFIXES)
        or "@" in text
        or text in FIXED
        or FILE_NAME.fullmatch(text)
    ):
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


def crawl(client: Client) -> Iterator[tuple[str, BeautifulSoup]]:
    """Yield the address and the parsed page of everything that is linked from STARTS."""
    todo, seen, kinds = list(STARTS), set(), Counter[str]()
    while todo:
        address = todo.pop()
        kind = re.sub(r"\d+", "N", address.split("?")[0])
        if address in seen or NOT_CRAWLED.search(address) or kinds[kind] >= OF_A_KIND:
            continue
        seen.add(address)
        kinds[kind] += 1
        answer = client.get(address, follow=True)
        assert answer.status_code in (200, 403, 404), address
        content_type = answer.get("Content-Type", "")
        html = (
            answer.text
            if "html" in content_type
            else str(answer.json().get("html") or "")
            if "json" in content_type
            else ""
        )
        page = BeautifulSoup(html, "html.parser")
        todo += links(page, address)
        yield address, page


def test_every_supervisor_page_is_finnish(kati: Client) -> None:
    received(name="Maija Meikäläinen", email="maija@esimerkki.fi")
    received(name="Liisa Mallikas", email="liisa@esimerkki.fi", kind=Kind.WAITING, wants_mail=True)
    found: dict[str, str] = {}
    crawled = set()
    for address, page in crawl(kati):
        crawled.add(re.sub(r"\d+", "N", address.split("?")[0]))
        found |= {text: address for text in texts(page) if english_in(text) and text not in found}
    assert found == {}
    # The crawler reached the pages behind the lists.
    wanted = {"/admin/pages/N/edit/", "/admin/pages/N/history/", "/admin/pages/N/delete/", "/admin/images/N/"}
    assert wanted <= crawled
    assert len(crawled) > 40


@pytest.mark.once
@pytest.mark.parametrize("text", ["Root", "None", "Email address", "tekijä None", "Are you sure of it?"])
def test_english_word_is_detected(text: str) -> None:
    assert english_in(text)


def test_root_page_and_root_collection_names(loaded_site: None) -> None:
    assert Page.objects.get(depth=1).title == "Sivusto"
    assert Collection.objects.get(depth=1).name == "Yleinen"
