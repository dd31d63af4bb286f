"""The form fields of the mapping's questions: one kind for each type of question."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from home.dates import day_error_message, finnish_day, parse_day
from intake.mapping.questions import Question, QuestionType
from intake.typed_text import TypedTextField

_NUMBER = re.compile(r"\d{1,9}")
_DATE_LENGTH = 40
SCALE = range(11)
ANSWER_ERRORS = {"too_long": gettext_lazy("Shorten the answer: now %(length)d characters, at most %(limit)d.")}
# Not empty, since the choice with an empty value would be selected initially. Every key of a choice is longer.
NO_ANSWER = "-"


class NumberField(TypedTextField):
    """A whole number within bounds, cleaned to int."""

    def __init__(self, *, minimum: int, maximum: int, **kwargs: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(limit=20, **kwargs)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or not self.minimum <= int(text) <= self.maximum:
            raise ValidationError(
                _("Answer with a number, %(minimum)d–%(maximum)d."),
                code="number",
                params={"minimum": self.minimum, "maximum": self.maximum},
            )
        return int(text)


class DateField(TypedTextField):
    """A date as people write it (home.dates), cleaned to an ISO date."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(limit=_DATE_LENGTH, **kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return parse_day(text, today=timezone.localdate()).isoformat()
        except ValueError as error:
            raise ValidationError(day_error_message(error), code="date") from error

    def prepare_value(self, value: Any) -> Any:
        """Return a stored date in Finnish form; return typed text unchanged."""
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            return value
        return finnish_day(day)


class ChoiceField(forms.ChoiceField):
    """One of the choices, or NO_ANSWER, cleaned to ""."""

    default_error_messages = {"invalid_choice": gettext_lazy("Choose one of the options.")}

    def clean(self, value: Any) -> str:
        chosen = super().clean(value)
        return "" if chosen == NO_ANSWER else chosen


class MultipleChoiceField(forms.MultipleChoiceField):
    default_error_messages = {
        "invalid_choice": gettext_lazy("Choose one of the options."),
        "invalid_list": gettext_lazy("Choose one of the options."),
    }


def field_names(question: Question) -> tuple[str, ...]:
    """Return the names of a question's form fields."""
    name = f"q_{question.key}"
    return (f"{name}_from", f"{name}_to") if question.type == QuestionType.PERIOD else (name,)


def question_help(question: Question, conditional: bool) -> str | SafeString:
    """Return the help of a question; `conditional`: with the words that say when it applies."""
    if not conditional or question.condition is None:
        return question.help
    # The script removes this text and shows the question only if it applies.
    return format_html("<span data-condition>{} </span>{}", question.condition.words, question.help or mark_safe(""))


def question_fields(question: Question, *, conditional: bool) -> dict[str, forms.Field]:
    """Return the form fields of a question by name. `conditional`: the help says when the question applies."""
    common: dict[str, Any] = {
        "label": question.label,
        "help_text": question_help(question, conditional),
        "required": False,
    }
    names = field_names(question)
    match question.type:
        case QuestionType.SHORT_TEXT:
            field: forms.Field = TypedTextField(limit=question.limit, error_messages=ANSWER_ERRORS, **common)
        case QuestionType.LONG_TEXT:
            rows = 4 if question.limit <= 600 else 6
            field = TypedTextField(
                limit=question.limit,
                several_lines=True,
                error_messages=ANSWER_ERRORS,
                widget=forms.Textarea(attrs={"rows": rows, "data-limit": question.limit}),
                **common,
            )
        case QuestionType.SINGLE_CHOICE | QuestionType.YES_NO:
            choices = [(choice.key, choice.label) for choice in question.choices]
            field = ChoiceField(choices=_with_none(choices, question), widget=forms.RadioSelect, **common)
        case QuestionType.MULTIPLE_CHOICE:
            field = MultipleChoiceField(
                choices=[(choice.key, choice.label) for choice in question.choices],
                widget=forms.CheckboxSelectMultiple,
                **common,
            )
        case QuestionType.SCALE:
            choices = [(str(point), str(point)) for point in SCALE]
            field = ChoiceField(choices=_with_none(choices, question), widget=forms.RadioSelect, **common)
        case QuestionType.NUMBER:
            widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
            field = NumberField(minimum=question.minimum, maximum=question.maximum, widget=widget, **common)
        case QuestionType.DATE:
            field = DateField(widget=_date_input(), **common)
        case QuestionType.PERIOD:
            first = DateField(widget=_date_input(), **{**common, "label": _("At the earliest"), "help_text": ""})
            last = DateField(widget=_date_input(), **{**common, "label": _("At the latest"), "help_text": ""})
            first.is_marked_required = question.is_required  # type: ignore[attr-defined]
            return dict(zip(names, (first, last), strict=True))
        case _:
            raise ValueError(f"nothing to ask: {question.type}")
    # The field itself is not required: whether an answer is needed depends on other answers (StepForm.clean).
    field.is_marked_required = question.is_required  # type: ignore[attr-defined]
    return {names[0]: field}


def _with_none(choices: list[tuple[str, str]], question: Question) -> list[tuple[str, str]]:
    """Add a choice for no answer to an optional question: a radio button can't be deselected."""
    return choices if question.is_required else [*choices, (NO_ANSWER, _("I leave this unanswered"))]


def _date_input() -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off"})
