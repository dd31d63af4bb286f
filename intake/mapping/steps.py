"""The steps of a mapping at its private address. Reading changes nothing; a step is stored when it is sent."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from home.email_address import readable_address
from intake.choices import Kind
from intake.enquiry.forms import MappingFactsForm
from intake.enquiry.mails import promised_mails
from intake.enquiry.responses import (
    already_sent_message,
    answers_not_stored_message,
    rate_limit_message,
    see_other,
    stored_response,
)
from intake.mapping.answers import is_answered, missing, steps_to_show
from intake.mapping.context import CHECK_TEMPLATE, STEP_TEMPLATE, StepPage, all_groups, notices_now, step_context
from intake.mapping.models import InitialMapping
from intake.mapping.page import MappingPage
from intake.mapping.questions import QuestionSet
from intake.mapping.returned_words import TypedAnswer, answers_to, typed_answers
from intake.mapping.services import AlreadySent, Incomplete, find_link, send_mapping, store_answers, store_facts
from intake.mapping.step_form import StepForm
from intake.spam.limit import TooManyPosts, address_key


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The way through one mapping, at a private address.

    `by_mail`: the secret came by mail. `asks_facts`: the contact facts are its first step (a mapping begun after a
    message has them already).
    """

    secret: str
    by_mail: bool
    mapping: InitialMapping
    question_set: QuestionSet

    @property
    def asks_facts(self) -> bool:
        return self.mapping.message is None or self.mapping.message.kind == Kind.MAPPING

    @property
    def shown(self) -> list[int]:
        """The indexes of the question steps that have something for this visitor."""
        return steps_to_show(self.question_set, self.mapping.condition_facts, self.mapping.answers)

    @property
    def steps(self) -> int:
        """How many pages there are, the contact facts included."""
        return len(self.shown) + self.asks_facts

    def place(self, index: int) -> int:
        """Return the number of the page of a question step, from 1."""
        return self.shown.index(index) + 1 + self.asks_facts

    def facts_url(self) -> str:
        return reverse("mapping_facts", args=[self.secret])

    def step_url(self, index: int) -> str:
        return reverse("mapping_step", args=[self.secret, index + 1])

    def check_url(self) -> str:
        return reverse("mapping_check", args=[self.secret])

    def done_url(self) -> str:
        return reverse("mapping_done", args=[self.secret])

    def after(self, index: int) -> str:
        """Return the address that follows a question step (-1: the contact facts)."""
        following = [other for other in self.shown if other > index]
        return self.step_url(following[0]) if following else self.check_url()

    def before(self, index: int) -> str:
        """Return the address that precedes a question step; "" for the first page."""
        earlier = [other for other in self.shown if other < index]
        if earlier:
            return self.step_url(earlier[-1])
        return self.facts_url() if self.asks_facts else ""

    def resume_url(self) -> str:
        """Return where to go on: the first step without an answer that is asked for, or without any answer."""
        if self.mapping.is_sent:
            return self.done_url()
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


WalkView = Callable[..., HttpResponse]


def private(view: WalkView) -> WalkView:
    """Give `view(request, walk, …)` the mapping of the secret in its address; 404 where there is none.

    No Django token guards the post: the address itself is the secret that a forger would need. What keeps the answers
    out of caches and the address out of logs stands around every answer, refusals too (the middleware).
    """

    @wraps(view)
    @sensitive_variables()
    def find_and_show(request: HttpRequest, secret: str, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            request.encoding = "utf-8"
        try:
            walk = _walk(secret)
            return view(request, walk, **kwargs) if walk else _closed(request)
        except InitialMapping.DoesNotExist:
            # Its time ran out, or the supervisor removed it, since the line above found it.
            return _closed(request)
        except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
            return TemplateResponse(request, "intake/contact/too_long.html", status=413)

    return sensitive_post_parameters()(csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(find_and_show)))


def _walk(secret: str) -> Walk | None:
    link = find_link(secret, now=timezone.now())
    if link is None:
        return None
    mapping = link.mapping
    question_set = mapping.questions if mapping.question_set else _published()
    return (
        Walk(secret=secret, by_mail=link.by_mail, mapping=mapping, question_set=question_set) if question_set else None
    )


def _published() -> QuestionSet | None:
    page = MappingPage.objects.live().first()
    return page.question_set() if page else None


def _closed(request: HttpRequest) -> HttpResponse:
    """Say that the link leads nowhere any more; what was just typed is shown, so that it can be copied."""
    typed = typed_answers(request.POST) if request.method == "POST" else []
    page = MappingPage.objects.live().first()
    context = {"typed": typed, "begin_url": page.get_url(request) if page else ""}
    return TemplateResponse(request, "intake/mapping/closed_page.html", context, status=404)


# From the check page: back to it when the answer has been changed.
TO_CHECK = "tarkista"
FACTS = -1


@private
def resume(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Lead to where the visitor left off."""
    return _not_asked(request, walk) if request.method == "POST" else redirect(walk.resume_url())


@private
def facts_step(request: HttpRequest, walk: Walk) -> HttpResponse:
    """The contact facts of a mapping that began by itself."""
    if not walk.asks_facts and request.method == "POST":
        reason = _(
            "Your contact details came with your message and can’t be changed here. Tell Kati if they have changed."
        )
        return _not_asked(request, walk, reason=reason)
    if not walk.asks_facts or (walk.mapping.is_sent and request.method != "POST"):
        return see_other(walk.resume_url())
    if request.method != "POST":
        return _facts_response(request, walk, _facts_as_typed(walk.mapping.facts))
    form = MappingFactsForm(request.POST)
    if not form.is_valid():
        return _facts_response(request, walk, form, status=422)
    try:
        store_facts(mapping_id=walk.mapping.pk, facts=form.facts())
    except AlreadySent:
        return _facts_response(request, walk, form, status=409, notice=already_sent_message())
    except DatabaseError as error:
        return _facts_response(
            request,
            walk,
            form,
            status=503,
            notice=answers_not_stored_message(error, notices_now(request)[2].phone_display),
        )
    walk.mapping.refresh_from_db()
    return stored_response(request, walk.check_url() if TO_CHECK in request.GET else walk.after(FACTS))


@private
def question_step(request: HttpRequest, walk: Walk, number: int) -> HttpResponse:
    """One step of questions."""
    index = number - 1
    if index not in walk.shown:
        return _not_asked(request, walk) if request.method == "POST" else see_other(walk.resume_url())
    if walk.mapping.is_sent and request.method != "POST":
        return redirect(walk.done_url())
    form = _step_form(walk, index, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _step_response(request, walk, index, form)
    left_out = answers_to(form.not_asked, request.POST)
    if left_out:
        # Another tab or device has changed the answer that these questions hung from.
        return _step_response(request, walk, index, form, status=422, notice=_not_asked_words(), left_out=left_out)
    goes_back = "back" in request.POST
    if not form.is_valid() and not (goes_back and form.only_lacks_answers):
        return _step_response(request, walk, index, form, status=422)
    if not walk.mapping.question_set and request.POST.get("version") != walk.question_set.version:
        notice = _("The questions were changed just now. Your answers are still here: check them and go on.")
        return _step_response(request, walk, index, form, status=422, notice=notice)
    notices, _pause, _details = notices_now(request)
    try:
        store_answers(
            mapping_id=walk.mapping.pk,
            by_mail=walk.by_mail,
            question_set=walk.question_set,
            step_keys=form.keys,
            answers=form.answers,
            shown=notices.as_shown(),
            now=timezone.now(),
        )
    except AlreadySent:
        return _step_response(request, walk, index, form, status=409, notice=already_sent_message())
    except DatabaseError as error:
        return _step_response(
            request,
            walk,
            index,
            form,
            status=503,
            notice=answers_not_stored_message(error, notices_now(request)[2].phone_display),
        )
    walk.mapping.refresh_from_db()
    if goes_back:
        return stored_response(request, walk.before(index) or walk.step_url(index))
    return stored_response(request, walk.check_url() if TO_CHECK in request.GET else walk.after(index))


def _step_form(walk: Walk, index: int, data: Any) -> StepForm:
    known = {**walk.mapping.condition_facts, **walk.mapping.counted_answers}
    return StepForm(data, step=walk.question_set.steps[index], known=known, initial_answers=walk.mapping.answers)


def _not_asked(request: HttpRequest, walk: Walk, *, reason: str = "") -> HttpResponse:
    """Give back what was typed on a step that does not apply any more, and say why; lead on where nothing was."""
    typed = typed_answers(request.POST, walk.question_set)
    if not typed:
        return see_other(walk.resume_url())
    context = {"reason": reason or _not_asked_words(), "typed": typed, "resume_url": walk.resume_url()}
    return TemplateResponse(request, "intake/mapping/not_asked_page.html", context, status=409)


def _not_asked_words() -> str:
    return _(
        "An earlier answer has changed, perhaps in another tab or on another device, so these are not asked of you any "
        "more. They were not stored: if you need the words, copy them from here."
    )


def _step_response(
    request: HttpRequest,
    walk: Walk,
    index: int,
    form: StepForm,
    *,
    status: int = 200,
    notice: str = "",
    left_out: Sequence[TypedAnswer] = (),
) -> HttpResponse:
    step = walk.question_set.steps[index]
    context = step_context(
        request,
        StepPage(
            form=form,
            title=step.title,
            introduction=step.introduction,
            step=walk.place(index),
            steps=walk.steps,
            back=bool(walk.before(index)),
            notice=notice,
            continue_url=walk.step_url(index),
            draft=walk.step_url(index),
        ),
    )
    context |= {"version": walk.question_set.version, "left_out": left_out}
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)


def _facts_as_typed(facts: dict[str, Any]) -> MappingFactsForm:
    return MappingFactsForm(initial={**facts, "email": readable_address(facts["email"])})


def _facts_response(
    request: HttpRequest, walk: Walk, form: MappingFactsForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    context = step_context(
        request,
        StepPage(
            form=form,
            title=_("Contact details"),
            introduction="",
            step=1,
            steps=walk.steps,
            back=False,
            notice=notice,
            continue_url=walk.facts_url(),
            draft=walk.facts_url(),
        ),
    )
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)


@private
def check(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Show every answer; a post sends them. Sent twice, it is the same enquiry."""
    if request.method != "POST":
        return redirect(walk.done_url()) if walk.mapping.is_sent else _response(request, walk)
    notices, pause, details = notices_now(request)
    try:
        if not walk.mapping.question_set and not _lacking(walk):
            # There was no step to send: nothing applied to this visitor.
            store_answers(
                mapping_id=walk.mapping.pk,
                by_mail=walk.by_mail,
                question_set=walk.question_set,
                step_keys=[],
                answers={},
                shown=notices.as_shown(),
                now=timezone.now(),
            )
        send_mapping(mapping_id=walk.mapping.pk, address_key=address_key(request), pause=pause, now=timezone.now())
    except Incomplete:
        return _response(request, walk, status=422)
    except TooManyPosts as refusal:
        response = _response(
            request, walk, status=429, notice=rate_limit_message(refusal.retry_after, details.phone_display)
        )
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        return response
    except DatabaseError as error:
        return _response(request, walk, status=503, notice=answers_not_stored_message(error, details.phone_display))
    return stored_response(request, walk.done_url())


@private
def done(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Say that the mapping has arrived; only of one that is in the database."""
    if not walk.mapping.is_sent or walk.mapping.enquiry is None:
        raise Http404
    _notices, _pause, details = notices_now(request)
    enquiry = walk.mapping.enquiry
    context = {
        "reference": enquiry.reference,
        "response_time": details.answers_within,
        "added_later": enquiry.kind == Kind.CONTACT,
        "promised": promised_mails(enquiry),
    }
    return TemplateResponse(request, "intake/mapping/done_page.html", context)


def _lacking(walk: Walk) -> int:
    return len(missing(walk.question_set, walk.mapping.condition_facts, walk.mapping.answers))


def _response(request: HttpRequest, walk: Walk, *, status: int = 200, notice: str = "") -> HttpResponse:
    notices, _pause, _details = notices_now(request)
    lacking = _lacking(walk)
    shown = walk.shown
    context = {
        "groups": all_groups(walk.mapping, walk.question_set, facts_url=walk.facts_url(), step_url=walk.step_url),
        "lacking": lacking,
        "tried": request.method == "POST" and lacking > 0,
        "notice": notice,
        # Sending takes along whatever the tab keeps of the steps.
        "draft": reverse("mapping_resume", args=[walk.secret]),
        "back_url": walk.step_url(shown[-1]) if shown else walk.facts_url(),
        **notices.as_context(),
    }
    return TemplateResponse(request, CHECK_TEMPLATE, context, status=status)
