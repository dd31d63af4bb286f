"""The private pages of a mapping: finding it by its link, the order of its pages, and the pages for invalid links.

When no form can accept a post any more, the page shows the typed text, so that it can be copied.
"""

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import unquote

from django.forms import ChoiceField, MultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import ResolverMatch, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from home.site_pages import visitor_urls
from home.text_input import strip_invisible
from intake.choices import Kind
from intake.enquiry.form_pages import read_post, stored_response, too_long_response
from intake.enquiry.forms import MESSAGE_LIMIT, ContactForm
from intake.mapping.answers import condition_holds, is_answered, missing, steps_to_show
from intake.mapping.links import find_link
from intake.mapping.models import InitialMapping
from intake.mapping.page import MappingPage, ending_for, published_questions
from intake.mapping.presentation import Lost, ended_url
from intake.mapping.questions import Ending, Question, QuestionSet
from intake.mapping.step_fields import field_names
from intake.submission import SHOWN_FIELD
from intake.typed_text import without_invisible

# The button that stores the step and mails the private link.
LATER = "later"
# The index of the contact facts, before those of the question steps.
FACTS = -1
_HIDDEN_FIELDS = ("extra_line", "form_token", SHOWN_FIELD)
# The posted value of a choice: a block id, yes or no, or "no answer". If its question was removed, it has no label.
_KEY_OF_CHOICE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|yes|no|-")
# A path of a private link, with other characters before or after it.
_DAMAGED = re.compile(r"[^\w-]*([\w-]+(?:/[\w-]+)*)[^\w-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class MappingPath:
    """The pages of one mapping for one visitor, in order, and their URLs.

    `by_mail`: the secret came by mail. `asks_facts`: the contact facts are the first step; a mapping that was started
    after a message already has them.
    """

    secret: str
    by_mail: bool
    mapping: InitialMapping
    question_set: QuestionSet

    @property
    def asks_facts(self) -> bool:
        return self.mapping.source_enquiry is None or self.mapping.source_enquiry.kind == Kind.MAPPING

    @property
    def shown(self) -> list[int]:
        """The indexes of the question steps to show."""
        return steps_to_show(self.question_set, self.mapping.condition_facts, self.mapping.answers)

    @property
    def steps(self) -> int:
        """The number of pages, including the contact facts."""
        return len(self.shown) + self.asks_facts

    def place(self, index: int) -> int:
        """Return the page number of a question step, starting at 1."""
        return self.shown.index(index) + 1 + self.asks_facts

    def facts_url(self) -> str:
        return reverse("mapping_facts", args=[self.secret])

    def step_url(self, index: int) -> str:
        return reverse("mapping_step", args=[self.secret, index + 1])

    def check_url(self) -> str:
        return reverse("mapping_check", args=[self.secret])

    def done_url(self) -> str:
        return reverse("mapping_done", args=[self.secret])

    def later_url(self) -> str:
        return reverse("mapping_later", args=[self.secret])

    def copy_url(self) -> str:
        return reverse("own_copy", args=[self.secret])

    def after(self, index: int) -> str:
        """Return the URL after a question step (-1: the contact facts)."""
        following = [other for other in self.shown if other > index]
        return self.step_url(following[0]) if following else self.check_url()

    def before(self, index: int) -> str:
        """Return the URL before a question step; "" for the first page."""
        earlier = [other for other in self.shown if other < index]
        if earlier:
            return self.step_url(earlier[-1])
        return self.facts_url() if self.asks_facts else ""

    @property
    def ending(self) -> Ending | None:
        """The early end to which a stored answer leads. "Back" and "later" store answers without ending the mapping."""
        if self.mapping.is_sent:
            return None
        return ending_for(self.question_set, self.mapping.condition_facts, self.mapping.answers)

    @property
    def last(self) -> int:
        """The index of the last step that is asked; the number of steps if no stored answer ends the mapping.

        If one does, it is the step of that answer. FACTS if a contact fact of the message does: nothing is asked then.
        """
        ending = self.ending
        keys = [{question.key for question in step.questions} for step in self.question_set.steps]
        if ending is None:
            return len(keys)
        return next((index for index, own in enumerate(keys) if ending.condition.source in own), FACTS)

    def resume_url(self) -> str:
        """Return the URL to continue at: the first step that lacks a required answer or has no answers.

        If a stored answer ends the mapping, continue at the step of that answer, where it can be changed. If a contact
        fact of the message does, continue at the page of the early end.
        """
        if self.mapping.is_sent:
            return self.done_url()
        if self.ending:
            return ended_url(self.ending, lost=Lost.NOTHING) if self.last == FACTS else self.step_url(self.last)
        asked_for = {
            step.key
            for step, _question in missing(self.question_set, self.mapping.condition_facts, self.mapping.answers)
        }
        for index in self.shown:
            step = self.question_set.steps[index]
            untouched = not any(is_answered(self.mapping.answers.get(question.key)) for question in step.questions)
            if step.key in asked_for or untouched:
                return self.step_url(index)
        return self.check_url()


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

    This happens if the page of the form was removed or unpublished while somebody was writing.
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


PathView = Callable[..., HttpResponse]


def private(*, reads_post: bool = True) -> Callable[[PathView], PathView]:
    """Call `view(request, path, …)` with the mapping of the secret in the URL; respond with 404 if there is none.

    No CSRF token is needed: a forger does not know the secret in the URL. Middleware keeps the responses out of caches
    and the URL out of logs.
    """

    def decorate(view: PathView) -> PathView:
        @wraps(view)
        @sensitive_variables()
        def find_and_show(request: HttpRequest, secret: str, **kwargs: Any) -> HttpResponse:
            if reads_post and request.method == "POST" and not read_post(request):
                return too_long_response(request)
            try:
                path = _find_path(secret)
                return view(request, path, **kwargs) if path else _closed(request)
            except InitialMapping.DoesNotExist:
                # The mapping expired or was removed after it was found.
                return _closed(request)

        return sensitive_post_parameters()(csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(find_and_show)))

    return decorate


def _find_path(secret: str) -> MappingPath | None:
    link = find_link(secret, now=timezone.now())
    if link is None:
        return None
    mapping = link.mapping
    question_set = mapping.questions if mapping.question_set else published_questions()
    return (
        MappingPath(secret=secret, by_mail=link.by_mail, mapping=mapping, question_set=question_set)
        if question_set
        else None
    )


def _closed(request: HttpRequest) -> HttpResponse:
    """Return a 404 page for an expired link, with the typed text so that it can be copied.

    A post with an answer that leads to an early end redirects to its page instead: after a double click, the first
    post has already removed the mapping.
    """
    if request.method == "POST" and not read_post(request):
        return too_long_response(request)
    ending = _ending_posted(request.POST) if request.method == "POST" else None
    if ending:
        return stored_response(request, ended_url(ending, lost=Lost.ALL))
    typed = typed_answers(request.POST) if request.method == "POST" else []
    # visitor_urls() needs only the primary key.
    published = MappingPage.objects.live().values_list("pk", flat=True)[:1]
    context = {"typed": typed, "begin_url": "".join(visitor_urls(list(published)))}
    return TemplateResponse(request, "intake/mapping/closed_page.html", context, status=404)


def _ending_posted(data: QueryDict) -> Ending | None:
    """Return the published early end to which an answer in this post alone leads; None if there is none."""
    goes_on = "back" not in data and LATER not in data
    published = published_questions() if goes_on else None
    posted = {name.removeprefix("q_"): data.getlist(name) for name in data}
    if published is None:
        return None
    # Without JavaScript a page also shows questions that its own answers rule out: their answers are ignored.
    # Conditions on other pages can't be checked, because the answers of those pages were removed.
    for step in published.steps:
        own = {question.key for question in step.questions}
        for question in step.questions:
            condition = question.condition
            if condition and condition.source in own and not condition_holds(condition, posted):
                posted.pop(question.key, None)
    return next((ending for ending in published.endings if condition_holds(ending.condition, posted)), None)


# Exempt from CSRF protection like the pages themselves: the secret in the URL protects against forged posts.
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
    # resolve() finds a view for every repaired path: the pattern of repair_link matches all paths below the prefix.
    page = resolve(address) if address else None
    return page if page and page.url_name != "private_link" else None
