"""A set of questions as plain values. A copy is kept with the answers."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import date
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
# For a stored text whose limit can't be read.
UNKNOWN_LIMIT = 1000


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


def question_set_from_json(data: Any) -> QuestionSet:
    """Return the set that was stored with a mapping; an empty one for {}.

    It may have been written by another version of the site. What this one does not know is left out, and a question
    of an unknown kind is read as a text, which can show any answer.
    """
    data = data if isinstance(data, dict) else {}
    return QuestionSet(
        steps=tuple(
            Step(**{"key": "", "title": "", **_known(Step, step)}, questions=_questions(step))
            for step in _objects(data, "steps")
        ),
        published_on=_iso_day(data.get("published_on")),
    )


def stored_version(data: Any) -> str:
    """Return the version that a stored set was given when it was stored; "" where it has none."""
    return str(data.get("version", "")) if isinstance(data, dict) else ""


def _questions(step: dict[str, Any]) -> tuple[Question, ...]:
    return tuple(_question(data) for data in _objects(step, "questions") if isinstance(data.get("key"), str))


def _question(data: dict[str, Any]) -> Question:
    known = _known(Question, data)
    kind = data.get("type")
    if kind not in list(QuestionType):
        kind = QuestionType.LONG_TEXT
    if kind in (QuestionType.SHORT_TEXT, QuestionType.LONG_TEXT) and known.get("limit", 0) < 1:
        known["limit"] = UNKNOWN_LIMIT
    choices = [_known(Choice, choice) for choice in _objects(data, "choices")]
    return Question(
        **known,
        type=QuestionType(kind),
        choices=tuple(Choice(**choice) for choice in choices if len(choice) == len(fields(Choice))),
        condition=_condition(data.get("condition")),
    )


def _condition(data: Any) -> Condition | None:
    known = _known(Condition, data) if isinstance(data, dict) else {}
    if "source" not in known or not isinstance(data.get("choices"), list | tuple):
        return None
    return Condition(**known, choices=tuple(choice for choice in data["choices"] if isinstance(choice, str)))


def _objects(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = data.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list | tuple) else []


def _known(kind: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return the plain values (texts, numbers, yes and no) that `kind` has a field for."""
    plain = [one for one in fields(kind) if one.type in (str, int, bool)]
    return {one.name: data[one.name] for one in plain if type(data.get(one.name)) is one.type}


def _iso_day(text: Any) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except (TypeError, ValueError):
        return ""


def option(source: str, choice: str) -> str:
    """Return how the editor's form names one answer that a condition can ask for."""
    return f"{source}:{choice}"


def read_option(text: Any) -> tuple[str, str] | None:
    """Return (source, choice) of what `option` made; None for anything else, the empty choice included."""
    source, _colon, choice = text.partition(":") if isinstance(text, str) else ("", "", "")
    return (source, choice) if source and choice else None


# The contact facts that a question may depend on: name -> (what the form calls it, its choices).
FACT_SOURCES = {
    "supervision_form": (_("Form of supervision"), SupervisionForm),
    "delivery_modes": (_("Where would we meet?"), DeliveryMode),
}
