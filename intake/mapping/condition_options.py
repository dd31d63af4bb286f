"""What a question's condition can name, for the editor's form: the facts, and the questions of the saved draft."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps

from intake.mapping.questions import CHOICE_TYPES, FACT_SOURCES, QuestionSet, option

Group = tuple[str, list[tuple[str, str]]]


def condition_options() -> list[Group]:
    """Return the options in groups, a group a question, for the page as it was last saved.

    A new question shows up here when the draft has been saved once.
    """
    page = apps.get_model("intake", "MappingPage").objects.first()
    draft = page.get_latest_revision_as_object() if page else None
    return [*_facts(), *(_questions(draft.question_set()) if draft else ())]


def _facts() -> Iterator[Group]:
    for name, (label, choices) in FACT_SOURCES.items():
        yield str(label), [(option(name, key), f"{label} – {words}") for key, words in choices.choices]


def _questions(question_set: QuestionSet) -> Iterator[Any]:
    for question in question_set.questions():
        if question.type in CHOICE_TYPES:
            yield (
                question.label,
                [
                    (option(question.key, choice.key), f"{question.label} – {choice.label}")
                    for choice in question.choices
                ],
            )
