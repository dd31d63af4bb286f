"""Blocks: what visitors see, HTML escaping of the editor's text, and stable anchors."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from wagtail.images import get_image_model
from wagtail.images.tests.utils import get_test_image_file
from wagtail.test.utils.form_data import nested_form_data, rich_text, streamfield

from home.blocks import BodyStreamBlock
from home.models import ContactDetails, ContentPage, HomePage, ServicePage
from tests.accounts import make_user

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script> & \"x\" 'y'"


def body(*blocks: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"type": name, "value": value} for name, value in blocks]


def show(client: Client, front_page: HomePage, *blocks: tuple[str, Any]) -> str:
    page = ContentPage(title="Koe", slug="koe", body=body(*blocks))
    front_page.add_child(instance=page)
    html = client.get("/koe/").text
    return html[html.index("<main") : html.index("</main>")]


def faq(*questions: str, **more: Any) -> tuple[str, Any]:
    return "faq", {
        "heading": "Kysyttyä",
        "questions": [{"question": q, "answer": "<p>Niin.</p>"} for q in questions],
    } | more


def anchors(page: ContentPage) -> list[str]:
    return [
        question["anchor"]
        for block in ContentPage.objects.get(pk=page.pk).body
        if block.block_type == "faq"
        for question in block.value["questions"]
    ]


def test_every_block_has_finnish_label_and_description() -> None:
    with translation.override("en"):
        english = {name: (str(b.label), b.get_description()) for name, b in BodyStreamBlock().child_blocks.items()}
    with translation.override("fi"):
        for name, block in BodyStreamBlock().child_blocks.items():
            assert block.label
            assert block.get_description()
            assert (str(block.label), block.get_description()) != english[name], f"{name} is not translated"
            assert block.meta.icon != "placeholder"
            assert block.is_previewable


PREVIEWED = {
    "text": "<h2>Ohjaajana Kati</h2>",
    "page_links": 'href="/yhteys/"',
    "image": "<img",
    "benefits": "selkeämmät tavoitteet",
    "steps": "Tilanteen kartoittaminen",
    "facts": "3–\u20604",
    "faq": "Kenelle työnohjaus sopii?",
    "quote": "”Työnohjaus on oman työn",
    "call_to_action": 'href="/yhteys/">Ota yhteyttä</a>',
    "contact_card": "Aijuu työnohjaus",
}


def test_every_block_preview_shows_its_example(client: Client, front_page: HomePage) -> None:
    details = ContactDetails.load()
    details.contact_page = front_page.add_child(instance=ContentPage(title="Y", slug="yhteys", show_in_menus=True))
    details.save()
    get_image_model().objects.create(description="Kati", title="Kuva", file=get_test_image_file())
    client.force_login(make_user(is_superuser=True))
    for name, block in ContentPage.body.field.stream_block.child_blocks.items():
        preview = client.get(reverse("wagtailadmin_block_preview"), {"id": block.definition_prefix})
        assert preview.status_code == 200, name
        shown = preview.text[preview.text.index("<main>") : preview.text.index("</main>")]
        assert PREVIEWED[name] in shown, name


ESCAPED = [
    (
        "text",
        {"heading": EVIL, "line": EVIL, "text": "<p>x</p>", "facts": [{"value": EVIL, "unit": "", "label": EVIL}]},
    ),
    ("benefits", {"heading": EVIL, "items": [EVIL]}),
    ("steps", {"heading": EVIL, "intro": EVIL, "steps": [{"title": EVIL, "text": EVIL}, {"title": "b", "text": ""}]}),
    ("facts", {"heading": EVIL, "facts": [{"value": "<b>3</b>", "unit": EVIL, "label": EVIL}]}),
    ("faq", {"heading": EVIL, "questions": [{"question": EVIL, "answer": "<p>x</p>"}]}),
    ("quote", {"text": EVIL, "attribution": EVIL}),
    ("contact_card", {"heading": EVIL, "text": EVIL}),
]


@pytest.mark.parametrize("block", ESCAPED, ids=[name for name, _value in ESCAPED])
def test_block_text_is_html_escaped(block: tuple[str, Any], client: Client, front_page: HomePage) -> None:
    html = show(client, front_page, block)
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in html


def test_steps_block_is_captioned_ordered_list(client: Client, front_page: HomePage) -> None:
    steps = [{"title": "Ensin", "text": "a"}, {"title": "Sitten", "text": ""}]
    html = show(client, front_page, ("steps", {"intro": "Näin:", "steps": steps}))
    assert re.search(r"<figcaption[^>]*>Näin:</figcaption>\s*<ol.*Ensin.*Sitten.*</ol>", html, re.DOTALL)
    assert html.count("<li") == 2


def test_questions_open_without_javascript(client: Client, front_page: HomePage) -> None:
    html = show(client, front_page, faq("Miksi?"))
    assert re.search(r'<details class="faq__item" id="miksi">\s*<summary', html)
    assert "<p>Niin.</p>" in html


def test_empty_faq_is_not_shown(client: Client, front_page: HomePage) -> None:
    assert "Kysyttyä" not in show(client, front_page, faq())


def test_anchors_are_unique_and_avoid_reserved_ids(front_page: HomePage) -> None:
    page = front_page.add_child(
        instance=ContentPage(title="K", slug="k", body=body(faq("Miksi?", "Miksi?", "Sisältö"), faq("Miksi?", "??")))
    )
    assert anchors(page) == ["miksi", "miksi-2", "sisalto-2", "miksi-3", "kysymys"]


def test_anchor_survives_rewording_and_reordering(front_page: HomePage) -> None:
    page = front_page.add_child(instance=ContentPage(title="K", slug="k", body=body(faq("Miksi?", "Miten?"))))
    page = ContentPage.objects.get(pk=page.pk)
    questions = page.body[0].value["questions"]
    questions[0]["question"] = "Minkä vuoksi?"
    raw = page.body.get_prep_value()
    items = raw[0]["value"]["questions"]
    new = {"question": "Miksi?", "answer": "<p>Uusi.</p>"}
    raw[0]["value"]["questions"] = [{"type": "item", "id": "new", "value": new}, items[1], items[0]]
    page.body = raw
    page.save_revision().publish()
    assert anchors(page) == ["miksi-2", "miten", "miksi"]


def test_copied_question_gets_new_anchor(front_page: HomePage) -> None:
    question = {"question": "Miksi?", "answer": "<p>x</p>", "anchor": "miksi"}
    page = front_page.add_child(
        instance=ContentPage(
            title="K", slug="k", body=body(("faq", {"heading": "", "questions": [question, question]}))
        )
    )
    assert anchors(page) == ["miksi", "miksi-2"]


def test_edit_form_assigns_and_keeps_anchors(client: Client, front_page: HomePage) -> None:
    page = front_page.add_child(instance=ContentPage(title="K", slug="k", body=body(faq("Miksi?"))))
    client.force_login(make_user(is_superuser=True))
    item = {"question": "Minkä vuoksi?", "answer": rich_text("<p>x</p>"), "anchor": "miksi"}
    new = {"question": "Kuinka?", "answer": rich_text("<p>y</p>"), "anchor": ""}
    # A list's form data has the same shape as a stream's.
    questions = streamfield([("item", item), ("item", new)])
    form = nested_form_data(
        {
            "title": "K",
            "slug": "k",
            "intro": rich_text(""),
            "body": streamfield([("faq", {"heading": "Kysyttyä", "anchor": "kysyttya", "questions": questions})]),
            "action-publish": "1",
        }
    )
    answer = client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), form)
    assert answer.status_code == 302, answer.context["form"].errors
    assert anchors(page) == ["miksi", "kuinka"]


def test_call_to_action_falls_back_to_contact_page(client: Client, front_page: HomePage) -> None:
    target = front_page.add_child(instance=ServicePage(title="T", slug="tavoite"))
    details = ContactDetails.load()
    details.contact_page = front_page.add_child(instance=ContentPage(title="Y", slug="yhteys"))
    details.save()
    chosen = ("call_to_action", {"label": "Lue lisää", "page": target.pk})
    html = show(client, front_page, chosen, ("call_to_action", {"label": "Kirjoita", "page": None}))
    assert 'href="/tavoite/">Lue lisää</a>' in html
    assert 'href="/yhteys/">Kirjoita</a>' in html
    target.unpublish()
    html = client.get("/koe/").text
    assert 'href="/yhteys/">Lue lisää</a>' in html
    assert 'href="/yhteys/">Kirjoita</a>' in html


def test_a_decorative_picture_has_an_empty_alternative_text(client: Client, front_page: HomePage) -> None:
    image = get_image_model().objects.create(
        title="Salainen tiedostonimi", description="ei tätä", is_decorative=True, file=get_test_image_file()
    )
    html = show(client, front_page, ("image", {"image": image.pk, "caption": "", "credit": ""}))
    assert 'alt=""' in html
    assert "Salainen" not in html
    assert "ei tätä" not in html
    assert "ei tätä" not in html
    assert "<figcaption" not in html


def test_contact_card_shows_only_filled_fields(client: Client, front_page: HomePage) -> None:
    html = show(client, front_page, ("contact_card", {"heading": "Kortti", "text": ""}))
    assert "Aijuu työnohjaus" in html
    assert "Puhelin" not in html
    assert "Sähköposti" not in html
    ContactDetails.objects.update(phone="0505348567")
    html = client.get("/koe/").text
    assert '<a href="tel:+358505348567">050 534 8567</a>' in html
