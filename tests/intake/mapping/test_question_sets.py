"""A question set as stored with the answers: it is read back equal, and its version changes with its content."""

import json
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.test import Client

from intake.mapping.answers import answer_text
from intake.mapping.questions import Choice, Condition, QuestionSet, QuestionType, question_set_from_json
from intake.models import MappingPage
from tests.intake.mapping.asking import EVERY_TYPE, as_set, ask, one_of, row, step, steps

SMALL = steps([one_of("a", "x y"), ask("b", when="a:x", role="place")])


@pytest.fixture
def whole() -> QuestionSet:
    return replace(as_set(EVERY_TYPE), published_on="2026-11-22")


def test_every_type_comes_back_equal_from_json(whole: QuestionSet) -> None:
    assert {question.type for question in whole.questions()} == set(QuestionType)
    back = question_set_from_json(json.loads(json.dumps(whole.as_json())))
    assert back == whole
    assert back.version == whole.version
    assert whole.as_json()["version"] == whole.version


def test_empty_json_is_an_empty_question_set() -> None:
    assert question_set_from_json({}) == QuestionSet()


def test_version_is_equal_for_same_questions(whole: QuestionSet) -> None:
    assert whole.version == as_set(EVERY_TYPE).version
    # It was published again without a change.
    assert replace(whole, published_on="2030-01-01").version == whole.version


@pytest.mark.parametrize(
    "changes",
    [
        {"label": "Other"},
        {"help": "Other"},
        {"need": "required"},
        {"limit": 201},
        {"minimum": 1},
        {"maximum": 1},
        {"low_label": "x"},
        {"high_label": "x"},
        {"required_message": "x"},
        {"body": "x"},
        {"role": ""},
        {"key": "c"},
        {"type": QuestionType.LONG_TEXT},
        {"choices": (Choice(key="k", label="K"),)},
        {"condition": None},
        {"condition": Condition(source="a", choices=("y",))},
        {"condition": Condition(source="a", choices=("x",), words="Other")},
    ],
)
def test_version_changes_with_any_question_attribute(changes: dict[str, Any]) -> None:
    page = SMALL.steps[0]
    changed = replace(page, questions=(page.questions[0], replace(page.questions[1], **changes)))
    assert QuestionSet(steps=(changed,)).version != SMALL.version


@pytest.mark.parametrize("changes", [{"title": "Other"}, {"introduction": "Other"}, {"key": "other"}])
def test_version_changes_with_any_step_attribute(changes: dict[str, Any]) -> None:
    assert QuestionSet(steps=(replace(SMALL.steps[0], **changes),)).version != SMALL.version


def test_the_version_changes_with_the_order() -> None:
    page = SMALL.steps[0]
    assert QuestionSet(steps=(replace(page, questions=page.questions[::-1]),)).version != SMALL.version


def test_question_keys_survive_renaming_and_moving() -> None:
    before = [row("single_choice", "kuka", label="Kuka?", choices=["A", "B"]), row("short_text", "muu")]
    after = [row("short_text", "muu"), row("single_choice", "kuka", label="Kuka olet?", choices=["A!", "B"])]
    keys = [{question.key for question in as_set([step("S"), *rows]).questions()} for rows in (before, after)]
    choices = [
        {choice.key for question in as_set([step("S"), *rows]).questions() for choice in question.choices}
        for rows in (before, after)
    ]
    assert keys == [{"kuka", "muu"}] * 2
    assert choices == [{"kuka-1", "kuka-2"}] * 2


def test_condition_is_described_in_words(whole: QuestionSet) -> None:
    words = {question.key: question.condition.words for question in whole.questions() if question.condition}
    assert words["muu"] == "Vastaa tähän, jos valitsit kohdassa ”Teemat” vaihtoehdon ”Muu teema”."
    assert "”Ryhmätyönohjaus” tai ”Työyhteisön työnohjaus”" in words["koko"]


def test_information_texts_are_stored_as_html(whole: QuestionSet) -> None:
    text = next(question for question in whole.questions() if question.type == QuestionType.INFORMATION)
    assert text.body == "<p>Tuttuus <b>ei</b> ole este.</p>"
    assert not text.is_asked


NEWER_SET = {
    "version": "abc",
    "published_on": "joskus",
    "theme": "dark",
    "steps": [
        {
            "key": "s",
            "title": "Vaihe",
            "icon": "x",
            "questions": [
                {"key": "a", "type": "signature", "label": "Allekirjoitus", "choices": [], "condition": None},
                {
                    "key": "b", "type": "single_choice", "label": "Väri", "placeholder": "…", "limit": "paljon",
                    "choices": [{"key": "r", "label": "Punainen", "colour": "#f00"}, {"key": "x"}, "y"],
                    "condition": {"source": "a", "choices": ["x", 7], "mode": "any"},
                },
                {"type": "long_text", "label": "Ilman avainta"},
                {"key": "c", "type": "short_text"},
                "d",
            ],
        },
        7,
    ],
}  # fmt: skip


def test_newer_question_set_is_read_partially() -> None:
    read = question_set_from_json(NEWER_SET)
    assert [(step.title, [question.key for question in step.questions]) for step in read.steps] == [
        ("Vaihe", ["a", "b", "c"])
    ]
    signature, colour, short = read.questions()
    assert (signature.type, signature.label, signature.limit) == (QuestionType.LONG_TEXT, "Allekirjoitus", 1000)
    assert colour.choices == (Choice(key="r", label="Punainen"),)
    assert isinstance(colour.limit, int)
    assert colour.condition == Condition(source="a", choices=("x",))
    assert (short.label, short.limit, read.published_on) == ("", 1000, "")
    assert question_set_from_json(read.as_json()) == read


@pytest.mark.parametrize("data", [None, [], 7, "x", {"steps": None}, {"steps": {}}, {"steps": [{"questions": 7}]}])
def test_malformed_json_is_an_empty_question_set(data: object) -> None:
    assert list(question_set_from_json(data).questions()) == []


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("signature", "Kati", "Kati"),
        ("signature", 7, "7"),
        ("signature", ["r", "z"], "Punainen, z"),
        ("signature", {"from": "a", "to": "", "by": ["b"]}, "a, b"),
        ("date", "huomenna", "huomenna"),
        ("date", 7, "7"),
        ("scale", "viisi", "viisi"),
        ("period", {"from": "x"}, "x"),
        ("single_choice", ["r"], "Punainen"),
        ("multiple_choice", "r", "Punainen"),
        ("number", {"a": 1}, "1"),
    ],
)
def test_unexpected_answers_have_readable_text(kind: str, value: object, words: str) -> None:
    choices = [{"key": "r", "label": "Punainen"}]
    stored = {"steps": [{"questions": [{"key": "a", "type": kind, "choices": choices}]}]}
    (question,) = question_set_from_json(stored).questions()
    assert answer_text(question, value) == words


def test_question_texts_get_typography_and_contact_facts(mapping_page: MappingPage) -> None:
    """Contact facts and typography reach every text of the mapping, as they do on pages."""
    raw, fine = 'Soita {puhelin}: "3-4 viikkoa"', "Soita 050 534 8567: ”3–4 viikkoa”"
    texts = {"label": raw, "help": raw, "required_message": raw}
    question_set = as_set(
        [
            row("step", "alku", title=raw, introduction=raw),
            row("single_choice", "a", **texts, choices=[raw, "Muu"]),
            row("scale", "b", **texts, low_label=raw, high_label=raw),
            row("yes_no", "c", **texts, yes_label=raw, no_label=raw),
            row("information", "d", text=f"<p>{raw} {{sähköposti}} oma@esimerkki.fi</p>"),
            row("ending", "e", title=raw, text=f"<p>{raw} {{sähköposti}} oma@esimerkki.fi</p>", when=["c:yes"]),
        ]
    )
    stored = unescape(json.dumps(question_set.as_json(), ensure_ascii=False)).replace("\u00a0", " ")
    assert "{" + "puhelin" not in stored
    assert stored.count(fine) >= 15
    for body in (list(question_set.questions())[-1].body, question_set.endings[0].body):
        assert 'href="tel:+358505348567"' in body
        assert "@" not in body
        assert "mailto:kati" in unescape(body)
        assert "oma@esimerkki.fi" in unescape(body)


def test_elsewhere_title_is_rendered_alike_everywhere(client: Client, mapping_page: MappingPage) -> None:
    mapping_page.elsewhere_title = 'Soita {puhelin}: "3-4"'
    mapping_page.save()
    fine = "Soita 050 534 8567: ”3–4”"
    html = client.get(f"{mapping_page.url}muualle/").text.replace("\u00a0", " ").replace("\u2060", "")
    assert f"<title>{fine} – Aijuu työnohjaus</title>" in html
    assert f"<h1>{fine}</h1>" in html
    assert fine in client.get(mapping_page.url).text.replace("\u00a0", " ").replace("\u2060", "")
    assert dict(mapping_page.preview_modes)["elsewhere"].replace("\u00a0", " ") == fine
