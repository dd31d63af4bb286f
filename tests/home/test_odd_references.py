"""Invalid ids of pages, documents and pictures in text and blocks: the page can still be shown, edited and saved."""

import json
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Page
from wagtail.rich_text import expand_db_html

from home.editors_text import valid_id, without_invalid_references
from home.models import ContentPage, HomePage
from tests.accounts import make_user
from tests.uploading import drawn, upload

pytestmark = pytest.mark.django_db

ODD = [
    'id="abc"',
    'id=""',
    "",
    'id="1.5"',
    'id="-1"',
    'id="0"',
    'id=" 1"',
    'id="1_0"',
    'id="١"',
    'id="²"',
    'id="99999999999999999999"',
    'id="9223372036854775808"',
    'id="' + "9" * 5000 + '"',
    'id="[1]"',
    'id="None"',
    'id="1e3"',
    'id="&quot;"',
    'id="&lt;script&gt;"',
    'id="987654"',
]


@pytest.fixture
def page(front_page: HomePage) -> ContentPage:
    page = ContentPage(title="K", slug="koe", body=[])
    front_page.add_child(instance=page)
    return page


@pytest.fixture
def kati(client: Client) -> Client:
    client.force_login(make_user(is_superuser=True))
    return client


def store_unvalidated(page: ContentPage, **columns: str) -> None:
    """Store the values with SQL, without any validation, as a file, a restore or an earlier version may have."""
    assignments = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE home_contentpage SET {assignments} WHERE page_ptr_id = %s",  # noqa: S608 - names of our own
            [*columns.values(), page.pk],
        )


def text_block(html: str) -> dict[str, Any]:
    return {"type": "text", "value": {"heading": "Alku", "text": html}}


@pytest.mark.parametrize("kind", ["page", "document"])
def test_link_with_invalid_id_keeps_its_text(kind: str, page: ContentPage, client: Client) -> None:
    html = "".join(f'<p>Lue <a linktype="{kind}" {number}>tästä sivusta</a> lisää.</p>' for number in ODD)
    store_unvalidated(page, intro=html, body=json.dumps([text_block(html)]))
    answer = client.get("/koe/")
    assert answer.status_code == 200
    main = BeautifulSoup(answer.content, "html.parser").select_one("main")
    assert main is not None
    assert main.text.count("Lue tästä sivusta lisää.") == 2 * len(ODD)
    assert not [a for a in main.select("a") if "tästä" in a.text]


@pytest.mark.parametrize("kind", ["image", "media", "odd"])
def test_embeds_in_text_are_not_shown(kind: str, page: ContentPage, client: Client) -> None:
    get_image_model().objects.create(pk=1, description="Kati", title="k", file=upload(drawn()))
    numbers = [*ODD, 'id="1" format="odd"', 'id="1" format="fullwidth"', 'id="1"']
    html = "".join(f'<p>Alku</p><embed embedtype="{kind}" {number}/><p>Loppu</p>' for number in numbers)
    store_unvalidated(page, intro=html, body=json.dumps([text_block(html)]))
    answer = client.get("/koe/")
    assert answer.status_code == 200
    assert not BeautifulSoup(answer.content, "html.parser").select("main img, main embed")
    assert not get_image_model().get_rendition_model().objects.exists()


def test_valid_link_is_expanded(page: ContentPage) -> None:
    document = get_document_model().objects.create(title="x", file=ContentFile(b"%PDF-1.4", "x.pdf"))
    assert expand_db_html(f'<a linktype="page" id="{page.pk}">x</a>') == '<a href="/koe/">x</a>'
    assert expand_db_html(f'<a linktype="document" id="{document.pk}">x</a>') == f'<a href="{document.url}">x</a>'
    mixed = f'<a linktype="page" id="abc">x</a><a linktype="page" id="{page.pk}">y</a><a href="https://a.fi">z</a>'
    assert expand_db_html(mixed) == '<a>x</a><a href="/koe/">y</a><a href="https://a.fi">z</a>'
    # The tree's root is a page without an address.
    assert expand_db_html(f'<a linktype="page" id="{Page.objects.get(depth=1).pk}">x</a>') == "<a>x</a>"


def every_odd_tag() -> str:
    tags = ('<a linktype="page" {}>x</a>', '<a linktype="document" {}>y</a>', '<embed embedtype="image" {}/>')
    return "".join(f"<p>{tag.format(number)}</p>" for number in ODD for tag in tags)


def test_page_with_invalid_link_can_be_saved(page: ContentPage) -> None:
    html = every_odd_tag()
    page.intro = html
    page.body = [text_block(html)]
    page.save_revision().publish()
    page.refresh_from_db()
    assert "x</a>" in page.intro


def test_page_with_invalid_link_opens_in_editor(page: ContentPage, kati: Client) -> None:
    html = every_odd_tag()
    store_unvalidated(page, intro=html, body=json.dumps([text_block(html)]))
    assert kati.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200


def test_editor_form_drops_invalid_links(page: ContentPage, kati: Client) -> None:
    numbers: list[Any] = ["abc", "", 1.5, [1], {"a": 1}, True, "99999999999999999999", -1]
    entities = {
        str(key): {"type": "LINK", "mutability": "MUTABLE", "data": {"id": number, "parentId": 1}}
        for key, number in enumerate(numbers)
    }
    blocks = [
        {
            "key": f"aaaa{key}",
            "text": "x",
            "type": "unstyled",
            "depth": 0,
            "inlineStyleRanges": [],
            "entityRanges": [{"offset": 0, "length": 1, "key": key}],
        }
        for key in range(len(numbers))
    ]
    data = {
        "title": "K",
        "slug": "koe",
        "intro": json.dumps({"blocks": blocks, "entityMap": entities}),
        "body-count": "0",
        "action-publish": "1",
    }
    answer = kati.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), data)
    assert answer.status_code == 302
    page.refresh_from_db()
    assert page.intro.count("x</a>") == len(numbers)
    assert "linktype" not in page.intro
    assert Client().get("/koe/").status_code == 200


def editor_json(entity: Any) -> str:
    ranges = [{"offset": 0, "length": 1, "key": 0}]
    block = {"key": "aaaaa", "text": "x", "type": "unstyled", "depth": 0, "inlineStyleRanges": []}
    return json.dumps({"blocks": [{**block, "entityRanges": ranges}], "entityMap": {"0": entity}})


MALFORMED_TEXTS = [
    *("", "x", "{", "[]", "1", '{"blocks": null}', '{"blocks": [{}], "entityMap": {}}', "[" * 100_000),
    *(editor_json({"type": "LINK", "mutability": "MUTABLE", "data": data}) for data in ({}, None, {"url": 1})),
    *(editor_json(entity) for entity in (None, {}, {"type": "LINK"})),
]


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        *(("edit", sent) for sent in MALFORMED_TEXTS),
        *(("preview_on_edit", sent) for sent in (MALFORMED_TEXTS[1], MALFORMED_TEXTS[-1])),
    ],
    ids=range(len(MALFORMED_TEXTS) + 2),
)
def test_malformed_rich_text_is_bad_request(place: str, sent: str, page: ContentPage, kati: Client) -> None:
    data = {"title": "K", "slug": "koe", "intro": sent, "body-count": "0", "action-publish": "1"}
    answer = kati.post(reverse(f"wagtailadmin_pages:{place}", args=[page.pk]), data)
    assert answer.status_code == 400
    page.refresh_from_db()
    assert page.intro == ""


RAW = ["abc", "", "1.5", 1.5, -1, 0, True, 10**30, "9" * 5000, [], [1], {}, {"a": 1}, "None", "٣", 987654, None]


def test_block_with_invalid_id_refers_to_nothing(page: ContentPage, kati: Client) -> None:
    body: list[dict[str, Any]] = []
    for raw in RAW:
        call = {"text": "Tule", "label": "Nappi", "page": raw}
        figure = {"image": raw, "caption": "", "credit": ""}
        body += [{"type": "call_to_action", "value": call}, {"type": "image", "value": figure}]
    store_unvalidated(page, body=json.dumps([*body, text_block("<p>Loppu</p>")]))
    answer = Client().get("/koe/")
    assert answer.status_code == 200
    assert "Loppu" in answer.text
    assert not BeautifulSoup(answer.content, "html.parser").select("main img")
    assert kati.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200
    ContentPage.objects.get(pk=page.pk).save_revision().publish()


def test_block_with_valid_id_resolves(page: ContentPage) -> None:
    image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn()))
    call = {"text": "Tule", "label": "Nappi"}
    body = [
        {"type": "call_to_action", "value": {**call, "page": page.pk}},
        {"type": "call_to_action", "value": {**call, "page": str(page.pk)}},
        {"type": "image", "value": {"image": image.pk}},
    ]
    store_unvalidated(page, body=json.dumps(body))
    first, second, third = ContentPage.objects.get(pk=page.pk).body
    assert first.value["page"].pk == second.value["page"].pk == page.pk
    assert third.value["image"].pk == image.pk


@pytest.mark.parametrize("number", ["abc", "-1", "9" * 30])
def test_invalid_page_choice_can_be_saved(number: str, page: ContentPage, kati: Client) -> None:
    prefix = "body-0-value"
    data = {
        "title": "K",
        "slug": "koe",
        "intro": json.dumps({"blocks": [], "entityMap": {}}),
        "body-count": "1",
        "body-0-deleted": "",
        "body-0-order": "0",
        "body-0-type": "call_to_action",
        "body-0-id": "",
        f"{prefix}-text": "",
        f"{prefix}-label": "Nappi",
        f"{prefix}-page": number,
        "action-publish": "1",
    }
    assert kati.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), data).status_code == 302
    assert Client().get("/koe/").status_code == 200


@pytest.mark.once
def test_valid_id() -> None:
    assert [valid_id(value) for value in (1, "12", 2**63 - 1, str(2**63 - 1))] == [1, 12, 2**63 - 1, 2**63 - 1]
    assert not [value for value in (*RAW[:-2], None, 2**63, str(2**63)) if valid_id(value) is not None]


@pytest.mark.once
def test_only_invalid_references_are_removed() -> None:
    kept = '<p><a linktype="page" id="3">x</a> <a href="https://a.fi">y</a> <a name="z">w</a></p>'
    assert without_invalid_references(kept) == kept
    assert (
        without_invalid_references('<a linktype="page" id="abc">x</a><embed embedtype="image" id="1"/>') == "<a>x</a>"
    )
