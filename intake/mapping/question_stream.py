"""The whole set as the supervisor edits it: checked as a whole, and read into plain values."""

from collections import Counter
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from wagtail import blocks
from wagtail.blocks.list_block import ListBlockValidationError
from wagtail.blocks.stream_block import StreamBlockValidationError, StreamValue
from wagtail.blocks.struct_block import StructBlockValidationError
from wagtail.rich_text import expand_db_html

from intake.mapping import question_blocks as kinds
from intake.mapping.questions import (
    CHOICE_TYPES,
    FACT_SOURCES,
    NO,
    YES,
    Choice,
    Condition,
    Question,
    QuestionSet,
    QuestionType,
    Step,
)

STEP = "step"


class QuestionStreamBlock(blocks.StreamBlock):
    """Steps and questions in one row, so that a question moves from step to step like any other."""

    step = kinds.StepBlock()
    short_text = kinds.ShortTextBlock()
    long_text = kinds.LongTextBlock()
    single_choice = kinds.SingleChoiceBlock()
    multiple_choice = kinds.MultipleChoiceBlock()
    number = kinds.NumberBlock()
    scale = kinds.ScaleBlock()
    yes_no = kinds.YesNoBlock()
    date = kinds.DateBlock()
    period = kinds.PeriodBlock()
    information = kinds.InformationBlock()

    class Meta:
        # The whole set at a glance; a press opens a question, and one with an error is open.
        collapsed = True

    def clean(self, value: StreamValue) -> StreamValue:
        """Refuse what can't be asked: an empty step, a condition on a later or removed question, a role twice.

        A draft may be half done: it is saved by itself while it is written.
        """
        cleaned = super().clean(value)
        if self.is_deferred_validation:
            return cleaned
        errors = {index: error for index, error in _faults(cleaned).items() if error}
        if errors:
            raise StreamBlockValidationError(block_errors=errors)
        return cleaned


def read_question_set(value: StreamValue, *, published_on: str = "") -> QuestionSet:
    """Return the set that the blocks say. Questions above the first step make a step without a title."""
    steps: list[tuple[str, str, str, list[Question]]] = []
    labels = _Labels()
    for child in value:
        if child.block_type == STEP:
            steps.append((_key(child), child.value["title"], child.value["introduction"] or "", []))
            continue
        if not steps:
            steps.append(("", "", "", []))
        question = _question(child, labels)
        labels.learn(question)
        steps[-1][3].append(question)
    return QuestionSet(
        steps=tuple(
            Step(key=key, title=title, introduction=introduction, questions=tuple(questions))
            for key, title, introduction, questions in steps
        ),
        published_on=published_on,
    )


def _key(child: Any) -> str:
    """Return what names a block for good: it stays when the block is edited or moved."""
    return str(child.id or "")


class _Labels:
    """What the sources of conditions and their choices are called, as far as the set has been read."""

    def __init__(self) -> None:
        self.of = {
            name: (str(label), {key: str(words) for key, words in choices.choices})
            for name, (label, choices) in FACT_SOURCES.items()
        }

    def learn(self, question: Question) -> None:
        if question.type in CHOICE_TYPES:
            self.of[question.key] = (question.label, {choice.key: choice.label for choice in question.choices})

    def words(self, source: str, choices: tuple[str, ...]) -> str:
        label, labels = self.of.get(source, ("", {}))
        chosen = [f"”{labels[key]}”" for key in choices if key in labels]
        listed = _(" or ").join([", ".join(chosen[:-1]), chosen[-1]] if len(chosen) > 1 else chosen)
        return _("Answer this if you chose %(choices)s in “%(question)s”.") % {"choices": listed, "question": label}


def _question(child: Any, labels: _Labels) -> Question:
    value = child.value
    plain = {
        name: value[name]
        for name in (
            "label",
            "help",
            "required",
            "required_message",
            "limit",
            "minimum",
            "maximum",
            "low_label",
            "high_label",
            "role",
        )
        if value.get(name) is not None
    }
    if child.block_type == QuestionType.INFORMATION:
        plain["body"] = expand_db_html(value["text"].source)
    if child.block_type == QuestionType.YES_NO:
        plain["choices"] = (Choice(key=YES, label=value["yes_label"]), Choice(key=NO, label=value["no_label"]))
    elif "choices" in value:
        plain["choices"] = tuple(Choice(key=item.id, label=item.value) for item in value["choices"].bound_blocks)
    return Question(
        key=_key(child), type=QuestionType(child.block_type), condition=_condition(value["when"], labels), **plain
    )


def _condition(when: Any, labels: _Labels) -> Condition | None:
    pairs = [str(item).split(":", 1) for item in when or ()]
    if not pairs:
        return None
    source = pairs[0][0]
    choices = tuple(dict.fromkeys(choice for _source, choice in pairs))
    return Condition(source=source, choices=choices, words=labels.words(source, choices))


def _faults(value: StreamValue) -> dict[int, ValidationError | None]:
    """Return what is wrong at each place of the row."""
    faults: dict[int, ValidationError | None] = {}
    children = list(value)
    if children and children[0].block_type != STEP:
        faults[0] = _block_fault(_("Begin with a step: the questions stand under it."))
    for index in _empty_steps(children):
        faults[index] = _block_fault(_("This step has no question. Add one below it, or remove the step."))
    places = {_key(child): index for index, child in enumerate(children) if child.id}
    roles = Counter(child.value.get("role") for child in children if child.value.get("role"))
    for index, child in enumerate(children):
        if child.block_type == STEP:
            continue
        said = _condition_fault(child, index, children, places)
        if said:
            faults[index] = StructBlockValidationError(
                block_errors={"when": ListBlockValidationError(non_block_errors=[ValidationError(said)])}
            )
        elif roles[child.value.get("role")] > 1 and child.value.get("role"):
            faults[index] = StructBlockValidationError(
                block_errors={"role": ValidationError(_("Another question has this place in the list already."))}
            )
    return faults


def _block_fault(said: str) -> StructBlockValidationError:
    return StructBlockValidationError(non_block_errors=[ValidationError(said)])


def _empty_steps(children: list[Any]) -> list[int]:
    empty = []
    asked_since: int | None = None
    for index, child in enumerate(children):
        if child.block_type == STEP:
            if asked_since is not None:
                empty.append(asked_since)
            asked_since = index
        elif child.block_type != QuestionType.INFORMATION:
            asked_since = None
    return empty if asked_since is None else [*empty, asked_since]


def _condition_fault(child: Any, index: int, children: list[Any], places: dict[str, int]) -> str:
    pairs = [str(item).split(":", 1) for item in child.value["when"] or ()]
    if not pairs:
        return ""
    source = pairs[0][0]
    if any(other != source for other, _choice in pairs):
        return _("Choose answers of one question only.")
    if source in FACT_SOURCES:
        known = set(FACT_SOURCES[source][1].values)
    elif source not in places:
        return _("The question that this hangs from has been removed. Choose another or remove the condition.")
    elif places[source] >= index:
        return _("This hangs from a question that comes later. Move it below that one, or remove the condition.")
    else:
        above = children[places[source]]
        if above.block_type not in CHOICE_TYPES:
            return _("A question can hang only from a question with choices.")
        known = {choice.key for choice in _question(above, _Labels()).choices}
    if any(choice not in known for _source, choice in pairs):
        return _("An answer that this hangs from has been removed. Choose another or remove the condition.")
    return ""
