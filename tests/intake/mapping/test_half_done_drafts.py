"""A half-done draft breaks neither the editor nor its previews, its history or the public page."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from wagtail.blocks.stream_block import StreamBlockValidationError

from intake.mapping.question_stream import QuestionStreamBlock, read_question_set
from intake.models import MappingPage
from tests.accounts import make_user
from tests.examples import examples
from tests.intake.desk.people import signed_in
from tests.intake.mapping.asking import EVERY_TYPE, Row, row, step, stream

pytestmark = pytest.mark.django_db

WHO = row("single_choice", "kuka", label="Kuka olet?", choices=["A", "B"])


@pytest.fixture
def kati() -> Client:
    user = make_user("kati")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    return signed_in(user)


def draft(page: MappingPage, rows: Any) -> MappingPage:
    """Store `rows` unchecked as the page's newest draft."""
    revision = MappingPage.objects.get(pk=page.pk).save_revision()
    revision.content["questions"] = json.dumps(rows)
    revision.save()
    return MappingPage.objects.get(pk=page.pk)


def draft_screens(page: MappingPage) -> dict[str, str]:
    """URLs of the screens that read the questions of the draft."""
    newest = page.latest_revision
    oldest = page.revisions.order_by("pk").first()
    return {
        "editor": reverse("wagtailadmin_pages:edit", args=[page.pk]),
        "view": reverse("wagtailadmin_pages:revisions_view", args=[page.pk, newest.pk]),
        "compare": reverse("wagtailadmin_pages:revisions_compare", args=[page.pk, oldest.pk, "latest"]),
        "draft": reverse("wagtailadmin_pages:view_draft", args=[page.pk]),
        "tryout": reverse("mapping_tryout", args=[page.pk]),
    }


def other_screens(page: MappingPage) -> dict[str, str]:
    """URLs of the page's other screens. The revert screen opens the editor of the same draft."""
    return {
        "history": reverse("wagtailadmin_pages:history", args=[page.pk]),
        "revert": reverse("wagtailadmin_pages:revisions_revert", args=[page.pk, page.latest_revision.pk]),
        "list": reverse("wagtailadmin_explore", args=[page.get_parent().pk]),
        "public page": "/alkukartoitus/",
        "first step": "/alkukartoitus/aloita/",
    }


def opened(client: Client, addresses: dict[str, str]) -> dict[str, int]:
    """Return the status code of each screen."""
    return {name: client.get(address).status_code for name, address in addresses.items()}


def assert_previews_open(page: MappingPage) -> None:
    """Assert that every preview of the draft opens."""
    version = page.get_latest_revision_as_object()
    for mode, _label in version.preview_modes:
        response = version.make_preview_request(RequestFactory().get("/"), mode, {"in_preview_panel": True})
        assert response.status_code == 200, mode
        assert response.text


HALF_DONE: dict[str, list[Any]] = {
    "an empty condition": [step("S"), WHO, row("short_text", "muu", when=[""])],
    "a condition without an answer": [step("S"), WHO, row("short_text", "muu", when=["kuka:", ":x", "x", None, 7])],
    "nothing but a new question": [row("single_choice", "kuka", label="", choices=["", ""])],
    "a kind that is no more": [step("S"), row("signature", "nimi"), WHO],
    "numbers taken out": [
        step("S"), row("number", "n", minimum=None, maximum=None), row("short_text", "t", limit=None)
    ],
    "numbers past all bounds": [step("S"), row("number", "n", minimum=-(10**30), maximum=10**30)],
    "keys left out": [{"type": kind, "value": {}} for kind in QuestionStreamBlock().child_blocks],
    "values left out": [{"type": kind} for kind in QuestionStreamBlock().child_blocks],
    "values of another type": [
        {"type": kind, "value": value, "id": key}
        for kind in QuestionStreamBlock().child_blocks
        for value, key in (("", ""), ([], None), ({"label": {}, "when": "x", "choices": {}, "text": 7}, 7))
    ],
    "the same key twice": [step("S"), WHO, WHO, row("short_text", "muu", when=["kuka:kuka-1"])],
    "no row at all": [],
    "no list": {"type": "step"},  # type: ignore[dict-item]
    "rows of another kind": ["step", 7, None, ["step", {}]],
    "a link that leads nowhere": [
        step("S"), row("information", "t", text='<p><a linktype="page" id="999999">x</a></p>')
    ],
}  # fmt: skip


# The rows of all these drafts in one draft; the two drafts without valid rows are left out.
TOGETHER = [one for name, rows in HALF_DONE.items() if name not in ("no list", "rows of another kind") for one in rows]


@pytest.mark.parametrize("name", HALF_DONE)
def test_every_preview_opens(mapping_page: MappingPage, name: str) -> None:
    page = draft(mapping_page, HALF_DONE[name])
    assert_previews_open(page)
    QuestionStreamBlock().get_form_state(page.get_latest_revision_as_object().questions)


def test_every_screen_opens(kati: Client, mapping_page: MappingPage) -> None:
    mapping_page.save_revision().publish()
    page = draft(mapping_page, TOGETHER)
    answers = opened(kati, draft_screens(page) | other_screens(page))
    assert set(answers.values()) == {200}, answers
    for name in ("no row at all", "no list", "rows of another kind"):
        addresses = draft_screens(draft(mapping_page, HALF_DONE[name]))
        answers = opened(kati, {screen: addresses[screen] for screen in ("editor", "compare", "tryout")})
        assert set(answers.values()) == {200}, (name, answers)


def test_half_done_published_page_opens(kati: Client, mapping_page: MappingPage) -> None:
    MappingPage.objects.filter(pk=mapping_page.pk).update(questions=TOGETHER)
    page = draft(mapping_page, EVERY_TYPE)
    answers = opened(kati, draft_screens(page) | other_screens(page))
    assert set(answers.values()) == {200}, answers


def test_readable_part_of_a_draft_is_shown() -> None:
    asked = read_question_set(
        stream([step("S"), WHO, row("short_text", "muu", label="Muu?", when=["", "kuka:kuka-1"])])
    )
    who, other = asked.questions()
    assert (who.label, [choice.label for choice in who.choices]) == ("Kuka olet?", ["A", "B"])
    assert other.condition is not None
    assert (other.condition.source, other.condition.choices) == ("kuka", ("kuka-1",))


def test_an_empty_condition_is_saved_but_not_published() -> None:
    """The editor makes one by a tap on ⊕ under the condition, without a choice. This once broke the editor."""
    rows = [step("S"), WHO, row("short_text", "muu", label="Muu?", when=[""])]
    value = stream(rows)
    block = QuestionStreamBlock()
    assert read_question_set(block.clean_deferred(value)) == read_question_set(value)
    with pytest.raises(StreamBlockValidationError) as refused:
        block.clean(stream(rows))
    assert list(refused.value.block_errors) == [2]


@pytest.mark.parametrize("rows", [[step("S"), WHO, WHO], [step("S"), {**WHO, "value": {**WHO["value"], "choices": [
    {"type": "item", "value": "A", "id": "x"}, {"type": "item", "value": "B", "id": "x"}]}}]])  # fmt: skip
def test_duplicate_keys_are_not_published(rows: list[Row]) -> None:
    with pytest.raises(StreamBlockValidationError) as refused:
        QuestionStreamBlock().clean(stream(rows))
    assert list(refused.value.block_errors) == [len(rows) - 1]


# What the editor's form can post, and what the database may contain.
_leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["kuka:kuka-1", ":", "a:"])
_items = st.fixed_dictionaries({}, optional={"type": _leaves, "value": _leaves, "id": _leaves})
_values = _leaves | st.lists(_leaves | _items, max_size=3) | _items
_names = st.sampled_from(
    [
        "label",
        "help",
        "need",
        "when",
        "choices",
        "limit",
        "minimum",
        "maximum",
        "text",
        "title",
        "role",
        "yes_label",
    ]
)
_rows = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from([*QuestionStreamBlock().child_blocks, "signature"])},
        optional={
            "value": st.dictionaries(_names, _values) | _values,
            "id": st.sampled_from(["a", "b", "", "ä "]) | _leaves,
        },
    )
    | st.sampled_from(EVERY_TYPE),
    max_size=6,
)


@examples(8)
@given(rows=_rows | _values)
def test_any_draft_is_shown(mapping_page: MappingPage, rows: Any) -> None:
    page = mapping_page
    page.questions = page._meta.get_field("questions").to_python(json.dumps(rows))
    block = QuestionStreamBlock()
    block.get_form_state(page.questions)
    asked = page.question_set()
    keys = [question.key for question in asked.questions()]
    assert len(set(keys)) == len(keys)
    assert all(keys)
    for mode, _label in page.preview_modes:
        response = page.make_preview_request(RequestFactory().get("/"), mode, {"in_preview_panel": True})
        assert response.status_code == 200
