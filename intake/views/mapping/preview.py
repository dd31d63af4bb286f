"""The mapping beside its editor: every page of the draft as visitors would see it, with nothing stored."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.forms.mapping import MappingFactsForm
from intake.mapping.questions import QuestionSet
from intake.mapping.step_form import StepForm
from intake.views.mapping.pages import CHECK_TEMPLATE, STEP_TEMPLATE, answer_groups, notices_now, step_context

_STEP = "step-"


def preview_modes(page: Any) -> list[tuple[str, Any]]:
    """Return Wagtail's list of previews: the start, each step, the check, and where to turn instead."""
    steps = page.question_set().steps
    return [
        ("", gettext_lazy("Where it begins")),
        ("facts", gettext_lazy("Contact details")),
        *((f"{_STEP}{number}", step.title) for number, step in enumerate(steps, 1)),
        ("check", gettext_lazy("Check your answers")),
        ("elsewhere", page.elsewhere_title or gettext_lazy("Where to turn")),
    ]


def show_preview(page: Any, request: HttpRequest, mode: str) -> HttpResponse | None:
    """Return one page of the draft. Every question shows, with its condition in words.

    None for a step that the draft does not have, or not any more: the editor's list of previews is as old as its page,
    and an answer of 404 would stop the editor's preview for good.
    """
    question_set: QuestionSet = page.question_set()
    common = {"preview_of_page": True, "trial_url": reverse("mapping_trial", args=[page.pk]) if page.pk else ""}
    if mode == "elsewhere":
        return TemplateResponse(request, page.elsewhere_template, page.get_context(request))
    if mode == "check":
        notices, _pause, _details = notices_now(request)
        groups = answer_groups(question_set, {}, {})
        context = {"groups": groups, "lacking": 0, **notices.as_context(), **common}
        return TemplateResponse(request, CHECK_TEMPLATE, page.get_context(request) | context)
    steps = len(question_set.steps) + 1
    if mode == "facts":
        context = step_context(
            request,
            form=MappingFactsForm(),
            title=_("Contact details"),
            introduction="",
            step=1,
            steps=steps,
            back=False,
        )
        return TemplateResponse(request, STEP_TEMPLATE, page.get_context(request) | context | common)
    number = mode.removeprefix(_STEP)
    if not number.isdecimal() or not 1 <= int(number) < steps:
        return None
    step = question_set.steps[int(number) - 1]
    form = StepForm(step=step, known={}, initial_answers={}, everything=True)
    context = step_context(
        request,
        form=form,
        title=step.title,
        introduction=step.introduction,
        step=int(number) + 1,
        steps=steps,
        back=False,
    )
    return TemplateResponse(request, STEP_TEMPLATE, page.get_context(request) | context | common)
