"""Finnish typography: each rule, text that must not change, and that every text of an editor is corrected."""

import json
import re
from html import unescape
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.template import Context, Template
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from wagtail import blocks
from wagtail.images.blocks import ImageChooserBlock
from wagtail.models import Page

from home.blocks import BodyStreamBlock
from home.models import ContactDetails, FooterLink, FooterMenu, HomePage, PauseNotice, ServicePage
from home.typography import WORD_JOINER, finnish_html, finnish_text, unbroken_html, unbroken_text

CORRECTED = [
    ('"Ai juu"', "”Ai juu”"),
    ("'sisä' ja vaa'an rei'itys", "’sisä’ ja vaa’an rei’itys"),
    ('"Talo 5" ja 5" putki', '”Talo 5” ja 5" putki'),
    ("vaa'an leveys 5'", "vaa’an leveys 5'"),
    ("3-4 viikkoa", "3–4~viikkoa"),
    ("10 - 20 kpl", "10–20~kpl"),
    ("1-2/ ohjauskerta", "1–2/ ohjauskerta"),
    ("1-1,5 tuntia, 45-90 min", "1–1,5~tuntia, 45–90~min"),
    ("3-4-vuotias", "3–4-vuotias"),
    ("2020-2026 ja 2024-25", "2020–2026 ja 2024–25"),
    ("1.-3.4. ja 1.2. - 3.4.2027", "1.–3.4. ja 1.2.–3.4.2027"),
    ("ma-pe klo 8.30-16", "ma–pe klo~8.30–16"),
    ("Satakunnassa - ja verkossa", "Satakunnassa~– ja verkossa"),
    ("verkossa -- aina", "verkossa~– aina"),
    ("à 45 minuuttia, 25,5 %, 3 kk, 5 §, § 5", "à~45~minuuttia, 25,5~%, 3~kk, 5~§, §~5"),
    ("20 000 €, 20 000-30 000 euroa", "20~000~€, 20~000–30~000~euroa"),
    ("klo 12.30", "klo~12.30"),
    ("Hädässä soita 112, numerossa 116 117", "Hädässä soita~112, numerossa~116~117"),
    ("22. marraskuuta", "22.~marraskuuta"),
    ("niin... ja", "niin… ja"),
]

UNCHANGED = [
    "050-534 8567",
    "050 - 534 8567",
    "050 534 8567",
    "+358 50-534 8567",
    "02-6234567",
    "0800-12345",
    "2026-11-22",
    "1234567-8",
    "150190-123A",
    "AB-2024-17",
    "viite 123-456",
    "tilaus 12-34",
    "ISO 9001-9002",
    "kati.3-4@aijuu.fi",
    "https://aijuu.fi/3-4?a='b'",
    "www.aijuu.fi/10-20",
    "aijuu.fi/10-20",
    "A-osa, 24-vuotias, itä-länsi, suku- ja henkilönimet",
    "28100 Pori",
    "5 - 3 = 2",
    "10-20 = -10",
    "3-2",
    "1-2-3",
    "5\" ja 6'",
    "....",
    "to-to",
]


def shown(text: str) -> str:
    """Show each no-break space as "~"."""
    return text.replace("\u00a0", "~")


@pytest.mark.once
@pytest.mark.parametrize(("typed", "corrected"), CORRECTED, ids=[typed for typed, _corrected in CORRECTED])
def test_plain_typing_gets_finnish_typography(typed: str, corrected: str) -> None:
    assert shown(finnish_text(typed)) == corrected
    assert shown(finnish_html(f"<p>{typed}</p>")) == f"<p>{corrected}</p>"


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("3–4 viikon", "3–|4 viikon"),
        ("45–90~min", "45–|90~min"),
        ("1.–3.4.", "1.–|3.4."),
        ("ma–pe", "ma–|pe"),
        ("soita 050 534 8567.", "soita 050~534~8567."),
        ("+358 50 534 8567", "+358~50~534~8567"),
        ("09 2525 0111, 116 117", "09~2525~0111, 116~117"),
        ("verkossa~– aina", "verkossa~– aina"),
        ("vuonna 2026 010 osaa", "vuonna 2026 010 osaa"),
        ("28100 Pori", "28100 Pori"),
    ],
)
def test_ranges_and_phone_numbers_stay_on_one_line(text: str, shown_as: str) -> None:
    text, expected = text.replace("~", "\u00a0"), shown_as.replace("~", "\u00a0").replace("|", "\u2060")
    assert unbroken_text(text) == expected
    assert unbroken_html(f"<p>{text}</p>") == f"<p>{expected}</p>"
    assert unbroken_html(f'<a title="{text}">{text}</a>') == f'<a title="{text}">{text}</a>'


@pytest.mark.once
@pytest.mark.django_db
def test_window_titles_have_no_word_joiner() -> None:
    page = ServicePage(title="Tapaamiset 3-4 viikon välein")
    pause = PauseNotice().status(now=timezone.now())
    html = Template("{% load home_tags %}{% page_title %}|{{ page.title|typeset }}").render(
        Context({"page": page, "pause": pause})
    )
    assert html == "Tapaamiset 3–4\u00a0viikon välein|Tapaamiset 3–\u20604\u00a0viikon välein"


@pytest.mark.once
@pytest.mark.parametrize("text", UNCHANGED)
def test_similar_looking_text_is_unchanged(text: str) -> None:
    assert finnish_text(text) == text
    assert finnish_html(f"<li>{text}</li>") == f"<li>{text}</li>"
    assert finnish_text(f"Alku {text} loppu") == f"Alku {text} loppu"


@pytest.mark.once
@pytest.mark.parametrize(
    "html",
    [
        '<a href="/3-4">3-4 "x"</a>',
        '<code>x - y "3-4"</code>',
        "<pre>klo 12</pre>",
        '<span title="3-4 \'x\'" data-a="klo 12">x</span>',
        "<!-- 3-4 -->",
        "<br/>",
        "<script>3-4</script>",
        "&#3458; &amp; &lt;b&gt;",
        '<a href="x-1-2',
    ],
)
def test_tags_links_and_code_are_unchanged(html: str) -> None:
    assert finnish_html(f"<p>a {html} b</p>") == f"<p>a {html} b</p>"
    assert html in finnish_html(f'<p>"x" 3-4 {html} 10-20 - y</p>') or html.endswith("2")


@pytest.mark.once
def test_quotation_spans_inline_tags_within_paragraph() -> None:
    assert shown(finnish_html('<p><b>"a</b> b" - 45 <i>min</i></p>')) == "<p><b>”a</b> b”~– 45~<i>min</i></p>"
    assert finnish_html('<p>"a</p><p>luku 5" x</p>') == '<p>”a</p><p>luku 5" x</p>'
    assert finnish_html("<p>&quot;a&quot; &#x27;b&#39;</p>") == "<p>”a” ’b’</p>"


@pytest.mark.once
@pytest.mark.parametrize(
    ("html", "corrected"),
    [
        ("<a>3-4 <b>3-4</b>", "<a>3–4 <b>3–4</b>"),
        ("<a>3-4</a> <a>3-4", "<a>3-4</a> <a>3–4"),
        ("<!-- 3-4 <b>3-4</b>", "<!-- 3-4 <b>3–4</b>"),
        ("<!-- 3-4 --> 3-4 <!-- 3-4", "<!-- 3-4 --> 3–4 <!-- 3-4"),
        ("<CODE>3-4</code >3-4", "<CODE>3-4</code >3–4"),
    ],
)
def test_missing_end_tag_does_not_stop_corrections(html: str, corrected: str) -> None:
    assert finnish_html(html) == corrected


WORDS = st.lists(
    st.sampled_from(
        [
            *"\"'-–.,:;/ @<>&=+€%§()",
            " - ",
            "...",
            "\u00a0",
            *"0123456789",
            "klo ",
            "min",
            "Työ",
            "a",
            "viite ",
            "ma",
            "pe",
        ]
    ),
    max_size=40,
).map("".join)
ANY_TEXT = st.one_of(WORDS, st.text())
MARKUP = st.lists(
    st.one_of(
        WORDS.map(lambda text: text.replace("<", "").replace("&", "")),
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b>",
                "</b>",
                "<br/>",
                '<a href="/1-2">3-4</a>',
                "&amp;",
                "&quot;",
                "<li title='1-2'>",
                "&#64;",
            ]
        ),
    ),
    max_size=20,
).map("".join)
CHANGEABLE = re.compile(r"[\"'”’ \u00a0–…-]|\.\.\.")


@pytest.mark.once
@given(ANY_TEXT)
def test_finnish_text_is_idempotent(text: str) -> None:
    once = finnish_text(text)
    assert finnish_text(once) == once


@pytest.mark.once
@given(MARKUP)
def test_finnish_html_is_idempotent(html: str) -> None:
    once = finnish_html(html)
    assert finnish_html(once) == once


@pytest.mark.once
@given(ANY_TEXT)
def test_no_letter_or_digit_ever_changes(text: str) -> None:
    assert CHANGEABLE.sub("", finnish_text(text)) == CHANGEABLE.sub("", text)


@pytest.mark.once
@given(MARKUP)
def test_no_tag_link_or_reference_ever_changes(html: str) -> None:
    pieces = re.compile(r"<[^>]*>|(?<=>)3-4(?=</a>)|&(?!quot)[^;]*;")
    assert pieces.findall(finnish_html(html)) == pieces.findall(html)


@pytest.mark.once
@given(st.text(st.characters(exclude_characters="\"'-–.", exclude_categories=["Nd"])))
def test_text_without_typography_issues_is_unchanged(text: str) -> None:
    assert finnish_text(text) == text
    assert finnish_html(text) == text


# Text typed into every field. Its straight quotes and hyphen must not remain anywhere in the response.
TYPED = '"Sana" 3-4 viikkoa'
TYPED_CORRECTED = "”Sana” 3–4\u00a0viikkoa"


def filled(block: blocks.Block, page: Page) -> Any:
    """A value for `block` in which every text is TYPED."""
    if isinstance(block, blocks.StructBlock):
        return {name: filled(child, page) for name, child in block.child_blocks.items() if name != "anchor"}
    if isinstance(block, blocks.ListBlock):
        return [{"type": "item", "id": str(n), "value": filled(block.child_block, page)} for n in range(2)]
    if isinstance(block, blocks.RichTextBlock):
        return f"<p>{TYPED}</p>"
    if isinstance(block, blocks.PageChooserBlock):
        return page.pk
    if isinstance(block, ImageChooserBlock | blocks.ChoiceBlock):
        return None
    if isinstance(block, blocks.CharBlock | blocks.TextBlock):
        return TYPED
    raise AssertionError(f"{block!r} has no value here")


def texts_in(block: blocks.Block) -> int:
    """Return how many texts filled() writes."""
    if isinstance(block, blocks.StructBlock):
        return sum(texts_in(child) for name, child in block.child_blocks.items() if name != "anchor")
    if isinstance(block, blocks.ListBlock):
        return 2 * texts_in(block.child_block)
    return 0 if isinstance(block, blocks.PageChooserBlock | ImageChooserBlock | blocks.ChoiceBlock) else 1


TEXT_BLOCKS = [name for name in BodyStreamBlock().child_blocks if name != "image"]


def straight(html: str) -> list[str]:
    """Return the texts, and the attributes that are read out or shown, that are still as typed."""
    soup = BeautifulSoup(html, "html.parser")
    read = [str(text) for text in soup.find_all(string=True)]
    read += [
        str(tag[name])
        for tag in soup.find_all()
        for name in ("content", "alt", "title", "aria-label")
        if tag.has_attr(name)
    ]
    data = [
        unescape(json.dumps(json.loads(str(tag.string)), ensure_ascii=False))
        for tag in soup.select('[type="application/ld+json"]')
    ]
    return [text for text in read + data if "3-4" in text or '"Sana' in text or '\\"Sana' in text]


@pytest.mark.parametrize("name", TEXT_BLOCKS)
def test_every_block_text_is_typeset(name: str, client: Client, front_page: HomePage) -> None:
    block = BodyStreamBlock().child_blocks[name]
    page = ServicePage(title="Koe", slug="koe", body=[{"type": name, "value": filled(block, front_page)}])
    front_page.add_child(instance=page)
    html = client.get("/koe/").text
    assert straight(html) == []
    assert html.replace("\u00ad", "").count("Sana”") >= texts_in(block)


def test_title_head_and_menus_share_finnish_typography(client: Client, front_page: HomePage) -> None:
    details, notice = ContactDetails.load(), PauseNotice.load()
    details.areas = details.postal_address = TYPED
    details.save()
    notice.active, notice.message = True, f"<p>{TYPED}</p>"
    notice.save()
    page = ServicePage(title=TYPED, slug="koe", intro=f"<p>{TYPED}</p>", show_in_menus=True)
    front_page.add_child(instance=page)
    FooterLink.objects.create(menu=FooterMenu.load(), page=page)
    page.add_child(instance=ServicePage(title=TYPED, slug="alla", search_description=TYPED, seo_title=TYPED))
    for path in ("/koe/", "/koe/alla/"):
        html = client.get(path).text
        assert straight(html) == [], path
        soup = BeautifulSoup(html, "html.parser")
        for selector in ("title", "h1", ".site-menu a", ".site-footer__menu a", ".pause"):
            found = soup.select_one(selector)
            assert found is not None, selector
            assert TYPED_CORRECTED in found.get_text().replace(WORD_JOINER, ""), selector
        assert f'content="{TYPED_CORRECTED}"' in html
    assert '<span aria-current="page">' + TYPED_CORRECTED in html.replace(WORD_JOINER, "")


def test_stored_text_is_unchanged(client: Client, front_page: HomePage) -> None:
    page = front_page.add_child(instance=ServicePage(title=TYPED, slug="koe", intro=f"<p>{TYPED}</p>"))
    client.get("/koe/")
    page.refresh_from_db()
    assert (page.title, page.intro) == (TYPED, f"<p>{TYPED}</p>")


def test_visitor_input_is_shown_as_typed(visitor: Client) -> None:
    html = visitor.post("/ota-yhteytta/", {"name": TYPED, "message": TYPED}).text
    soup = BeautifulSoup(html, "html.parser")
    name, message = soup.select_one("input[name=name]"), soup.select_one("textarea[name=message]")
    assert name is not None
    assert message is not None
    assert name["value"] == TYPED
    assert message.get_text().strip() == TYPED
