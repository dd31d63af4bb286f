"""The questions as plain values. A copy is stored with the answers."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any

from django.db.models import TextChoices
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
    # A text between the questions; it has no answer.
    INFORMATION = "information"


# The types that a later question may depend on.
CHOICE_TYPES = frozenset({QuestionType.SINGLE_CHOICE, QuestionType.MULTIPLE_CHOICE, QuestionType.YES_NO})


class Role(StrEnum):
    """How an answer is used in the admin's list, the export and the differences from a typical case."""

    GROUP_SIZE = "group_size"
    PLACE = "place"
    PAYER = "payer"
    ACQUAINTANCE = "acquaintance"
    START = "start"


class Need(TextChoices):
    """Whether an answer is needed. A recommended one is asked for again before sending, but it can be left out."""

    OPTIONAL = "optional", _("Optional")
    RECOMMENDED = "recommended", _("Recommended")
    REQUIRED = "required", _("Required")


YES, NO = "yes", "no"
# For a stored text question without a readable limit.
UNKNOWN_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Choice:
    key: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Ask only when the answer to `source` (a question's key or a contact fact's name) is one of `choices` (keys).

    `words` is the condition as text.
    """

    source: str
    choices: tuple[str, ...]
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, or an information text. `key` does not change when it is edited.

    `body` is safe HTML (information only); `limit` counts characters; `minimum` and `maximum` bound a number.
    """

    key: str
    type: QuestionType
    label: str = ""
    help: str = ""
    # A value of Need.
    need: str = Need.OPTIONAL.value
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

    @property
    def is_required(self) -> bool:
        return self.need == Need.REQUIRED

    @property
    def is_recommended(self) -> bool:
        return self.need == Need.RECOMMENDED


@dataclass(frozen=True, kw_only=True)
class Step:
    """The questions of one page of the form."""

    key: str
    title: str
    introduction: str = ""
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A page shown in place of the next step if `condition` holds: the mapping ends there. `body` is safe HTML."""

    key: str
    title: str = ""
    body: str = ""
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class QuestionSet:
    """All steps in their order, and the endings. `published_on` is an ISO date ("" for a draft)."""

    steps: tuple[Step, ...] = field(default=())
    endings: tuple[Ending, ...] = field(default=())
    published_on: str = ""

    def questions(self) -> Iterator[Question]:
        for step in self.steps:
            yield from step.questions

    @property
    def version(self) -> str:
        """A short digest of all steps, questions and endings."""
        words = json.dumps({**asdict(self), "published_on": ""}, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(words.encode()).hexdigest()[:12]

    def as_json(self) -> dict[str, Any]:
        """Return a JSON value from which question_set_from_json() makes an equal set."""
        return {"version": self.version, **asdict(self)}


def question_set_from_json(data: Any) -> QuestionSet:
    """Return the set that was stored with a mapping; an empty one for {}.

    It may have been stored by another version of the site. Unknown values are left out, and a question of an unknown
    type becomes a long text, which can show any answer.
    """
    data = data if isinstance(data, dict) else {}
    return QuestionSet(
        steps=tuple(
            Step(**{"key": "", "title": "", **_known(Step, step)}, questions=_questions(step))
            for step in _objects(data, "steps")
        ),
        endings=tuple(_endings(data)),
        published_on=_iso_day(data.get("published_on")),
    )


def _endings(data: dict[str, Any]) -> Iterator[Ending]:
    for ending in _objects(data, "endings"):
        condition = _condition(ending.get("condition"))
        if condition is not None and isinstance(ending.get("key"), str):
            yield Ending(**_known(Ending, ending), condition=condition)


def stored_version(data: Any) -> str:
    """Return the version of a stored set as it was computed then; "" if it has none."""
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


def _known(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Return the values of `data` that match a str, int or bool field of `kind`."""
    return {name: data[name] for name, wanted in _plain_fields(kind) if type(data.get(name)) is wanted}


@cache
def _plain_fields(kind: Any) -> list[tuple[str, Any]]:
    return [(one.name, one.type) for one in fields(kind) if one.type in (str, int, bool)]


def _iso_day(text: Any) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except (TypeError, ValueError):
        return ""


def option(source: str, choice: str) -> str:
    """Return the form value by which the editor selects one choice as a condition."""
    return f"{source}:{choice}"


def read_option(text: Any) -> tuple[str, str] | None:
    """Return (source, choice) of a value made by option(); None for anything else."""
    source, _colon, choice = text.partition(":") if isinstance(text, str) else ("", "", "")
    return (source, choice) if source and choice else None


# The contact facts that a question may depend on: name -> (label, choices).
FACT_SOURCES = {
    "supervision_form": (_("Form of supervision"), SupervisionForm),
    "delivery_modes": (_("Where would we meet?"), DeliveryMode),
}
