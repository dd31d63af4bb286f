"""The form of one step, built from its questions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from home.shown_values import SEEN, changed_elsewhere, read_digests
from intake.enquiry.forms import FORM_RENDERER, summary_entries
from intake.mapping.answers import Answers, condition_holds, digests, is_answered, questions_to_show
from intake.mapping.questions import Question, QuestionType, Role, Step
from intake.mapping.step_fields import NO_ANSWER, field_names, question_fields, question_help
from intake.typed_text import without_invisible

# The hidden field with the digests of the text that the page showed as not stored (StepForm.unmet_words). The script,
# which hides each question that does not apply, sets it to HIDDEN instead.
UNMET = "unmet"
HIDDEN = "hidden"
_TYPED = (
    QuestionType.SHORT_TEXT,
    QuestionType.LONG_TEXT,
    QuestionType.NUMBER,
    QuestionType.DATE,
    QuestionType.PERIOD,
)


@dataclass(frozen=True, kw_only=True)
class ShownQuestion:
    """A question for the template: its fields, and when it is asked."""

    question: Question
    fields: tuple[BoundField, ...]
    # The field on this page on which the question depends, and the values for which it is asked; "" for always.
    decided_by: str = ""
    decided_values: str = ""
    help: str | SafeString = ""
    # Whether the warning about sensitive text is shown above it.
    warns: bool = False

    @property
    def field(self) -> BoundField:
        return self.fields[0]


class StepForm(forms.Form):
    """The questions of one step. `known`: facts and answers of other steps. `initial_answers`: its own.

    `everything` shows all questions regardless of their conditions, for the editor's preview. `is_warned`: an earlier
    step has shown the warning about sensitive text (has_free_text).
    """

    use_required_attribute = False
    default_renderer = FORM_RENDERER

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        step: Step,
        known: Mapping[str, Any],
        initial_answers: Mapping[str, Any],
        everything: bool = False,
        is_warned: bool = False,
        **kwargs: Any,
    ) -> None:
        self.step = step
        own = {question.key for question in step.questions}
        self.known = {key: value for key, value in known.items() if key not in own}
        self.everything = everything
        self.shown = list(step.questions) if everything else questions_to_show(step, self.known)
        self.answers: dict[str, Any] = {}
        # The questions that do not apply given the posted answers, and the valid answers to them.
        self.unmet: list[Question] = []
        self._unmet_answers: dict[str, Any] = {}
        self._lacking: set[str] = set()
        super().__init__(
            data=without_invisible(data) if data is not None else None, initial=_initial(initial_answers), **kwargs
        )
        free_texts = [question for question in self.shown if _is_free_text(question)]
        self._warns_above = None if is_warned or not free_texts else free_texts[0]
        for question in self.shown:
            if question.is_asked:
                fields = question_fields(question, conditional=self._says_condition(question))
                self.fields.update(fields)
                if question in free_texts and question is not self._warns_above:
                    # The full warning is shown once; further free texts have a reminder of one line.
                    fields[field_names(question)[0]].help_text = _reminded(fields[field_names(question)[0]].help_text)

    def clean(self) -> dict[str, Any]:
        """Drop the answers and errors of questions that do not apply. Require answers to required ones that apply."""
        cleaned = super().clean() or self.cleaned_data
        for question in self.shown:
            if not question.is_asked:
                continue
            names = field_names(question)
            if not condition_holds(question.condition, {**self.known, **self.answers}):
                self.unmet.append(question)
                if not any(name in self.errors for name in names):
                    self._unmet_answers[question.key] = self._value(question, cleaned)
                for name in names:
                    cleaned.pop(name, None)
                    self.errors.pop(name, None)
                continue
            if any(name in self.errors for name in names):
                continue
            value = self._value(question, cleaned)
            if is_answered(value):
                self.answers[question.key] = value
            elif question.is_required and not any(name in self.errors for name in names):
                self._lacking.add(names[0])
                self.add_error(names[0], required_message(question))
        return cleaned

    def _value(self, question: Question, cleaned: dict[str, Any]) -> Any:
        names = field_names(question)
        if question.type != QuestionType.PERIOD:
            value = cleaned.get(names[0])
            return int(value) if question.type == QuestionType.SCALE and value else value
        start, end = (cleaned.get(name) or "" for name in names)
        if start and end and end < start:
            self.add_error(names[1], _("The last day can't be before the first."))
        return {"from": start, "to": end}

    @property
    def only_lacks_answers(self) -> bool:
        """Whether the only errors are missing answers, so that the given ones can be stored."""
        return set(self.errors) <= self._lacking

    @property
    def unmet_words(self) -> dict[str, str]:
        """The text typed for questions that do not apply given the posted answers: field name -> digest."""
        self.is_valid()
        names = [name for question in self.unmet if question.type in _TYPED for name in field_names(question)]
        return digests({name: " ".join(str(self.data.get(name, "")).split()) for name in names}, names)

    @property
    def not_asked(self) -> list[Question]:
        """The questions of the step that do not apply; an outdated page may have asked them."""
        return [question for question in self.step.questions if question not in self.shown]

    @property
    def keys(self) -> list[str]:
        """The keys of all questions of the step."""
        return [question.key for question in self.step.questions]

    @property
    def shown_keys(self) -> list[str]:
        """The keys of the questions on the page.

        The stored answers to the other questions of the step are kept, for the case that these apply again.
        """
        return [question.key for question in self.shown]

    def data_with(self, stored: Answers, *, data: QueryDict) -> QueryDict | None:
        """Return the post merged with answers that were stored elsewhere meanwhile (see data_with() below)."""
        if SEEN not in data:
            return None
        self.is_valid()
        names = {question.key: field_names(question) for question in self.step.questions}
        # The form also shows answers to questions that do not apply, so untouched ones are replaced, too.
        posted = {**self._unmet_answers, **self.answers}
        initial = _initial(stored)
        # Stored values as the fields show them, for example dates in Finnish form: they replace posted ones.
        initial |= {
            name: self.fields[name].prepare_value(initial[name]) for name in initial.keys() & self.fields.keys()
        }
        return data_with(stored, data=data, posted=posted, names=names, initial=initial)

    @property
    def error_summary(self) -> list[dict[str, str]]:
        """One entry for each error, in the order of the fields."""
        return [
            entry
            for question in self.shown
            for name in (field_names(question) if question.is_asked else ())
            for entry in summary_entries(self[name], words=partial(_with_label, question))
        ]

    @property
    def shown_questions(self) -> list[ShownQuestion]:
        """The questions and texts of the page, in order."""
        return [
            ShownQuestion(
                question=question,
                fields=tuple(self[name] for name in field_names(question)) if question.is_asked else (),
                decided_by=f"q_{question.condition.source}"
                if self._decided_here(question) and question.condition
                else "",
                decided_values=" ".join(question.condition.choices) if question.condition else "",
                help=question_help(question, self._says_condition(question)),
                warns=question is self._warns_above,
            )
            for question in self.shown
        ]

    @property
    def decides_here(self) -> bool:
        """Whether a question depends on an answer on the same page; only then the script is needed."""
        return any(self._decided_here(question) for question in self.shown)

    def _says_condition(self, question: Question) -> bool:
        return question.condition is not None and (self.everything or self._decided_here(question))

    def _decided_here(self, question: Question) -> bool:
        """Return whether the question depends on an answer on this page."""
        condition = question.condition
        return condition is not None and any(other.key == condition.source for other in self.shown)


def data_with(
    stored: Answers,
    *,
    data: QueryDict,
    posted: Answers,
    names: Mapping[str, tuple[str, ...]],
    initial: Mapping[str, Any],
) -> QueryDict | None:
    """Return the post (`data`) merged with answers stored elsewhere while its page was open; None if there are none.

    The page carries digests of the stored answers that it showed. A posted answer that equals the shown one was not
    touched on the page, so the answer that is stored now replaces it. `posted`: the valid answers of the post; `names`:
    the form fields of each answer; `initial`: the values of these fields for the stored answers.
    """
    if SEEN not in data:
        return None
    valid = digests(posted, names)
    merged = data.copy()
    changed = False
    for key in changed_elsewhere(seen=read_digests(str(data[SEEN])), posted=valid, stored=digests(stored, names)):
        own = names.get(key, ())
        # Typed text that is no valid answer is kept: it has an error, or its question does not apply any more.
        typed = key not in valid and any(
            text.strip() not in ("", NO_ANSWER) for name in own for text in data.getlist(name)
        )
        if own and not typed:
            changed = True
            for name in own:
                value = initial.get(name, [])
                merged.setlist(name, [str(one) for one in (value if isinstance(value, list) else [value])])
    return merged if changed else None


def is_told(words: Mapping[str, str], *, told: str) -> bool:
    """Return whether the page has shown that these words are not stored, or has hidden their questions.

    `told`: the value of its field UNMET.
    """
    return told == HIDDEN or words.items() <= read_digests(told).items()


def has_free_text(steps: Iterable[Step], known: Mapping[str, Any]) -> bool:
    """Return whether one of these steps asks for a text above which the warning is shown."""
    return any(_is_free_text(question) for step in steps for question in questions_to_show(step, known))


def _reminded(help_text: Any) -> SafeString:
    reminder = _("Here, too, write in general terms.")
    return format_html("{} {}", help_text, reminder) if help_text else format_html("{}", reminder)


def _is_free_text(question: Question) -> bool:
    """Return whether the answer may contain sensitive text; a place is only a name."""
    return question.type in (QuestionType.SHORT_TEXT, QuestionType.LONG_TEXT) and question.role != Role.PLACE


def required_message(question: Question) -> str:
    """Return the error message for a missing answer."""
    if question.required_message:
        return question.required_message
    if question.type in (QuestionType.SINGLE_CHOICE, QuestionType.MULTIPLE_CHOICE, QuestionType.YES_NO):
        return _("Choose one of the options.")
    return _("Answer this question.")


def _with_label(question: Question, error: str) -> str:
    """Return the error with the label of the question, unless the supervisor wrote the error."""
    if error == question.required_message:
        return error
    return f"{question.label} {error}" if question.label[-1:] in ".?!" else f"{question.label}: {error}"


def _initial(answers: Mapping[str, Any]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    for key, value in answers.items():
        if isinstance(value, dict):
            initial |= {f"q_{key}_from": value.get("from", ""), f"q_{key}_to": value.get("to", "")}
        else:
            initial[f"q_{key}"] = value
    return initial
