"""Question sets that the editor rejects: each validation error is shown in its place, in Finnish."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from wagtail.blocks.stream_block import StreamBlockValidationError

from intake.mapping.question_stream import QuestionStreamBlock, read_question_set
from tests.intake.mapping.asking import EVERY_TYPE, Row, row, step, stream

pytestmark = pytest.mark.django_db

WHO = row("single_choice", "kuka", choices=["A", "B"])
REMOVED = "The question that this hangs from has been removed. Choose another or remove the condition."
REMOVED_ANSWER = "An answer that this hangs from has been removed. Choose another or remove the condition."
LATER = "This hangs from a question that comes later. Move it below that one, or remove the condition."
ONE_QUESTION = "Choose answers of one question only."
NO_CHOICES = "A question can hang only from a question with choices."
EMPTY = "This step has no question. Add one below it, or remove the step."
BEGIN = "Begin with a step: the questions stand under it."
ROLE = "Another question has this place in the list already."
CHOICE = "This choice is there already."
BOUNDS = "The largest can't be smaller than the smallest."


def errors(rows: list[Row]) -> dict[Any, Any]:
    """Return {index of the row: its error}; {} if the rows can be saved."""
    try:
        QuestionStreamBlock().clean(stream(rows))
    except StreamBlockValidationError as error:
        return error.block_errors
    return {}


def words_of(error: Any) -> list[str]:
    """Every message in an error, however deep."""
    if isinstance(error, list | tuple):
        return [words for one in error for words in words_of(one)]
    if isinstance(error, dict):
        return [words for one in error.values() for words in words_of(one)]
    if hasattr(error, "block_errors"):
        inner = words_of(error.block_errors or {}) + words_of(getattr(error, "non_block_errors", None) or [])
        return inner or list(error.messages)
    return list(error.messages) if isinstance(error, ValidationError) else [str(error)]


def test_all_question_types_survive_saving() -> None:
    value = stream(EVERY_TYPE)
    assert read_question_set(QuestionStreamBlock().clean(value)) == read_question_set(value)


def when(*pairs: str) -> Row:
    return row("short_text", "muu", when=list(pairs))


ERRORS = {
    "a condition on a later question": ([step("S"), when("kuka:kuka-1"), WHO], 1, "when", LATER),
    "a condition on itself": (
        [step("S"), row("single_choice", "x", choices=["A", "B"], when=["x:x-1"])], 1, "when", LATER,
    ),
    "a condition on a removed question": ([step("S"), WHO, when("poistettu:x")], 2, "when", REMOVED),
    "a condition on a removed choice": (
        [step("S"), WHO, when("kuka:kuka-1", "kuka:kuka-9")], 2, "when", REMOVED_ANSWER,
    ),
    "a condition on a choice that the facts do not have": (
        [step("S"), WHO, when("supervision_form:x")], 2, "when", REMOVED_ANSWER,
    ),
    "a condition on two questions": (
        [step("S"), WHO, when("kuka:kuka-1", "delivery_modes:online")], 2, "when", ONE_QUESTION,
    ),
    "a condition on a question without choices": (
        [step("S"), row("short_text", "teksti"), when("teksti:x")], 2, "when", NO_CHOICES,
    ),
    "a condition on a step": ([step("S"), WHO, when("s:x")], 2, "when", NO_CHOICES),
    "a condition of a text": (
        [step("S"), WHO, row("information", "t", text="<p>x</p>", when=["poistettu:x"])], 2, "when", REMOVED,
    ),
    "an empty step between": ([step("S"), step("T"), WHO], 0, None, EMPTY),
    "an empty step at the end": ([step("S"), WHO, step("T")], 2, None, EMPTY),
    "a step with a text only": ([step("S"), WHO, step("T"), row("information", "t", text="<p>x</p>")], 2, None, EMPTY),
    "a question above the first step": ([WHO, step("S"), when()], 0, None, BEGIN),
    "a role twice": (
        [step("S"), row("short_text", "a", role="place"), row("short_text", "b", role="place")], 1, "role", ROLE,
    ),
    "a role twice in questions of two types": (
        [step("S"), WHO, row("date", "a", role="start"), row("period", "b", role="start")], 3, "role", ROLE,
    ),
    "a choice twice": ([step("S"), row("single_choice", "x", choices=["A", "B", "A"])], 1, "choices", CHOICE),
    "a choice twice in other letters": (
        [step("S"), row("multiple_choice", "x", choices=["Oma  yritys", "B", "OMA yritys "])], 1, "choices", CHOICE,
    ),
    "the largest below the smallest": ([step("S"), row("number", "n", minimum=5, maximum=4)], 1, "maximum", BOUNDS),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_set_validation_error_is_shown_in_place(name: str) -> None:
    rows, place, field, words = ERRORS[name]
    found = errors(rows)
    assert place in found, found
    error = found[place]
    if field is not None:
        assert field in error.block_errors
        error = error.block_errors[field]
    assert words_of(error) == [gettext(words)]
    assert gettext(words) != words


def test_all_invalid_blocks_are_reported_at_once() -> None:
    rows = [step("S"), when("poistettu:x"), row("short_text", "b", when=["kuka:kuka-1"]), WHO, step("T")]
    assert sorted(errors(rows)) == [1, 2, 4]


@pytest.mark.parametrize(
    "row_",
    [
        row("short_text", "x", label=""),
        row("short_text", "x", label="x" * 201),
        row("short_text", "x", limit=501),
        row("short_text", "x", limit=0),
        row("long_text", "x", limit=5001),
        row("single_choice", "x", choices=["A"]),
        row("single_choice", "x", choices=[str(number) for number in range(21)]),
        row("single_choice", "x", choices=["A", ""]),
        row("number", "x", maximum=1_000_001),
        row("number", "x", minimum=-1),
        row("scale", "x", low_label="", high_label="b"),
        row("yes_no", "x", yes_label=""),
        row("short_text", "x", role="payer"),
    ],
)
def test_block_validation_error_is_shown_in_place(row_: Row) -> None:
    found = errors([step("S"), row_])
    assert list(found) == [1]
    assert all("This field" not in words for words in words_of(found[1]))


@pytest.mark.parametrize("place", range(len(EVERY_TYPE)))
def test_question_removable_unless_another_depends_on_it(place: int) -> None:
    rows = [one for index, one in enumerate(EVERY_TYPE) if index != place]
    depended_on = {"teemat", "tuttu"}
    if EVERY_TYPE[place]["id"] in depended_on:
        assert set(words_of(errors(rows))) == {gettext(REMOVED)}
    elif place == 0:
        assert words_of(errors(rows)) == [gettext(BEGIN)]
    else:
        assert errors(rows) == {}
