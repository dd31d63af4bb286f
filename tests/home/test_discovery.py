"""Metadata in the head of a page: description, canonical URL, sharing."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import translation
from django.utils.text import slugify
from PIL import Image
from wagtail.models import Page

from home.models import ContentPage, HomePage
from home.seo import LONGEST_DESCRIPTION, PICTURES, page_description, plain_lines, shorten
from tests.tools import share_pictures

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
LONG = "Työnohjaus on oman työn tutkimista ja kehittämistä koulutetun työnohjaajan avulla"


def metas(html: str) -> dict[str, str]:
    """Return the content of each <meta> in the head by its name or property. A repeated name fails."""
    head = html[: html.index("</head>")]
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"(?! media)', head)
    names = [name for name, _content in found if name != "theme-color"]
    assert len(names) == len(set(names)), names
    return dict(found)


def canonical(html: str) -> list[str]:
    return re.findall(r'<link rel="canonical" href="([^"]*)"', html)


def content_page(front_page: HomePage, **fields: Any) -> ContentPage:
    return front_page.add_child(instance=ContentPage(title="Koe", slug="koe", **fields))


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_has_metadata_and_canonical_url(visitor: Client, settings: Any, address: str) -> None:
    settings.SITE_URL = "https://aijuu.example"
    # Independent of the requested host and of the query string.
    html = visitor.get(address + "?utm_source=x", headers={"host": "localhost"}).text
    meta = metas(html)
    assert canonical(html) == [f"https://aijuu.example{address}"]
    assert meta["og:url"] == f"https://aijuu.example{address}"
    assert 40 <= len(meta["description"]) <= LONGEST_DESCRIPTION
    assert meta["og:description"] == meta["description"]
    assert meta["og:title"]
    assert meta["og:type"] == "website"
    assert meta["og:locale"] == "fi_FI"
    assert meta["og:site_name"] == "Aijuu työnohjaus"
    assert meta["twitter:card"] == "summary_large_image"
    assert '<html lang="fi">' in html


def test_titles_and_descriptions_are_unique(visitor: Client) -> None:
    pages = [visitor.get(address).text for address in ADDRESSES]
    assert len({metas(html)["description"] for html in pages}) == len(ADDRESSES)
    assert len({re.findall("<title>(.*?)</title>", html)[0] for html in pages}) == len(ADDRESSES)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_has_own_share_image(visitor: Client, settings: Any, address: str) -> None:
    meta = metas(visitor.get(address).text)
    page = Page.objects.live().get(url_path=f"/etusivu{address}")
    url = meta["og:image"]
    assert url == f"{settings.SITE_URL}/static/img/share/{slugify(page.title)}.png"
    path = finders.find(url.removeprefix(f"{settings.SITE_URL}/static/"))
    assert isinstance(path, str)
    assert Path(path).stat().st_size < share_pictures.LARGEST
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert [str(number) for number in picture.size] == [meta["og:image:width"], meta["og:image:height"]]
    assert page.title in meta["og:image:alt"]


@pytest.mark.once
def test_share_images_match_expected_titles() -> None:
    assert set(share_pictures.TITLES) == set(PICTURES)
    for name, title in share_pictures.TITLES.items():
        written = title.replace("\u00ad", "")
        assert slugify(written) == name
        with translation.override("fi"):
            assert str(PICTURES[name]).startswith(f"”{written}” ja piirros: ")


def test_renamed_page_uses_generic_share_image(visitor: Client) -> None:
    page = Page.objects.get(slug="ryhmatyonohjaus").specific
    page.title = "Työnohjausta ryhmille"
    page.save_revision().publish()
    meta = metas(visitor.get("/ryhmatyonohjaus/").text)
    assert meta["og:image"].endswith("/img/share/aijuu-tyonohjaus.png")
    assert "Aijuu työnohjaus" in meta["og:image:alt"]


def test_editors_description_takes_precedence(client: Client, front_page: HomePage) -> None:
    content_page(front_page, search_description='Oma "kuvaus" & muuta', intro="<p>Johdanto.</p>")
    assert 'content="Oma ”kuvaus” &amp; muuta"' in client.get("/koe/").text


def test_description_falls_back_to_intro_then_text(client: Client, front_page: HomePage) -> None:
    body = [
        {"type": "quote", "value": {"text": "Lainaus", "attribution": ""}},
        {"type": "text", "value": {"heading": "Otsikko", "text": "<p>Leipä &amp; <b>teksti</b>.</p><p>Jatkoa.</p>"}},
    ]
    page = content_page(front_page, intro="<p>Johdanto.</p>", body=body)
    assert page_description(page) == "Johdanto."
    page.intro = "<p></p>"
    assert page_description(page) == "Leipä & teksti. Jatkoa."
    page.body = []
    assert page_description(page) == ""
    page.save_revision().publish()
    assert "description" not in metas(client.get("/koe/").text)


def test_short_description_is_unchanged() -> None:
    assert shorten("Lyhyt.") == "Lyhyt."
    assert shorten("a" * LONGEST_DESCRIPTION) == "a" * LONGEST_DESCRIPTION


def test_long_description_ends_at_sentence_or_word() -> None:
    assert shorten(f"{LONG}. {LONG}. {LONG}.") == f"{LONG}."
    cut = shorten(f"{LONG}, {LONG}, {LONG}")
    assert len(cut) <= LONGEST_DESCRIPTION
    assert cut.endswith("…")
    assert f"{LONG}, {LONG}, {LONG} ".startswith(cut.removesuffix("…"))
    assert f"{LONG}, {LONG}, {LONG} "[len(cut) - 1] in " ,"
    # A short first sentence alone is not enough for a description.
    assert len(shorten(f"Niin. {LONG}, {LONG}, {LONG}")) > LONGEST_DESCRIPTION / 2


@pytest.mark.parametrize(
    "inside", ["alkaa 1. helmikuuta", "esim. Porissa", "ja mm. Satakunnassa", "klo. 12", "eli 3. Ryhmä"]
)
def test_description_does_not_end_inside_a_sentence(inside: str) -> None:
    words = f"{LONG} {inside} {LONG}, {LONG}"
    assert shorten(words).endswith("…")
    assert shorten(f"{LONG}. Toinen {LONG}, {LONG}") == f"{LONG}."


@pytest.mark.parametrize("length", range(150, 320, 7))
def test_shortened_description_never_exceeds_limit(length: int) -> None:
    assert len(shorten("x" * length)) <= LONGEST_DESCRIPTION
    assert len(shorten(("ab " * length)[:length])) <= LONGEST_DESCRIPTION


def test_rich_text_becomes_lines_of_words() -> None:
    html = "<p>Yksi<br/>kaksi &lt;3</p><ul><li>a <b>b</b></li><li>c</li></ul><p></p>"
    assert plain_lines(html) == ["Yksi", "kaksi <3", "a b", "c"]


def test_email_in_description_is_obfuscated(client: Client, front_page: HomePage) -> None:
    content_page(front_page, intro="<p>Kirjoita: kati@aijuu.example.</p>")
    html = client.get("/koe/").text
    assert "@aijuu" not in html
    assert "&#64;" in metas(html)["description"]


@pytest.mark.usefixtures("loaded_site")
def test_missing_page_has_no_share_metadata(client: Client) -> None:
    response = client.get("/tata-ei-ole/")
    assert response.status_code == 404
    assert canonical(response.text) == []
    assert metas(response.text)["robots"] == "noindex"
    assert "og:url" not in metas(response.text)
    assert "ld+json" not in response.text


def test_preview_has_no_canonical_url(front_page: HomePage) -> None:
    preview = content_page(front_page, intro="<p>Johdanto.</p>").make_preview_request().text
    assert "Johdanto." in preview
    assert canonical(preview) == []
    assert "ld+json" not in preview


def test_editor_explains_empty_search_description(admin_client: Client, front_page: HomePage) -> None:
    page = content_page(front_page)
    assert "Kun tämä on tyhjä, käytetään sivun alkua." in admin_client.get(f"/admin/pages/{page.pk}/edit/").text
