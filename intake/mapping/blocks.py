"""The StreamField blocks of the questions."""

from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.blocks.list_block import ListBlockValidationError
from wagtail.blocks.struct_block import BlockGroup, StructBlockValidationError

from intake.mapping.questions import CHOICE_TYPES, FACT_SOURCES, Need, QuestionSet, Role, option, read_option

Group = tuple[str, list[tuple[str, str]]]
ReadDraft = Callable[[], QuestionSet | None]
TEXT_LIMIT = 5000
_draft_readers: list[ReadDraft] = []


def register_draft_reader(read: ReadDraft) -> ReadDraft:
    """Register a function that returns the questions of the latest draft."""
    _draft_readers.append(read)
    return read


def condition_options() -> list[Group]:
    """Return the choices of a condition, grouped by question, from the latest draft.

    A new question appears once the draft has been saved.
    """
    return [*_facts(), *(question for read in _draft_readers if (draft := read()) for question in _questions(draft))]


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


class _ConditionField(forms.ChoiceField):
    """Accepts any well-formed option: QuestionStreamBlock checks whether it exists."""

    def valid_value(self, value: Any) -> bool:
        return read_option(value) is not None


class ConditionChoiceBlock(blocks.ChoiceBlock):
    """One answer to an earlier question, as "source:choice"."""

    def get_field(self, **kwargs: Any) -> forms.Field:
        return _ConditionField(**kwargs)

    def normalize_choice(self, value: Any) -> Any:
        """Return the value unchanged: looking up the choices would read the page that is being loaded."""
        return value


class StepBlock(blocks.StructBlock):
    """The start of a new page of the form."""

    title = blocks.CharBlock(label=_("Title"), max_length=80)
    introduction = blocks.TextBlock(
        label=_("Introduction"), required=False, rows=2, max_length=400, help_text=_("Stands under the title.")
    )

    class Meta:
        label = _("Step")
        icon = "list-ol"
        label_format = "{title}"
        description = _("Begins a new page of the form. The questions below it belong to it.")


class InformationBlock(blocks.StructBlock):
    """A text between the questions."""

    text = blocks.RichTextBlock(label=_("Text to be shown"), features=["bold", "italic", "link", "ul", "ol"])
    when = blocks.ListBlock(
        ConditionChoiceBlock(choices=condition_options, label=_("Answer")),
        label=_("Show only when one of these was answered"),
        default=[],
    )

    class Meta:
        label = _("Text between the questions")
        icon = "info-circle"
        form_layout = BlockGroup(children=["text"], settings=["when"])


class EndingBlock(blocks.StructBlock):
    """A page shown in place of the next step after some answers."""

    when = blocks.ListBlock(
        ConditionChoiceBlock(choices=condition_options, label=_("Answer")),
        label=_("End here when one of these was answered"),
        min_num=1,
        help_text=_(
            "Choose answers of one question above. Nothing of that step is stored, and what was stored before is "
            "removed."
        ),
    )
    title = blocks.CharBlock(label=_("Title of the page"), max_length=120)
    text = blocks.RichTextBlock(
        label=_("Text of the page"),
        features=["bold", "italic", "link", "ul", "ol"],
        help_text=_("A kind word, and where to turn instead. How to reach you stands below it."),
    )

    class Meta:
        label = _("Early end")
        icon = "cross"
        label_format = "{title}"
        description = _("After some answers this page is shown in place of the next step.")


class QuestionBlock(blocks.StructBlock):
    """The fields of every question."""

    label = blocks.CharBlock(label=_("Question"), max_length=200)
    help = blocks.TextBlock(
        label=_("Help for the answerer"),
        required=False,
        rows=2,
        max_length=400,
        help_text=_("Stands between the question and its field."),
    )
    need = blocks.ChoiceBlock(
        choices=Need.choices,
        default=Need.OPTIONAL.value,
        label=_("Is the answer needed?"),
        help_text=_("What is recommended is asked for once more before the mapping is sent. It can be left out."),
    )
    required_message = blocks.CharBlock(
        label=_("What is said when the answer is missing"),
        required=False,
        max_length=150,
        help_text=_("Leave empty for “Answer this question.”"),
    )
    when = blocks.ListBlock(
        ConditionChoiceBlock(choices=condition_options, label=_("Answer")),
        label=_("Ask only when one of these was answered"),
        default=[],
        help_text=_(
            "Choose answers of one earlier question. A question that you have just added can be chosen once you have "
            "pressed “Save draft”."
        ),
    )

    class Meta:
        label_format = "{label}"


def _role(*roles: tuple[Role, Any]) -> blocks.ChoiceBlock:
    return blocks.ChoiceBlock(
        choices=[(role.value, label) for role, label in roles],
        label=_("Shown in the list of enquiries as"),
        required=False,
        help_text=_("Leave empty if the answer is read in the enquiry only. Each can be chosen for one question."),
    )


_SETTINGS = ["required_message", "when"]


class ShortTextBlock(QuestionBlock):
    limit = blocks.IntegerBlock(label=_("Characters at most"), default=200, min_value=1, max_value=500)
    role = _role((Role.PLACE, _("Place")), (Role.START, _("Wish for the start")))

    class Meta:
        label = _("Short text")
        icon = "pilcrow"
        form_layout = BlockGroup(children=["label", "help", "need"], settings=["limit", *_SETTINGS, "role"])


class LongTextBlock(QuestionBlock):
    limit = blocks.IntegerBlock(label=_("Characters at most"), default=1000, min_value=1, max_value=TEXT_LIMIT)

    class Meta:
        label = _("Long text")
        icon = "doc-full"
        form_layout = BlockGroup(children=["label", "help", "need"], settings=["limit", *_SETTINGS])


class _ChoicesBlock(QuestionBlock):
    choices = blocks.ListBlock(
        blocks.CharBlock(label=_("Choice"), max_length=150), label=_("Choices"), min_num=2, max_num=20
    )

    def clean(self, value: Any) -> Any:
        """Reject duplicate choices."""
        cleaned = super().clean(value)
        seen: set[str] = set()
        errors = {}
        for index, choice in enumerate(cleaned["choices"]):
            folded = " ".join(choice.split()).casefold()
            if folded and folded in seen:
                errors[index] = ValidationError(gettext("This choice is there already."))
            seen.add(folded)
        if errors:
            raise StructBlockValidationError(block_errors={"choices": ListBlockValidationError(block_errors=errors)})
        return cleaned


class SingleChoiceBlock(_ChoicesBlock):
    role = _role((Role.PAYER, _("Payer")))

    class Meta:
        label = _("One choice")
        icon = "circle-check"
        form_layout = BlockGroup(children=["label", "help", "choices", "need"], settings=[*_SETTINGS, "role"])


class MultipleChoiceBlock(_ChoicesBlock):
    class Meta:
        label = _("Several choices")
        icon = "tasks"
        form_layout = BlockGroup(children=["label", "help", "choices", "need"], settings=_SETTINGS)


class NumberBlock(QuestionBlock):
    minimum = blocks.IntegerBlock(label=_("Smallest"), default=0, min_value=0, max_value=1_000_000)
    maximum = blocks.IntegerBlock(label=_("Largest"), default=100, min_value=0, max_value=1_000_000)
    role = _role((Role.GROUP_SIZE, _("Size of the group")))

    class Meta:
        label = _("Number")
        icon = "decimal"
        form_layout = BlockGroup(
            children=["label", "help", "minimum", "maximum", "need"], settings=[*_SETTINGS, "role"]
        )

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        # Either may be missing in a draft.
        if None not in (cleaned["minimum"], cleaned["maximum"]) and cleaned["minimum"] > cleaned["maximum"]:
            raise StructBlockValidationError(
                block_errors={"maximum": ValidationError(gettext("The largest can't be smaller than the smallest."))}
            )
        return cleaned


class ScaleBlock(QuestionBlock):
    low_label = blocks.CharBlock(label=_("What 0 means"), max_length=80)
    high_label = blocks.CharBlock(label=_("What 10 means"), max_length=80)

    class Meta:
        label = _("Scale 0–10")
        icon = "sliders"
        form_layout = BlockGroup(children=["label", "help", "low_label", "high_label", "need"], settings=_SETTINGS)


class YesNoBlock(QuestionBlock):
    yes_label = blocks.CharBlock(label=_("Word for yes"), default="Kyllä", max_length=60)
    no_label = blocks.CharBlock(label=_("Word for no"), default="Ei", max_length=60)
    role = _role((Role.ACQUAINTANCE, _("Knows Kati already")))

    class Meta:
        label = _("Yes or no")
        icon = "check"
        form_layout = BlockGroup(
            children=["label", "help", "need"], settings=["yes_label", "no_label", *_SETTINGS, "role"]
        )


class DateBlock(QuestionBlock):
    role = _role((Role.START, _("Wish for the start")))

    class Meta:
        label = _("One day")
        icon = "date"
        form_layout = BlockGroup(children=["label", "help", "need"], settings=[*_SETTINGS, "role"])


class PeriodBlock(QuestionBlock):
    role = _role((Role.START, _("Wish for the start")))

    class Meta:
        label = _("Period (from a day to a day)")
        icon = "calendar"
        form_layout = BlockGroup(children=["label", "help", "need"], settings=[*_SETTINGS, "role"])
