"""The whole set as the supervisor edits it: checked as a whole, and read into plain values.

A draft may hold anything half done. What can't be read of it is left out here, so that whatever shows a draft finds
plain values only; `clean` says what is wrong when it is published.
"""

import json
from collections import Counter
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from wagtail import blocks
from wagtail.blocks.list_block import ListBlockValidationError
from wagtail.blocks.stream_block import StreamBlockValidationError, StreamValue
from wagtail.blocks.struct_block import StructBlockValidationError

from home.rich_text import expanded
from intake.mapping import blocks as kinds
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
    read_option,
)

STEP = "step"
# Far past every limit of a block: its own check says what is too much.
_LARGEST_NUMBER = 10**9


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

    def to_python(self, value: Any) -> StreamValue:
        """Read what is stored, without what no block can read."""
        if isinstance(value, StreamValue):
            return value
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = []
        return super().to_python(_readable_rows(self, value))

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


def _readable_rows(block: blocks.StreamBlock, rows: Any) -> list[dict[str, Any]]:
    """Return the rows of blocks that there are, each with the values that its block can read."""
    return [
        {
            "type": row["type"],
            "value": _readable(block.child_blocks[row["type"]], row.get("value")) or {},
            "id": _readable_id(row),
        }
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("type"), str) and row["type"] in block.child_blocks
    ]


def _readable(block: blocks.Block, raw: Any) -> Any:
    """Return the stored value of a block, None for what is none: the block's default stands for it then."""
    if isinstance(block, blocks.StructBlock):
        raw = raw if isinstance(raw, dict) else {}
        values = {name: _readable(child, raw.get(name)) for name, child in block.child_blocks.items()}
        return {name: value for name, value in values.items() if value is not None}
    if isinstance(block, blocks.ListBlock):
        rows = [row if isinstance(row, dict) else {"value": row} for row in (raw if isinstance(raw, list) else ())]
        read = [(_readable(block.child_block, row.get("value")), _readable_id(row)) for row in rows]
        return [{"type": "item", "value": value, "id": key} for value, key in read if value is not None]
    if isinstance(block, blocks.IntegerBlock):
        return raw if type(raw) is int and abs(raw) <= _LARGEST_NUMBER else None
    if isinstance(block, blocks.BooleanBlock):
        return raw if isinstance(raw, bool) else None
    return raw if isinstance(raw, str) else None


def _readable_id(row: dict[str, Any]) -> str | None:
    key = row.get("id")
    return key if isinstance(key, str) and key else None


def read_question_set(value: StreamValue, *, published_on: str = "") -> QuestionSet:
    """Return the set that the blocks say. Questions above the first step make a step without a title."""
    steps: list[tuple[str, str, str, list[Question]]] = []
    labels = _Labels()
    keys: set[str] = set()
    for index, child in enumerate(value):
        key = _key(child, index)
        if key in keys:
            continue
        keys.add(key)
        if child.block_type == STEP:
            steps.append((key, child.value["title"] or "", child.value["introduction"] or "", []))
            continue
        if not steps:
            steps.append(("", "", "", []))
        question = _question(child, key, labels)
        labels.learn(question)
        steps[-1][3].append(question)
    return QuestionSet(
        steps=tuple(
            Step(key=key, title=title, introduction=introduction, questions=tuple(questions))
            for key, title, introduction, questions in steps
        ),
        published_on=published_on,
    )


def _key(child: Any, index: int) -> str:
    """Return what names a block for good: it stays when the block is edited or moved.

    One that has never been saved has no id yet: its place in the row names it meanwhile.
    """
    return str(child.id or f"unsaved-{index}")


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
        if not any(key in labels for key in choices):
            return ""
        chosen = [f"”{labels[key]}”" for key in choices if key in labels]
        listed = _(" or ").join([", ".join(chosen[:-1]), chosen[-1]] if len(chosen) > 1 else chosen)
        return _("Answer this if you chose %(choices)s in “%(question)s”.") % {"choices": listed, "question": label}


def _question(child: Any, key: str, labels: _Labels) -> Question:
    value = child.value
    plain = {
        name: value[name]
        for name in (
            "label",
            "help",
            "required",
            "required_message",
            "low_label",
            "high_label",
            "role",
        )
        if value.get(name) is not None
    }
    for name in ("limit", "minimum", "maximum"):
        if name in child.block.child_blocks:
            number = value.get(name)
            plain[name] = child.block.child_blocks[name].get_default() if number is None else number
    if child.block_type == QuestionType.INFORMATION:
        plain["body"] = expanded(value["text"].source)
    if child.block_type == QuestionType.YES_NO:
        plain["choices"] = (
            Choice(key=YES, label=value["yes_label"] or ""),
            Choice(key=NO, label=value["no_label"] or ""),
        )
    elif "choices" in value:
        # Of a key that is there twice the first holds. A choice without words can't be chosen.
        by_key: dict[str, Choice] = {}
        for item in value["choices"].bound_blocks:
            if item.value:
                by_key.setdefault(item.id, Choice(key=item.id, label=item.value))
        plain["choices"] = tuple(by_key.values())
    return Question(key=key, type=QuestionType(child.block_type), condition=_condition(value["when"], labels), **plain)


def _condition(when: Any, labels: _Labels) -> Condition | None:
    pairs = [pair for item in when or () if (pair := read_option(item))]
    if not pairs:
        return None
    source = pairs[0][0]
    choices = tuple(dict.fromkeys(choice for name, choice in pairs if name == source))
    return Condition(source=source, choices=choices, words=labels.words(source, choices))


def _faults(value: StreamValue) -> dict[int, ValidationError | None]:
    """Return what is wrong at each place of the row."""
    faults: dict[int, ValidationError | None] = {}
    children = list(value)
    if children and children[0].block_type != STEP:
        faults[0] = _block_fault(_("Begin with a step: the questions stand under it."))
    for index in _empty_steps(children):
        faults[index] = _block_fault(_("This step has no question. Add one below it, or remove the step."))
    places: dict[str, int] = {}
    for index, child in enumerate(children):
        if places.setdefault(_key(child, index), index) != index or _repeats_a_choice(child):
            faults[index] = _block_fault(
                _("This is a copy that can't be told from another. Remove it and write it anew.")
            )
    roles = Counter(child.value.get("role") for child in children if child.value.get("role"))
    for index, child in enumerate(children):
        if child.block_type == STEP or index in faults:
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


def _repeats_a_choice(child: Any) -> bool:
    keys = [item.id for item in child.value["choices"].bound_blocks] if "choices" in child.value else []
    return len(set(keys)) < len(keys)


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
    # Each is one by now: the block itself has refused any other.
    pairs = [pair for item in child.value["when"] or () if (pair := read_option(item))]
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
        known = {choice.key for choice in _question(above, source, _Labels()).choices}
    if any(choice not in known for _source, choice in pairs):
        return _("An answer that this hangs from has been removed. Choose another or remove the condition.")
    return ""
