"""Returning typed text that no form can show, and repairing private links that mail programs have damaged."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from django.forms import ChoiceField, MultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from home.text_input import strip_invisible
from intake.enquiry.form_pages import read_post, too_long_response
from intake.enquiry.forms import MESSAGE_LIMIT, ContactForm
from intake.mapping.page import MappingPage
from intake.mapping.questions import Question, QuestionSet
from intake.mapping.step_form import field_names
from intake.submission import SHOWN_FIELD
from intake.typed_text import without_invisible

_HIDDEN_FIELDS = ("extra_line", "form_token", SHOWN_FIELD)
# The value of a choice of a removed question: the id of a block, yes or no, or "no answer".
_KEY_OF_CHOICE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|yes|no|-")
# A path of a private link, with other characters before or after it.
_DAMAGED = re.compile(r"[^\w-]*([\w-]+(?:/[\w-]+)*)[^\w-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class TypedAnswer:
    """One typed or chosen answer. `label` is "" for a removed question."""

    label: str
    text: str


def typed_answers(data: QueryDict, question_set: QuestionSet | None = None) -> list[TypedAnswer]:
    """Return the answers in a post of any public form as text; [] if nothing was typed.

    `question_set`: the questions of the mapping; by default those of the mapping page.
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
    """Return the answers to these questions in a post, choices by their labels."""
    words = without_invisible(data)
    typed: list[TypedAnswer] = []
    for question in questions:
        labels = {choice.key: choice.label for choice in question.choices}
        for name in field_names(question) if question.is_asked else ():
            values = words.getlist(name)
            texts = [labels[value] for value in values if value in labels] if labels else values
            typed += _typed(question.label, texts)
    return typed


def return_typed_text(request: HttpRequest, *, status: int) -> HttpResponse | None:
    """Return a page with the typed text of a post to a URL without a form; None if nothing was typed.

    The form's page was removed or unpublished while somebody was writing.
    """
    if not read_post(request):
        return too_long_response(request, {"limit": MESSAGE_LIMIT})
    typed = typed_answers(request.POST)
    if not typed:
        return None
    context = {"title": _("What you wrote was not sent"), "typed": typed}
    response = render(request, "intake/mapping/return_typed_text.html", context, status=status)
    response["Cache-Control"] = "no-store, private"
    return response


def _facts(words: QueryDict) -> list[TypedAnswer]:
    typed: list[TypedAnswer] = []
    for name, field in ContactForm.base_fields.items():
        if name in _HIDDEN_FIELDS:
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


# Exempt like the pages themselves: the secret in the URL protects against forged posts.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def repair_link(request: HttpRequest, damaged: str) -> HttpResponseBase:
    """Redirect to the page of a damaged link, or pass a post on to it; 404 with advice if there is none."""
    address = _repaired(damaged)
    page = _page_at(address)
    if page is None:
        given_back = return_typed_text(request, status=404) if request.method == "POST" else None
        return given_back or TemplateResponse(request, "intake/mapping/private_link_in_part.html", status=404)
    if request.method == "POST":
        return page.func(request, *page.args, **page.kwargs)
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


def _repaired(damaged: str) -> str:
    """Return the repaired path; "" if it can't be determined."""
    seen = strip_invisible("".join(html.unescape(unquote(damaged)).split()))
    match = _DAMAGED.fullmatch(re.sub("/+", "/", seen))
    return f"{reverse('private_link', args=[''])}{match[1]}/" if match else ""


def _page_at(address: str) -> ResolverMatch | None:
    # The pattern of `repair_link` takes every address below the prefix; another prefix can't come out of _repaired().
    page = resolve(address) if address else None
    return page if page and page.url_name != "private_link" else None
