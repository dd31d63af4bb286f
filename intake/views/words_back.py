"""Giving back what was typed where no form can show it any more, so that it can be copied."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.forms import ChoiceField, MultipleChoiceField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from intake.forms import ContactForm
from intake.forms.contact import MESSAGE_LIMIT
from intake.mapping.questions import Question, QuestionSet
from intake.mapping.step_form import field_names
from intake.models.mapping_page import MappingPage
from intake.typed_text import without_invisible

_UNSEEN = ("extra_line", "form_token")
# What a choice of a question that is known no more sends: the id of a block, yes or no, or "no answer".
_KEY_OF_CHOICE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|yes|no|-")


@dataclass(frozen=True, kw_only=True)
class TypedAnswer:
    """What was asked, and what was typed or chosen. `label` is "" for a question that is known no more."""

    label: str
    text: str


def typed_answers(data: QueryDict, question_set: QuestionSet | None = None) -> list[TypedAnswer]:
    """Return what a post of any of the visitors' forms brings, in words; empty where nothing was typed in one.

    `question_set`: the questions of a mapping; those of the mapping page where it is not told.
    """
    words = without_invisible(data)
    page = None if question_set else MappingPage.objects.live().first() or MappingPage.objects.first()
    asked = question_set or (page.question_set() if page else None)
    questions = list(asked.questions()) if asked else []
    known = {name for question in questions for name in field_names(question)}
    typed = [*_facts(words), *answers_to(questions, words)]
    for name in words:
        if name.startswith("q_") and name not in known:
            texts = [text for text in words.getlist(name) if not _KEY_OF_CHOICE.fullmatch(text)]
            typed += _typed("", texts)
    return typed


def answers_to(questions: Iterable[Question], data: QueryDict) -> list[TypedAnswer]:
    """Return what a post answers to these questions, choices by their labels."""
    words = without_invisible(data)
    typed: list[TypedAnswer] = []
    for question in questions:
        labels = {choice.key: choice.label for choice in question.choices}
        for name in field_names(question) if question.is_asked else ():
            values = words.getlist(name)
            texts = [labels[value] for value in values if value in labels] if labels else values
            typed += _typed(question.label, texts)
    return typed


def no_form_here(request: HttpRequest, *, status: int) -> HttpResponse | None:
    """Answer a post to an address where no form stands with its words; None where nothing was typed.

    The page was removed or unpublished while somebody was writing on it.
    """
    request.encoding = "utf-8"
    try:
        typed = typed_answers(request.POST)
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        return render(request, "intake/contact_too_long.html", {"limit": MESSAGE_LIMIT}, status=413)
    if not typed:
        return None
    context = {"title": _("What you wrote was not sent"), "typed": typed}
    response = render(request, "intake/no_form_here.html", context, status=status)
    response["Cache-Control"] = "no-store, private"
    return response


def _facts(words: QueryDict) -> list[TypedAnswer]:
    typed: list[TypedAnswer] = []
    for name, field in ContactForm.base_fields.items():
        if name in _UNSEEN:
            continue
        values = words.getlist(name)
        if isinstance(field, ChoiceField | MultipleChoiceField):
            labels = {str(key): str(label) for key, label in field.choices}  # type: ignore[misc, union-attr, str-unpack]
            values = [labels[value] for value in values if value in labels]
        typed += _typed(str(field.label), values)
    return typed


def _typed(label: str, texts: list[str]) -> list[TypedAnswer]:
    text = "\n".join(text for text in texts if text.strip())
    return [TypedAnswer(label=label, text=text)] if text else []
