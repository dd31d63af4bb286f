"""Trying out the draft of a mapping in the admin. The answers are carried in the page; nothing is stored."""

from typing import Any

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from home.editors_text import valid_id
from intake.enquiry.forms import MappingFactsForm
from intake.mapping.answers import counted_answers, endings_of, missing, recommended, steps_to_show
from intake.mapping.models import FACT_NAMES
from intake.mapping.page import MappingPage
from intake.mapping.presentation import (
    CHECK_TEMPLATE,
    ENDED_TEMPLATE,
    STEP_TEMPLATE,
    StepPage,
    answer_groups,
    current_notices,
    facts_page,
    step_context,
)
from intake.mapping.questions import QuestionSet
from intake.mapping.step_form import StepForm, has_free_text

FACTS, CHECK = "facts", "check"
# Signed, so that only values written by this view are read.
_SALT = "intake.mapping-tryout"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def try_mapping(request: HttpRequest, page_id: int) -> HttpResponse:
    """Show the first step of the latest draft; each post shows the next step, or the same one with its errors."""
    page = get_object_or_404(MappingPage, pk=valid_id(page_id))
    if not page.permissions_for_user(request.user).can_edit():
        raise PermissionDenied
    tryout = _DraftTryout(request, page.get_latest_revision_as_object().question_set())
    return tryout.answer() if request.method == "POST" else tryout.show(FACTS)


class _DraftTryout:
    """One request of a try-out. The page carries `facts` and `answers`. `place` names the page that was posted."""

    def __init__(self, request: HttpRequest, question_set: QuestionSet) -> None:
        self.request, self.question_set = request, question_set
        self.facts, self.answers = _carried(request.POST.get("carried", ""))

    def answer(self) -> HttpResponse:
        place = self.request.POST.get("place", FACTS)
        if place == FACTS:
            form = MappingFactsForm(self.request.POST)
            if not form.is_valid():
                return self.show(FACTS, form)
            self.facts = {name: form.cleaned_data[name] for name in FACT_NAMES}
            return self._ended() or self.show(self._after(-1))
        if place == CHECK:
            ended = self._ended()
            if ended is not None:
                return ended
            lacking = missing(self.question_set, self.facts, self.answers)
            if not lacking:
                return TemplateResponse(self.request, "intake/mapping/tryout_done.html", {})
            return self.show(str(self._index_of(lacking[0][0].key)))
        index = int(place) if len(place) <= 4 and place.isdecimal() else 0
        if index >= len(self.question_set.steps):
            # The draft has changed since this page was opened, or the post is forged.
            return self.show(FACTS)
        step_form = self._step_form(index, self.request.POST)
        goes_back = "back" in self.request.POST
        if not step_form.is_valid() and not (goes_back and step_form.only_lacks_answers):
            return self.show(str(index), step_form)
        kept = {key: value for key, value in self.answers.items() if key not in step_form.shown_keys}
        self.answers = {**kept, **step_form.answers}
        if goes_back:
            return self.show(self._before(index))
        return self._ended() or self.show(self._after(index))

    def show(self, place: str, form: Any = None) -> HttpResponse:
        shown = steps_to_show(self.question_set, self.facts, self.answers)
        extra = {
            "tryout": True,
            "place": place,
            "carried": signing.dumps([self.facts, self.answers], salt=_SALT, compress=True),
        }
        if place == CHECK:
            notices, _pause, _details = current_notices(self.request)
            groups = answer_groups(self.question_set, self.facts, self.answers)
            context = {
                "groups": groups,
                "lacking": 0,
                "recommended": recommended(self.question_set, self.facts, self.answers),
                **notices.as_context(),
            }
            return TemplateResponse(self.request, CHECK_TEMPLATE, context | extra)
        if place == FACTS:
            step_page = facts_page(form or MappingFactsForm(), steps=len(shown) + 1)
        else:
            step = self.question_set.steps[int(place)]
            step_page = StepPage(
                form=form or self._step_form(int(place), None),
                title=step.title,
                introduction=step.introduction,
                step=shown.index(int(place)) + 2 if int(place) in shown else 2,
                steps=len(shown) + 1,
                back=True,
            )
        context = step_context(self.request, step_page)
        status = 422 if step_page.form.errors else 200
        return TemplateResponse(self.request, STEP_TEMPLATE, context | extra, status=status)

    def _ended(self) -> HttpResponse | None:
        """Return the page of an early end, if an answer leads to one."""
        for ending in endings_of(self.question_set, self.facts, self.answers):
            return TemplateResponse(self.request, ENDED_TEMPLATE, {"ending": ending, "tryout": True})
        return None

    def _step_form(self, index: int, data: Any) -> StepForm:
        known = {**self.facts, **counted_answers(self.question_set, self.facts, self.answers)}
        steps = self.question_set.steps
        return StepForm(
            data,
            step=steps[index],
            known=known,
            initial_answers=self.answers,
            is_warned=has_free_text(steps[:index], known),
        )

    def _after(self, index: int) -> str:
        following = [one for one in steps_to_show(self.question_set, self.facts, self.answers) if one > index]
        return str(following[0]) if following else CHECK

    def _before(self, index: int) -> str:
        earlier = [one for one in steps_to_show(self.question_set, self.facts, self.answers) if one < index]
        return str(earlier[-1]) if earlier else FACTS

    def _index_of(self, key: str) -> int:
        return next(index for index, step in enumerate(self.question_set.steps) if step.key == key)


def _carried(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the facts and answers carried in the page; empty ones if they were not signed by this site."""
    try:
        facts, answers = signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        return {}, {}
    return facts, answers
