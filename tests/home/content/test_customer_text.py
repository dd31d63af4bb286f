"""Every paragraph of the customer's own text is on the site, corrected as agreed and not otherwise changed."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.test import Client

from home.typography import WORD_JOINER

ORIGINAL = (Path(__file__).parent / "customer_text.txt").read_text(encoding="utf-8")
FRONT_PAGE_ELSEWHERE = "kati.levola (at) aijuu.fi"  # the contact line: checked with the contact details

CORRECTIONS = [
    ("fb-sivulla", "Facebook-sivulla"),
    (" Kuva Pixabay.com", ""),
    ("aiheita, ja uskoo", "aiheita ja uskoo"),
    ("menetelmiä, ja haastamaan", "menetelmiä ja haastamaan"),
    ("virittäjänä, että", "virittäjänä että"),
    ("3-4 viikon", "3–4 viikon"),
    ("10-20 kpl", "10–20"),
    ("1-2/ ohjauskerta", "1–2 ohjauskertaa kohti"),
    ("parantuvat", "paranevat"),
    ("Työnojaus", "Työnohjaus"),
    ("MITÄ TYÖNOHJAUS ON?", "Mitä työnohjaus on?"),
    ("MITÄ HYÖTYÄ TYÖNOHJAUKSESTA ON?", "Mitä hyötyä työnohjauksesta on?"),
    ("KENELLE TYÖNOHJAUS SOPII?", "Kenelle työnohjaus sopii?"),
    ("MITÄ TYÖNOHJAUKSESSA KÄYTÄNNÖSSÄ TAPAHTUU?", "Mitä työnohjauksessa käytännössä tapahtuu?"),
]


def corrected_paragraphs() -> list[str]:
    text = ORIGINAL
    for wrong, right in CORRECTIONS:
        assert wrong in text, f"no longer in the customer's text: {wrong}"
        text = text.replace(wrong, right)
    lines = [line.strip().removeprefix("•").strip() for line in text.splitlines()]
    return [line for line in lines if line and FRONT_PAGE_ELSEWHERE not in line]


class Words(HTMLParser):
    """Collects the text of a page. A block element separates words, and an inline tag does not."""

    BLOCKS = frozenset({"p", "li", "h1", "h2", "h3", "div", "summary", "title", "figcaption"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self.BLOCKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.handle_starttag(tag, None)


def reading_text(html: str) -> str:
    words = Words()
    words.feed(html)
    return " ".join("".join(words.parts).replace(WORD_JOINER, "").split())


def test_customer_text_has_33_paragraphs() -> None:
    assert len(corrected_paragraphs()) == 33


@pytest.mark.django_db
def test_every_paragraph_is_on_the_front_page(visitor: Client) -> None:
    text = reading_text(visitor.get("/").text)
    missing = [paragraph for paragraph in corrected_paragraphs() if paragraph not in text]
    assert missing == []


@pytest.mark.django_db
def test_four_sections_are_faq_with_anchors(visitor: Client) -> None:
    html = visitor.get("/").text
    anchors = re.findall(r'<details class="faq__item" id="([^"]+)"', html)
    assert anchors == [
        "mita-tyonohjaus-on",
        "mita-hyotya-tyonohjauksesta-on",
        "kenelle-tyonohjaus-sopii",
        "mita-tyonohjauksessa-kaytannossa-tapahtuu",
    ]


@pytest.mark.django_db
def test_front_page_links_its_questions(visitor: Client) -> None:
    html = visitor.get("/").text
    assert '<a href="#tietoa-tyonohjauksesta">alempana tällä sivulla</a>.' in html
    assert 'id="tietoa-tyonohjauksesta"' in html


@pytest.mark.django_db
def test_association_link_excludes_full_stop(visitor: Client) -> None:
    html = visitor.get("/").text
    link = 'href="https://www.suomentyonohjaajat.fi/tyonohjaus">https://www.suomentyonohjaajat.fi<wbr>/tyonohjaus</a>.'
    assert link in html


@pytest.mark.django_db
def test_front_page_links_service_pages(visitor: Client) -> None:
    html = visitor.get("/").text
    main = html[html.index("<main") : html.index("</main>")]
    for address in ("/yksilotyonohjaus/", "/ryhmatyonohjaus/", "/tyoyhteison-tyonohjaus/", "/ota-yhteytta/"):
        assert f'href="{address}"' in main
