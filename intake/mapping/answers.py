"""What was answered: which questions apply, which answers count, and how an answer reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from intake.mapping.questions import Condition, Question, QuestionSet, QuestionType, Step

# key -> value: text, choice key, list of choice keys, number, or {"from": ISO date, "to": ISO date}.
Answers = Mapping[str, Any]


def is_answered(value: Any) -> bool:
    """Return whether something was answered; 0 is an answer."""
    if isinstance(value, dict):
        return any(value.values())
    return value not in (None, "", [], ())


def condition_holds(condition: Condition | None, answers: Answers) -> bool:
    """Return whether a question with this condition is to be asked, given the facts and answers so far."""
    if condition is None:
        return True
    value = answers.get(condition.source)
    chosen = value if isinstance(value, list | tuple) else [value]
    return any(choice in condition.choices for choice in chosen)


def applicable(question_set: QuestionSet, facts: Answers, answers: Answers) -> Iterator[tuple[Step, Question]]:
    """Yield the questions (no texts) that apply, in their order.

    The answer to a question that does not apply counts for nothing, so what hangs from it does not apply either.
    """
    so_far = dict(facts)
    for step in question_set.steps:
        for question in step.questions:
            if not question.is_asked or not condition_holds(question.condition, so_far):
                continue
            if is_answered(answers.get(question.key)):
                so_far[question.key] = answers[question.key]
            yield step, question


def counted_answers(question_set: QuestionSet, facts: Answers, answers: Answers) -> dict[str, Any]:
    """Return the answers that apply, and nothing else."""
    keys = [question.key for _step, question in applicable(question_set, facts, answers)]
    return {key: answers[key] for key in keys if is_answered(answers.get(key))}


@dataclass(frozen=True, kw_only=True)
class Progress:
    answered: int
    asked: int


def progress(question_set: QuestionSet, facts: Answers, answers: Answers) -> Progress:
    """Return how many of the questions that apply have an answer."""
    asked = [question for _step, question in applicable(question_set, facts, answers)]
    return Progress(answered=sum(is_answered(answers.get(question.key)) for question in asked), asked=len(asked))


def missing(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[tuple[Step, Question]]:
    """Return the required questions that apply and have no answer."""
    return [
        (step, question)
        for step, question in applicable(question_set, facts, answers)
        if question.required and not is_answered(answers.get(question.key))
    ]


def steps_to_show(question_set: QuestionSet, facts: Answers, answers: Answers) -> list[int]:
    """Return the indexes of the steps that have something for this visitor.

    A step is passed over where every question of it hangs from an earlier answer that was not given.
    """
    known = {**facts, **counted_answers(question_set, facts, answers)}
    return [
        index
        for index, step in enumerate(question_set.steps)
        if any(question.is_asked for question in questions_to_show(step, known))
    ]


def questions_to_show(step: Step, known: Answers) -> list[Question]:
    """Return what has a place on a step's page: what applies already, and what an answer on the page may bring."""
    own = {question.key for question in step.questions}
    elsewhere = {key: value for key, value in known.items() if key not in own}
    shown: list[Question] = []
    for question in step.questions:
        condition = question.condition
        decided_here = condition is not None and any(other.key == condition.source for other in shown)
        if decided_here or condition_holds(condition, elsewhere):
            shown.append(question)
    return shown


def answer_words(question: Question, value: Any) -> str:
    """Return an answer as a person reads it; "" where there is none. Lines of a long text stay."""
    if not is_answered(value):
        return ""
    labels = {choice.key: choice.label for choice in question.choices}
    match question.type, value:
        case ((QuestionType.SINGLE_CHOICE | QuestionType.YES_NO), str()):
            return labels.get(value, "")
        case QuestionType.MULTIPLE_CHOICE, list():
            return ", ".join(labels[key] for key in value if isinstance(key, str) and key in labels)
        case QuestionType.SCALE, int():
            return _("%(value)d on a scale of 0–10") % {"value": value}
        case QuestionType.DATE, str():
            return finnish_date(value)
        case QuestionType.PERIOD, {"from": str(), "to": str()}:
            return _period_words(value)
        case _:
            return _any_words(value, labels)


def _any_words(value: Any, labels: Mapping[str, str]) -> str:
    """Return an answer whose kind is not known any more."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return ", ".join(_any_words(one, labels) for one in value if is_answered(one))
    return labels.get(value, value) if isinstance(value, str) else str(value)


def finnish_date(iso: str) -> str:
    """Return "2027-02-01" as "1.2.2027"; what is no day as it is."""
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{day.day}.{day.month}.{day.year}"


def _period_words(value: dict[str, str]) -> str:
    start, end = (finnish_date(value[name]) if value.get(name) else "" for name in ("from", "to"))
    if start and end:
        return f"{start}–{end}"
    return _("from %(day)s") % {"day": start} if start else _("by %(day)s") % {"day": end}
