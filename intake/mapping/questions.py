"""A set of questions as plain values: what is asked, in which order, and when. Kept with the answers as asked."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

from intake.choices import DeliveryMode, SupervisionForm


class QuestionType(StrEnum):
    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    SINGLE_CHOICE = "single_choice"
    MULTIPLE_CHOICE = "multiple_choice"
    NUMBER = "number"
    SCALE = "scale"
    YES_NO = "yes_no"
    DATE = "date"
    PERIOD = "period"
    # Not asked: a text between the questions.
    INFORMATION = "information"


# What a later question may depend on: answers that are one or some of named choices.
CHOICE_TYPES = frozenset({QuestionType.SINGLE_CHOICE, QuestionType.MULTIPLE_CHOICE, QuestionType.YES_NO})


class Role(StrEnum):
    """What an answer tells the admin's list, export and the glance at what is untypical."""

    GROUP_SIZE = "group_size"
    PLACE = "place"
    PAYER = "payer"
    ACQUAINTANCE = "acquaintance"
    START = "start"


YES, NO = "yes", "no"


@dataclass(frozen=True, kw_only=True)
class Choice:
    key: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Ask only when the answer to `source` (a question's key or a contact fact's name) is one of `choices` (keys).

    `words` says the same to a person.
    """

    source: str
    choices: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, or a text between them. `key` stays through edits and renames.

    `body` is safe HTML (information only); `limit` counts characters; `minimum` and `maximum` bound a number.
    """

    key: str
    type: QuestionType
    label: str = ""
    help: str = ""
    required: bool = False
    limit: int = 0
    choices: tuple[Choice, ...] = ()
    minimum: int = 0
    maximum: int = 0
    low_label: str = ""
    high_label: str = ""
    required_message: str = ""
    body: str = ""
    role: str = ""
    condition: Condition | None = None

    @property
    def is_asked(self) -> bool:
        return self.type != QuestionType.INFORMATION


@dataclass(frozen=True, kw_only=True)
class Step:
    """One theme on a page of its own."""

    key: str
    title: str
    introduction: str = ""
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, kw_only=True)
class QuestionSet:
    """All steps in their order. `published_on` is an ISO date ("" for a draft)."""

    steps: tuple[Step, ...] = field(default=())
    published_on: str = ""

    def questions(self) -> Iterator[Question]:
        for step in self.steps:
            yield from step.questions

    @property
    def version(self) -> str:
        """A short digest of everything that is asked: the same questions have the same version."""
        words = json.dumps(asdict(self)["steps"], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(words.encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """Return what `question_set_from_json` reads back as an equal set."""
        return {"version": self.version, **asdict(self)}


def question_set_from_json(data: dict[str, Any]) -> QuestionSet:
    """Return the set that was stored with a mapping; an empty one for {}."""
    return QuestionSet(
        steps=tuple(_step(step) for step in data.get("steps", ())), published_on=data.get("published_on", "")
    )


def _step(data: dict[str, Any]) -> Step:
    return Step(**{**data, "questions": tuple(_question(question) for question in data["questions"])})


def _question(data: dict[str, Any]) -> Question:
    condition = data["condition"]
    return Question(
        **{
            **data,
            "type": QuestionType(data["type"]),
            "choices": tuple(Choice(**choice) for choice in data["choices"]),
            "condition": condition and Condition(**{**condition, "choices": tuple(condition["choices"])}),
        }
    )


# The contact facts that a question may depend on: name -> (what the form calls it, its choices).
FACT_SOURCES = {
    "supervision_form": (_("Form of supervision"), SupervisionForm),
    "delivery_modes": (_("Where would we meet?"), DeliveryMode),
}
