"""The StreamField of all questions: validation across blocks, and conversion to a QuestionSet.

A draft may be incomplete or unreadable. Unreadable values are dropped here, so that all code that shows a draft gets
plain values only. `clean` reports the errors on publishing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from wagtail import blocks
from wagtail.blocks.list_block import ListBlockValidationError
from wagtail.blocks.stream_block import StreamBlockValidationError, StreamValue
from wagtail.blocks.struct_block import StructBlockValidationError

from home.editors_text import editors_html, editors_text, expanded, hide_emails
from intake.mapping import blocks as question_blocks
from intake.mapping.questions import (
    CHOICE_TYPES,
    FACT_SOURCES,
    NO,
    YES,
    Choice,
    Condition,
    Ending,
    Question,
    QuestionSet,
    QuestionType,
    Step,
    read_option,
)

STEP, ENDING = "step", "ending"
# Larger than the limits of all blocks, so that a number above its limit is read and gets the block's error message.
_LARGEST_NUMBER = 10**9


class QuestionStreamBlock(blocks.StreamBlock):
    """Steps and questions in one list, so that a question can be moved to another step."""

    step = question_blocks.StepBlock()
    short_text = question_blocks.ShortTextBlock()
    long_text = question_blocks.LongTextBlock()
    single_choice = question_blocks.SingleChoiceBlock()
    multiple_choice = question_blocks.MultipleChoiceBlock()
    number = question_blocks.NumberBlock()
    scale = question_blocks.ScaleBlock()
    yes_no = question_blocks.YesNoBlock()
    date = question_blocks.DateBlock()
    period = question_blocks.PeriodBlock()
    information = question_blocks.InformationBlock()
    ending = question_blocks.EndingBlock()

    class Meta:
        # Shows the whole list at a glance; blocks with an error are open.
        collapsed = True

    def to_python(self, value: Any) -> StreamValue:
        """Convert the stored value, without unreadable parts."""
        if isinstance(value, StreamValue):
            return value
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = []
        return super().to_python(_readable_rows(self, value))

    def clean(self, value: StreamValue) -> StreamValue:
        """Reject empty steps, conditions on later or removed questions, and duplicate roles.

        A draft is not checked, because it is autosaved while it is incomplete.
        """
        cleaned = super().clean(value)
        if self.is_deferred_validation:
            return cleaned
        errors = {index: error for index, error in _validation_errors(cleaned).items() if error}
        if errors:
            raise StreamBlockValidationError(block_errors=errors)
        return cleaned


def _readable_rows(block: blocks.StreamBlock, rows: Any) -> list[dict[str, Any]]:
    """Return the rows of known block types, each with the values that its block can read."""
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
    """Return the stored value of a block; None if it is invalid, so that the default is used."""
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
    """Return the questions of the blocks as visitors read them (home.editors_text).

    Questions above the first step are put into a step without a title.
    """
    steps: list[tuple[str, str, str, list[Question]]] = []
    endings: list[Ending] = []
    labels = _Labels()
    keys: set[str] = set()
    for index, child in enumerate(value):
        key = _key(child, index)
        if key in keys:
            continue
        keys.add(key)
        if child.block_type == STEP:
            steps.append((key, _text(child.value["title"]), _text(child.value["introduction"]), []))
            continue
        if child.block_type == ENDING:
            endings += _endings(child, key, labels)
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
        endings=tuple(endings),
        published_on=published_on,
    )


def _endings(child: Any, key: str, labels: "_Labels") -> Iterator[Ending]:
    """Yield the ending of a block; nothing while a draft has no answer that leads to it."""
    condition = _condition(child.value["when"], labels)
    if condition is not None:
        title, body = _text(child.value["title"]), _html(child.value["text"])
        yield Ending(key=key, title=title, body=body, condition=condition)


def _text(text: str | None) -> str:
    return editors_text(text or "")


def _html(text: Any) -> str:
    return hide_emails(editors_html(expanded(text.source)))


def _key(child: Any, index: int) -> str:
    """Return the permanent key of a block, which does not change when it is edited or moved.

    An unsaved block has no id yet and is identified by its position.
    """
    return str(child.id or f"unsaved-{index}")


class _Labels:
    """The labels of the questions read so far that conditions may refer to, and of their choices."""

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
    plain: dict[str, Any] = {name: value[name] for name in ("need", "role") if value.get(name) is not None}
    for name in ("label", "help", "required_message", "low_label", "high_label"):
        if value.get(name) is not None:
            plain[name] = _text(value[name])
    for name in ("limit", "minimum", "maximum"):
        if name in child.block.child_blocks:
            number = value.get(name)
            plain[name] = child.block.child_blocks[name].get_default() if number is None else number
    if child.block_type == QuestionType.INFORMATION:
        plain["body"] = _html(value["text"])
    if child.block_type == QuestionType.YES_NO:
        plain["choices"] = (
            Choice(key=YES, label=_text(value["yes_label"])),
            Choice(key=NO, label=_text(value["no_label"])),
        )
    elif "choices" in value:
        # If two choices have the same key, the first one is used. An empty choice is left out.
        by_key: dict[str, Choice] = {}
        for item in value["choices"].bound_blocks:
            if item.value:
                by_key.setdefault(item.id, Choice(key=item.id, label=_text(item.value)))
        plain["choices"] = tuple(by_key.values())
    return Question(key=key, type=QuestionType(child.block_type), condition=_condition(value["when"], labels), **plain)


def _condition(when: Any, labels: _Labels) -> Condition | None:
    pairs = [pair for item in when or () if (pair := read_option(item))]
    if not pairs:
        return None
    source = pairs[0][0]
    choices = tuple(dict.fromkeys(choice for name, choice in pairs if name == source))
    return Condition(source=source, choices=choices, words=labels.words(source, choices))


def _validation_errors(value: StreamValue) -> dict[int, ValidationError | None]:
    """Return the validation errors by position."""
    errors: dict[int, ValidationError | None] = {}
    children = list(value)
    if children and children[0].block_type != STEP:
        errors[0] = _block_error(_("Begin with a step: the questions stand under it."))
    for index in _empty_steps(children):
        errors[index] = _block_error(_("This step has no question. Add one below it, or remove the step."))
    places: dict[str, int] = {}
    for index, child in enumerate(children):
        if places.setdefault(_key(child, index), index) != index or _repeats_a_choice(child):
            errors[index] = _block_error(
                _("This is a copy that can't be told from another. Remove it and write it anew.")
            )
    roles = Counter(child.value.get("role") for child in children if child.value.get("role"))
    for index, child in enumerate(children):
        if child.block_type == STEP or index in errors:
            continue
        message = _condition_error(child, index, children, places) or _ending_error(child, index, children, places)
        if message:
            errors[index] = StructBlockValidationError(
                block_errors={"when": ListBlockValidationError(non_block_errors=[ValidationError(message)])}
            )
        elif roles[child.value.get("role")] > 1 and child.value.get("role"):
            errors[index] = StructBlockValidationError(
                block_errors={"role": ValidationError(_("Another question has this place in the list already."))}
            )
    return errors


def _block_error(message: str) -> StructBlockValidationError:
    return StructBlockValidationError(non_block_errors=[ValidationError(message)])


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
        elif child.block_type not in (QuestionType.INFORMATION, ENDING):
            asked_since = None
    return empty if asked_since is None else [*empty, asked_since]


def _condition_error(child: Any, index: int, children: list[Any], places: dict[str, int]) -> str:
    # All items are well-formed, because the block rejects malformed ones.
    pairs = [pair for item in child.value["when"] or () if (pair := read_option(item))]
    if not pairs:
        return ""
    source = pairs[0][0]
    if any(other != source for other, _choice in pairs):
        return _("Choose answers of one question only.")
    if source in FACT_SOURCES:
        known = _known_choices(source, children, places)
    elif source not in places:
        return _("The question that this hangs from has been removed. Choose another or remove the condition.")
    elif places[source] >= index:
        return _("This hangs from a question that comes later. Move it below that one, or remove the condition.")
    else:
        above = children[places[source]]
        if above.block_type not in CHOICE_TYPES:
            return _("A question can hang only from a question with choices.")
        known = _known_choices(source, children, places)
    if any(choice not in known for _source, choice in pairs):
        return _("An answer that this hangs from has been removed. Choose another or remove the condition.")
    return ""


def _known_choices(source: str, children: list[Any], places: dict[str, int]) -> set[str]:
    """Return the keys of all answers to a contact fact or a question with choices."""
    if source in FACT_SOURCES:
        return set(FACT_SOURCES[source][1].values)
    return {choice.key for choice in _question(children[places[source]], source, _Labels()).choices}


def _ending_error(child: Any, index: int, children: list[Any], places: dict[str, int]) -> str:
    """Return the error of a block whose valid condition conflicts with an early end; "" if there is none."""
    pairs = _pairs(child)
    if not pairs:
        return ""
    earlier = {pair for other in children[:index] if other.block_type == ENDING for pair in _pairs(other)}
    if child.block_type == ENDING:
        if pairs & earlier:
            return _("One of these answers leads to another early end already. Leave it in one of them.")
        ((source, _choice), *_others) = pairs
        if {choice for name, choice in pairs | earlier if name == source} >= _known_choices(source, children, places):
            return _("Every answer to this question would end the mapping. Leave one with which it goes on.")
        return ""
    ends = {pair for other in children if other.block_type == ENDING for pair in _pairs(other)}
    if pairs <= ends:
        return _("Nobody gets here: every answer that this hangs from ends the mapping.")
    return ""


def _pairs(child: Any) -> set[tuple[str, str]]:
    return {pair for item in child.value.get("when") or () if (pair := read_option(item))}
