"""Typed words given back where no form can show them, and private links damaged by mail programs."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.forms import ChoiceField, MultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, reverse
from django.urls import resolve as resolved
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from home.invisible_characters import strip_invisible
from intake.enquiry.forms import MESSAGE_LIMIT, ContactForm
from intake.mapping.page import MappingPage
from intake.mapping.questions import Question, QuestionSet
from intake.mapping.step_form import field_names
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
        return render(request, "intake/contact/too_long.html", {"limit": MESSAGE_LIMIT}, status=413)
    if not typed:
        return None
    context = {"title": _("What you wrote was not sent"), "typed": typed}
    response = render(request, "intake/mapping/no_form_here.html", context, status=status)
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


# What our addresses are made of, and what may hang round them.
_TANGLED = re.compile(r"[^\w-]*([\w-]+(?:/[\w-]+)*)[^\w-]*", re.ASCII)


# The pages behind it take posts without Django's token: the secret in the address is what a forger would need.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def mend(request: HttpRequest, tangled: str) -> HttpResponseBase:
    """Lead to the page that the link was meant for; what is posted is received there. 404 with advice where none is."""
    address = _mended(tangled)
    page = _page_at(address)
    if page is None:
        given_back = no_form_here(request, status=404) if request.method == "POST" else None
        return given_back or TemplateResponse(request, "intake/mapping/private_link_in_part.html", status=404)
    if request.method == "POST":
        return page.func(request, *page.args, **page.kwargs)
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


def _mended(tangled: str) -> str:
    """Return the address without what is no part of one; "" where it can't be told what was meant."""
    seen = strip_invisible("".join(html.unescape(unquote(tangled)).split()))
    match = _TANGLED.fullmatch(re.sub("/+", "/", seen))
    return f"{reverse('private_link', args=[''])}{match[1]}/" if match else ""


def _page_at(address: str) -> ResolverMatch | None:
    # The pattern of `mend` takes every address below the prefix; another prefix can't come out of _mended.
    page = resolved(address) if address else None
    return page if page and page.url_name != "private_link" else None
