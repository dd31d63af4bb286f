"""Which questions apply, which answers count, and how an answer reads: pure functions."""

from typing import Any

import pytest
from django.utils.translation import override

from intake.mapping.answers import (
    Progress,
    answer_text,
    condition_holds,
    counted_answers,
    finnish_date,
    is_answered,
    missing,
    progress,
    questions_to_show,
    steps_to_show,
)
from intake.mapping.questions import Condition, QuestionSet, QuestionType
from tests.intake.mapping.asking import ask, one_of, steps

GROUP = {"supervision_form": "group", "delivery_modes": ["online", "client_premises"]}
ALONE = {"supervision_form": "individual", "delivery_modes": ["online"]}

# b depends on a and c on b, all on one step; d depends on c, on the next step.
CHAIN = steps(
    [
        one_of("a", "yes no"),
        one_of("b", "yes no", when="a:yes"),
        ask("t", QuestionType.INFORMATION, when="b:yes"),
        one_of("c", "yes no", when="b:yes", need="required"),
    ],
    [ask("d", when="c:yes,no", need="required")],
    [ask("e", when="supervision_form:group,work_community"), ask("f", when="delivery_modes:client_premises")],
)


@pytest.mark.parametrize("value", [0, "x", ["x"], False, {"from": "2027-01-01", "to": ""}, {"from": "", "to": "x"}])
def test_zero_and_other_values_are_answers(value: Any) -> None:
    assert is_answered(value)


@pytest.mark.parametrize("value", [None, "", [], (), {}, {"from": "", "to": ""}])
def test_empty_values_are_no_answers(value: Any) -> None:
    assert not is_answered(value)


@pytest.mark.parametrize(
    ("source", "choices", "holds"),
    [
        ("supervision_form", ("group",), True),
        ("supervision_form", ("individual", "group"), True),
        ("supervision_form", ("individual",), False),
        ("delivery_modes", ("client_premises", "pori_premises"), True),
        ("delivery_modes", ("pori_premises",), False),
        ("nobody_asked", ("group",), False),
    ],
)
def test_condition_matches_any_listed_choice(source: str, choices: tuple[str, ...], holds: bool) -> None:
    assert condition_holds(Condition(source=source, choices=choices), GROUP) is holds


def test_question_without_condition_is_always_asked() -> None:
    assert condition_holds(None, {})


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        ({}, []),
        ({"a": "yes", "b": "yes", "c": "no", "d": "x"}, ["a", "b", "c", "d"]),
        ({"a": "yes", "b": "no", "c": "no", "d": "x"}, ["a", "b"]),
        # An earlier answer was changed: every answer that depended on it, even indirectly, no longer counts.
        ({"a": "no", "b": "yes", "c": "no", "d": "x"}, ["a"]),
        ({"b": "yes", "c": "yes", "d": "x"}, []),
        ({"a": "yes", "b": "yes", "c": "", "d": "x"}, ["a", "b"]),
        ({"e": "x", "f": "x", "removed": "x"}, []),
    ],
)
def test_answer_counts_only_if_its_condition_chain_does(answers: dict[str, Any], counted: list[str]) -> None:
    assert list(counted_answers(CHAIN, ALONE, answers)) == counted


def test_contact_facts_satisfy_conditions() -> None:
    assert counted_answers(CHAIN, GROUP, {"e": "x", "f": "y"}) == {"e": "x", "f": "y"}


@pytest.mark.parametrize(
    ("answers", "answered", "asked"),
    [({}, 0, 1), ({"a": "no"}, 1, 1), ({"a": "yes"}, 1, 2), ({"a": "yes", "b": "yes", "c": "no"}, 3, 4)],
)
def test_progress_counts_the_questions_that_apply(answers: dict[str, Any], answered: int, asked: int) -> None:
    assert progress(CHAIN, ALONE, answers) == Progress(answered=answered, asked=asked)


def test_progress_counts_four_answers_of_seven() -> None:
    seven = steps([ask(name) for name in "abcd"], [ask(name) for name in "efg"])
    assert progress(seven, {}, dict.fromkeys("abce", "x")) == Progress(answered=4, asked=7)


@pytest.mark.parametrize(
    ("answers", "lacking"),
    [
        ({}, []),
        ({"a": "yes", "b": "yes"}, ["c"]),
        ({"a": "yes", "b": "yes", "c": "yes"}, ["d"]),
        ({"a": "yes", "b": "yes", "c": "yes", "d": "x"}, []),
        ({"a": "no", "b": "yes"}, []),
    ],
)
def test_missing_lists_only_applicable_questions(answers: dict[str, Any], lacking: list[str]) -> None:
    assert [question.key for _step, question in missing(CHAIN, ALONE, answers)] == lacking


@pytest.mark.parametrize(
    ("facts", "answers", "shown"),
    [
        (ALONE, {}, [0]),
        (GROUP, {}, [0, 2]),
        (ALONE, {"a": "yes", "b": "yes", "c": "yes"}, [0, 1]),
        (GROUP, {"a": "yes", "b": "yes", "c": "yes"}, [0, 1, 2]),
        (GROUP, {"a": "no", "b": "yes", "c": "yes"}, [0, 2]),
    ],
)
def test_steps_without_applicable_questions_are_skipped(
    facts: dict[str, Any], answers: dict[str, Any], shown: list[int]
) -> None:
    assert steps_to_show(CHAIN, facts, answers) == shown


def test_step_with_only_information_is_skipped() -> None:
    only_text = steps([one_of("a", "yes no")], [ask("t", QuestionType.INFORMATION), ask("b", when="a:yes")])
    assert steps_to_show(only_text, {}, {"a": "no"}) == [0]
    assert steps_to_show(only_text, {}, {"a": "yes"}) == [0, 1]


def test_page_shows_questions_conditional_on_its_own_answers() -> None:
    page = CHAIN.steps[0]
    assert [question.key for question in questions_to_show(page, {})] == ["a", "b", "t", "c"]
    # An earlier answer on the same page may still change, so it hides nothing.
    assert [question.key for question in questions_to_show(page, {"a": "no"})] == ["a", "b", "t", "c"]


def test_page_omits_questions_ruled_out_earlier() -> None:
    later = steps([one_of("a", "x y")], [one_of("b", "x y", when="a:x"), ask("c", when="b:x"), ask("d")])
    assert [question.key for question in questions_to_show(later.steps[1], {"a": "y", "b": "x"})] == ["d"]
    assert [question.key for question in questions_to_show(later.steps[1], {"a": "x"})] == ["b", "c", "d"]


def test_a_set_without_steps_asks_nothing() -> None:
    assert steps_to_show(QuestionSet(), GROUP, {}) == []
    assert progress(QuestionSet(), GROUP, {}) == Progress(answered=0, asked=0)


WORDS = [
    (ask("a"), "Pori", "Pori"),
    (ask("a", QuestionType.LONG_TEXT), "Yksi\n\nkaksi", "Yksi\n\nkaksi"),
    (one_of("a", "first second"), "second", "Second"),
    (ask("a", QuestionType.MULTIPLE_CHOICE, choices="x y z"), ["z", "x"], "Z, X"),
    (ask("a", QuestionType.YES_NO, choices="yes no"), "no", "No"),
    (ask("a", QuestionType.NUMBER), 0, "0"),
    (ask("a", QuestionType.SCALE), 0, "0 asteikolla 0–10"),
    (ask("a", QuestionType.SCALE), 10, "10 asteikolla 0–10"),
    (ask("a", QuestionType.DATE), "2027-02-01", "1.2.2027"),
    (ask("a", QuestionType.PERIOD), {"from": "2027-02-01", "to": "2027-12-31"}, "1.2.2027–31.12.2027"),
    (ask("a", QuestionType.PERIOD), {"from": "2027-02-01", "to": ""}, "1.2.2027 alkaen"),
    (ask("a", QuestionType.PERIOD), {"from": "", "to": "2027-02-01"}, "viimeistään 1.2.2027"),
]


@pytest.mark.parametrize(("question", "value", "words"), WORDS)
def test_answer_text_is_readable_finnish(question: Any, value: Any, words: str) -> None:
    with override("fi"):
        assert answer_text(question, value) == words


@pytest.mark.parametrize("question", [question for question, _value, _words in WORDS])
def test_missing_answer_has_empty_text(question: Any) -> None:
    nothings: list[Any] = [None, "", [], {"from": "", "to": ""}]
    assert [answer_text(question, nothing) for nothing in nothings] == [""] * 4


def test_unknown_choice_has_empty_answer_text() -> None:
    assert answer_text(one_of("a", "x y"), "z") == ""
    assert answer_text(ask("a", QuestionType.MULTIPLE_CHOICE, choices="x y"), ["z", "y"]) == "Y"


@pytest.mark.parametrize(("iso", "words"), [("2027-02-01", "1.2.2027"), ("2026-11-22", "22.11.2026")])
def test_finnish_date_has_no_leading_zeros(iso: str, words: str) -> None:
    assert finnish_date(iso) == words
