"""A mapping for the admin, read from its own copy of the questions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from intake.enquiry.models import Enquiry
from intake.mapping.answers import (
    Answers,
    answer_text,
    applicable,
    condition_holds,
    differences,
    is_answered,
    progress,
)
from intake.mapping.models import InitialMapping
from intake.mapping.questions import Question, QuestionSet, QuestionType, stored_version


class AnswerState(StrEnum):
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    # Its condition did not hold.
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, kw_only=True)
class AskedQuestion:
    """One question or text. `lines`: the answer, one line for each choice. `choices`: (label, was chosen)."""

    question: Question
    state: AnswerState
    lines: tuple[str, ...] = ()
    choices: tuple[tuple[str, bool], ...] = ()
    # Its condition and limits, in words.
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AskedStep:
    title: str
    introduction: str
    questions: tuple[AskedQuestion, ...]


@dataclass(frozen=True, kw_only=True)
class SentMapping:
    """A sent mapping, for the supervisor."""

    sent_at: datetime
    version: str
    # When its questions were published; None if unknown.
    published_on: date | None
    answered: int
    asked: int
    steps: tuple[AskedStep, ...]
    differences: tuple[str, ...]
    preparation_notes: str


@dataclass(frozen=True, kw_only=True)
class MappingInProgress:
    """The progress of an unsent mapping, for the supervisor. Its answers are not shown before it is sent.

    `is_begun`: whether any step has been stored; before that the questions are unknown.
    """

    is_begun: bool
    answered: int
    asked: int
    expires_at: datetime
    is_expired: bool


def read_mapping(enquiry: Enquiry, *, now: datetime) -> SentMapping | MappingInProgress | None:
    """Return what may be shown of an enquiry's mapping; None if it has none."""
    mapping = getattr(enquiry, "mapping", None)
    if mapping is None:
        return None
    done = mapping.progress
    if not mapping.is_sent:
        return MappingInProgress(
            is_begun=mapping.started_at is not None,
            answered=done.answered,
            asked=done.asked,
            expires_at=mapping.expires_at,
            is_expired=mapping.expires_at <= now,
        )
    return sent_mapping(mapping)


def sent_mapping(mapping: InitialMapping) -> SentMapping:
    """Return a sent mapping. Raises ValueError for an unsent one."""
    if mapping.sent_at is None:
        raise ValueError("The answers are not sent yet.")
    question_set, facts, answers = mapping.questions, mapping.condition_facts, mapping.answers
    done = progress(question_set, facts, answers)
    return SentMapping(
        sent_at=mapping.sent_at,
        # As stored: the way to compute a version may have changed.
        version=stored_version(mapping.question_set),
        published_on=date.fromisoformat(question_set.published_on) if question_set.published_on else None,
        answered=done.answered,
        asked=done.asked,
        steps=tuple(as_asked(question_set, facts, answers)),
        differences=tuple(differences(question_set, facts, answers)),
        preparation_notes=mapping.preparation_notes,
    )


def as_asked(question_set: QuestionSet, facts: Answers, answers: Answers) -> Iterator[AskedStep]:
    """Yield every step with all questions, asked or not, and the information texts that were shown."""
    asked = {question.key for _step, question in applicable(question_set, facts, answers)}
    known = {**facts, **{key: value for key, value in answers.items() if key in asked}}
    for step in question_set.steps:
        questions = tuple(
            _asked_question(question, answers.get(question.key), applies=question.key in asked)
            for question in step.questions
            if question.is_asked or condition_holds(question.condition, known)
        )
        yield AskedStep(title=step.title, introduction=step.introduction, questions=questions)


def _asked_question(question: Question, value: object, *, applies: bool) -> AskedQuestion:
    if not applies:
        return AskedQuestion(question=question, state=AnswerState.NOT_ASKED, rules=tuple(_rules(question)))
    lines = answer_lines(question, value)
    chosen = value if isinstance(value, list) else [value]
    return AskedQuestion(
        question=question,
        state=AnswerState.ANSWERED if lines else AnswerState.UNANSWERED,
        lines=lines,
        choices=tuple((choice.label, choice.key in chosen) for choice in question.choices),
        rules=tuple(_rules(question)),
    )


def answer_lines(question: Question, value: object) -> tuple[str, ...]:
    """Return an answer as lines, one for each choice; () if there is none."""
    if not is_answered(value):
        return ()
    if isinstance(value, list) and question.choices:
        return tuple(choice.label for choice in question.choices if choice.key in value)
    words = answer_text(question, value)
    return (words,) if words else ()


def _rules(question: Question) -> Iterator[str]:
    """Yield the condition and limits of the question, in words."""
    if question.condition is not None:
        yield question.condition.words
    if question.is_required:
        yield _("Had to be answered.")
    if question.is_recommended:
        yield _("An answer was recommended.")
    match question.type:
        case QuestionType.SHORT_TEXT | QuestionType.LONG_TEXT:
            yield _("At most %(limit)d characters.") % {"limit": question.limit}
        case QuestionType.NUMBER:
            yield _("A number, %(minimum)d–%(maximum)d.") % {"minimum": question.minimum, "maximum": question.maximum}
        case QuestionType.SCALE:
            yield _("On the scale 0 is “%(low)s” and 10 is “%(high)s”.") % {
                "low": question.low_label,
                "high": question.high_label,
            }
