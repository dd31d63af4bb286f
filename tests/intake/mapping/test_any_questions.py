"""Any question set that the editor can save is rendered, answered and stored; no post leads to a server error."""

import itertools
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from intake.mapping.question_stream import QuestionStreamBlock
from intake.mapping.questions import Question, question_set_from_json
from intake.models import Enquiry, InitialMapping, MappingPage
from intake.typed_text import clean_line, clean_lines, contains_henkilotunnus
from tests.examples import examples
from tests.intake.mapping.answering import Answerer, contact_facts
from tests.intake.mapping.any_questions import facts, hostile_values, saved_rows, words
from tests.intake.mapping.asking import Row, stream
from tests.intake.visiting import ShownForm

_numbers = itertools.count(1)

# Within the years that home.dates accepts.
days = st.dates(date(1970, 1, 1), date(2040, 12, 31))


@pytest.fixture(autouse=True)
def no_limit(settings: Any) -> None:
    settings.FORM_RATE_LIMIT = 10**6


def publish(page: MappingPage, rows: list[Row]) -> MappingPage:
    """Store the rows as the editor would; the example is skipped if they are invalid."""
    try:
        page.questions = QuestionStreamBlock().clean(stream(rows))
    except ValidationError:
        assume(False)
    page.save()
    return MappingPage.objects.get()


def good_answer(draw: st.DataObject, question: Question) -> tuple[dict[str, str | Sequence[str]], Any]:
    """What is posted for a question, and what must be stored for it (None for no answer)."""
    name = f"q_{question.key}"
    if not question.is_required and draw.draw(st.booleans()):
        return {}, None
    keys = [choice.key for choice in question.choices]
    match question.type:
        case "single_choice" | "yes_no":
            key = draw.draw(st.sampled_from(keys))
            return {name: key}, key
        case "multiple_choice":
            chosen = draw.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True).map(sorted))
            return {name: chosen}, chosen
        case "scale":
            point = draw.draw(st.integers(0, 10))
            return {name: str(point)}, point
        case "number":
            number = draw.draw(st.integers(question.minimum, question.maximum))
            return {name: str(number)}, number
        case "date":
            day = draw.draw(days)
            return {name: f"{day.day}.{day.month}.{day.year:04}"}, day.isoformat()
        case "period":
            first, last = sorted([draw.draw(days), draw.draw(days)])
            return (
                {f"{name}_from": first.isoformat(), f"{name}_to": last.isoformat()},
                {"from": first.isoformat(), "to": last.isoformat()},
            )
        case _:
            clean = clean_lines if question.type == "long_text" else clean_line
            text = draw.draw(words)[: question.limit]
            if not clean(text) or contains_henkilotunnus(clean(text)):
                text = "x"
            return {name: text}, clean(text)


def is_asked(question: Question, known: dict[str, Any]) -> bool:
    """Evaluate the question's condition independently of the code under test."""
    if question.condition is None:
        return True
    value = known.get(question.condition.source)
    given_ = value if isinstance(value, list) else [value]
    return bool(set(question.condition.choices) & {one for one in given_ if one is not None})


@examples(5)
@given(rows=saved_rows(), chosen=facts, draw=st.data())
def test_any_question_set_is_rendered_and_stored(
    mapping_page: MappingPage, rows: list[Row], chosen: dict[str, Any], draw: st.DataObject
) -> None:
    page = publish(mapping_page, rows)
    asked = page.question_set()
    Enquiry.objects.all().delete()
    InitialMapping.objects.all().delete()
    answerer = Answerer(f"visitor {next(_numbers)}")
    assert answerer.begins(contact_facts(**chosen, email=f"m{next(_numbers)}@esimerkki.fi")).status_code == 303

    modes = [mode for mode in chosen["delivery_modes"] if mode != "undecided"] or chosen["delivery_modes"]
    known: dict[str, Any] = {"supervision_form": chosen["supervision_form"], "delivery_modes": modes}
    expected: dict[str, Any] = {}
    place = answerer.opens()["Location"]
    visited = 0
    while "/vaihe/" in place:
        number = int(place.rstrip("/").split("/")[-1])
        shown = ShownForm.of(answerer.client.get(place))
        posted: dict[str, Any] = {"version": shown.values["version"]}
        text = shown.soup.get_text()
        for question in asked.steps[number - 1].questions:
            if not question.is_asked or not is_asked(question, known):
                continue
            assert question.label in text
            assert all(choice.label in text for choice in question.choices)
            fields, value = good_answer(draw, question)
            posted |= fields
            if value is not None:
                known[question.key] = expected[question.key] = value
        answer = answerer.posts(place, posted)
        assert answer.status_code == 303, ShownForm.of(answer).summary
        again = ShownForm.of(answerer.client.get(place)).values
        for name, value in posted.items():
            if name.startswith("q_") and question_type(asked, name) in ("single_choice", "multiple_choice", "yes_no"):
                assert again[name] == value
        place = answer["Location"]
        visited += 1
        assert visited <= len(asked.steps)
    event(f"{visited} steps, {min(len(expected), 5)} answers or more")

    assert place == answerer.address("tarkista")
    checked = answerer.opens("tarkista").content.decode()
    assert answerer.sends()["Location"] == answerer.address("perilla"), ShownForm.of(answerer.opens("tarkista")).summary
    mapping = Enquiry.objects.get().mapping
    assert mapping.answers == expected
    assert mapping.questions == question_set_from_json(asked.as_json()) == asked
    assert mapping.progress.answered == len(expected)
    assert "<script>alert" not in checked


def question_type(asked: Any, name: str) -> str:
    return next((question.type for question in asked.questions() if f"q_{question.key}" == name), "")


@examples(5)
@given(rows=saved_rows(), chosen=facts, draw=st.data())
def test_arbitrary_answers_store_only_valid_data(
    mapping_page: MappingPage, rows: list[Row], chosen: dict[str, Any], draw: st.DataObject
) -> None:
    asked = publish(mapping_page, rows).question_set()
    InitialMapping.objects.all().delete()
    answerer = Answerer(f"visitor {next(_numbers)}")
    answerer.begins(contact_facts(**chosen))
    for number in range(1, len(asked.steps) + 1):
        names = [f"q_{question.key}{end}" for question in asked.questions() for end in ("", "_from", "_to")]
        posted = draw.draw(st.dictionaries(st.sampled_from(names) | st.text(max_size=8), hostile_values, max_size=12))
        back = draw.draw(st.sampled_from([{}, {}, {"back": "1"}]))
        answer = answerer.posts(answerer.address(f"vaihe/{number}"), {**posted, **back})
        # 409: the step does not apply to this visitor, and the typed text is returned.
        assert answer.status_code in (303, 409, 422)
    assert answerer.opens("tarkista").status_code == 200
    _check_stored(InitialMapping.objects.get())
    assert answerer.sends().status_code in (303, 422)
    assert answerer.posts(answerer.address("vaihe/1"), {}).status_code in (303, 409, 422)


def _check_stored(mapping: InitialMapping) -> None:
    by_key = {question.key: question for question in mapping.questions.questions()}
    for key, value in mapping.answers.items():
        question, keys = by_key[key], [choice.key for choice in by_key[key].choices]
        match question.type:
            case "single_choice" | "yes_no":
                assert value in keys
            case "multiple_choice":
                assert value
                assert set(value) <= set(keys)
            case "scale":
                assert value in range(11)
            case "number":
                assert question.minimum <= value <= question.maximum
            case "date":
                date.fromisoformat(value)
            case "period":
                assert value["from"] or value["to"]
            case _:
                assert 0 < len(value) <= question.limit
                assert "\x00" not in value
                assert not contains_henkilotunnus(value)


@examples(5)
@given(posted=st.dictionaries(
    st.sampled_from(["name", "email", "phone", "supervision_form", "delivery_modes", "form_token", "q_x", "\x00"]),
    hostile_values,
))  # fmt: skip
@example(posted={})
def test_any_first_step_post_is_handled(mapping_page: MappingPage, posted: dict[str, Any]) -> None:
    answerer = Answerer(f"visitor {next(_numbers)}")
    answer = answerer.begins({**contact_facts(), **posted})
    assert answer.status_code in (303, 422)
    if answer.status_code == 303:
        assert answerer.posts(answerer.address("yhteystiedot"), posted).status_code in (303, 422)


def test_any_private_path_is_handled(mapping_page: MappingPage) -> None:
    answerer = Answerer()
    for path in (
        "x", "ä", "%00", "x/vaihe/1", "x/vaihe/-1", "x/vaihe/" + "9" * 400, "x" * 5000, "%F0%9F", "x/../y", "%2e%2e",
    ):  # fmt: skip
        for method in ("get", "post"):
            answer = getattr(answerer.client, method)(f"/jatka/{path}/")
            assert answer.status_code in (400, 404), (method, path[:30])
