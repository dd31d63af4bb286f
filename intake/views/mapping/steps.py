"""The steps of a mapping at its private address. Reading changes nothing; an answer is stored when a step is sent."""

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from home.email_address import readable_address
from intake.forms.mapping import MappingFactsForm
from intake.mapping.step_form import StepForm
from intake.services.mapping import AlreadySent, store_answers, store_facts
from intake.views.mapping.pages import STEP_TEMPLATE, notices_now, step_context
from intake.views.mapping.private import private
from intake.views.mapping.walk import Walk
from intake.views.refusals import answers_not_stored, see_other, sent_already

# From the check page: back to it when the answer has been changed.
TO_CHECK = "tarkista"
FACTS = -1


@private
def resume(request: HttpRequest, walk: Walk) -> HttpResponse:
    """Lead to where the visitor left off."""
    return redirect(walk.resume_url())


@private
def facts_step(request: HttpRequest, walk: Walk) -> HttpResponse:
    """The contact facts of a mapping that began by itself."""
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
        return _facts_response(request, walk, form, status=409, notice=sent_already())
    except DatabaseError as error:
        return _facts_response(
            request, walk, form, status=503, notice=answers_not_stored(error, notices_now(request)[2].phone_display)
        )
    walk.mapping.refresh_from_db()
    return see_other(walk.check_url() if TO_CHECK in request.GET else walk.after(FACTS))


@private
def question_step(request: HttpRequest, walk: Walk, number: int) -> HttpResponse:
    """One step of questions."""
    index = number - 1
    if index not in walk.shown:
        return see_other(walk.resume_url())
    if walk.mapping.is_sent and request.method != "POST":
        return redirect(walk.done_url())
    form = _step_form(walk, index, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _step_response(request, walk, index, form)
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
        return _step_response(request, walk, index, form, status=409, notice=sent_already())
    except DatabaseError as error:
        return _step_response(
            request,
            walk,
            index,
            form,
            status=503,
            notice=answers_not_stored(error, notices_now(request)[2].phone_display),
        )
    walk.mapping.refresh_from_db()
    if goes_back:
        return see_other(walk.before(index) or walk.step_url(index))
    return see_other(walk.check_url() if TO_CHECK in request.GET else walk.after(index))


def _step_form(walk: Walk, index: int, data: Any) -> StepForm:
    known = {**walk.mapping.condition_facts, **walk.mapping.counted_answers}
    return StepForm(data, step=walk.question_set.steps[index], known=known, initial_answers=walk.mapping.answers)


def _step_response(
    request: HttpRequest, walk: Walk, index: int, form: StepForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    step = walk.question_set.steps[index]
    context = step_context(
        request,
        form=form,
        title=step.title,
        introduction=step.introduction,
        step=walk.place(index),
        steps=walk.steps,
        back=bool(walk.before(index)),
        notice=notice,
        continue_url=walk.step_url(index),
    )
    context["version"] = walk.question_set.version
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)


def _facts_as_typed(facts: dict[str, Any]) -> MappingFactsForm:
    return MappingFactsForm(initial={**facts, "email": readable_address(facts["email"])})


def _facts_response(
    request: HttpRequest, walk: Walk, form: MappingFactsForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    context = step_context(
        request,
        form=form,
        title=_("Contact details"),
        introduction="",
        step=1,
        steps=walk.steps,
        back=False,
        notice=notice,
        continue_url=walk.facts_url(),
    )
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)
