"""The steps of a mapping at its private address. Reading changes nothing; an answer is stored when a step is sent."""

from collections.abc import Sequence
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
from intake.views.refusals import answers_not_stored, see_other, sent_already, stored
from intake.views.words_back import TypedAnswer, answers_to, typed_answers

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
        return _facts_response(request, walk, form, status=409, notice=sent_already())
    except DatabaseError as error:
        return _facts_response(
            request, walk, form, status=503, notice=answers_not_stored(error, notices_now(request)[2].phone_display)
        )
    walk.mapping.refresh_from_db()
    return stored(request, walk.check_url() if TO_CHECK in request.GET else walk.after(FACTS))


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
        return stored(request, walk.before(index) or walk.step_url(index))
    return stored(request, walk.check_url() if TO_CHECK in request.GET else walk.after(index))


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
        form=form,
        title=step.title,
        introduction=step.introduction,
        step=walk.place(index),
        steps=walk.steps,
        back=bool(walk.before(index)),
        notice=notice,
        continue_url=walk.step_url(index),
        draft=walk.step_url(index),
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
        form=form,
        title=_("Contact details"),
        introduction="",
        step=1,
        steps=walk.steps,
        back=False,
        notice=notice,
        continue_url=walk.facts_url(),
        draft=walk.facts_url(),
    )
    return TemplateResponse(request, STEP_TEMPLATE, context, status=status)
