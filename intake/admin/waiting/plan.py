"""The page of the return: planning how the waiting list is told, starting, following and stopping it."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from home.models import PauseNotice
from home.pause import calendar_day
from intake.admin.guard import may_act
from intake.admin.waiting.planning import Outlook, outlook
from intake.admin.waiting.progress import progress
from intake.choices import PlanState
from intake.forms.return_plan import ReturnPlanForm, StopForm
from intake.models.waiting import ReturnPlan
from intake.services.returning import NobodyWaits, PlanRunning, StillPaused, resume_plan, start_plan, stop_plan
from intake.services.review import ChangedMeanwhile

PAGE = "return_plan"
# How many ended plans the page tells of.
_REMEMBERED = 10


def show_or_start(request: HttpRequest) -> HttpResponse:
    """Show what would happen, or what does; a post shows the plan with other settings, or starts it."""
    if request.method in ("GET", "HEAD"):
        return _page(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not may_act(request.user):
        raise PermissionDenied
    running = _running()
    deed = request.POST.get("deed")
    if running is not None and (running.held_at is None or deed == "start"):
        messages.error(request, _("The return is being told already. Nothing was changed."))
        return _page(request, status=409)
    form = ReturnPlanForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The plan was not saved. Check the fields below."))
        return _page(request, form=form, status=422)
    if deed == "start":
        return _start(request, form)
    if deed == "continue":
        return _continue(request, form, running)
    return _page(request, form=form)


def stop(request: HttpRequest) -> HttpResponse:
    """Stop the plan at once; what has not gone out is taken back."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = StopForm(request.POST)
    try:
        if not form.is_valid():
            raise ChangedMeanwhile
        withdrawn = stop_plan(
            plan_id=form.cleaned_data["plan"],
            version=form.cleaned_data["version"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        messages.error(request, _changed())
        return redirect(PAGE)
    messages.success(request, _stopped(withdrawn))
    return redirect(PAGE)


def _start(request: HttpRequest, form: ReturnPlanForm) -> HttpResponse:
    now = timezone.now()
    values = {name: form.cleaned_data[name] for name in form.Meta.fields}
    if form.cleaned_data["seen"] != outlook(ReturnPlan(created_at=now, **values), now=now).seen:
        messages.warning(request, _("Nothing has been sent. See below who will be told and when, and start then."))
        return _page(request, form=form, status=409)
    try:
        start_plan(**values, by=request.user, now=now)  # type: ignore[arg-type]
    except StillPaused:
        messages.error(request, _("Aijuu is on a pause, so the return can't be told yet."))
        return _page(request, form=form, status=409)
    except NobodyWaits:
        messages.error(request, _("There is nobody on the list whom the site could tell."))
        return _page(request, form=form, status=409)
    except PlanRunning:
        messages.error(request, _("The return is being told already. Nothing was changed."))
        return _page(request, status=409)
    messages.success(request, _("The return is now being told. You can stop it on this page at any time."))
    return redirect(PAGE)


def _continue(request: HttpRequest, form: ReturnPlanForm, held: ReturnPlan | None) -> HttpResponse:
    """Let a plan that a pause has held go on, as the page has shown it."""
    now = timezone.now()
    values = {name: form.cleaned_data[name] for name in form.Meta.fields}
    as_shown = StopForm(request.POST)
    if held is None or not as_shown.is_valid():
        messages.error(request, _changed())
        return redirect(PAGE)
    if form.cleaned_data["seen"] != outlook(_with(held, values), now=now).seen:
        messages.warning(request, _("Nothing has been sent. See below who will be told and when, and continue then."))
        return _page(request, form=form, status=409)
    try:
        resume_plan(plan_id=as_shown.cleaned_data["plan"], version=as_shown.cleaned_data["version"], **values, now=now)
    except StillPaused:
        messages.error(request, _("Aijuu is on a pause, so the return can't be told yet."))
        return _page(request, form=form, status=409)
    except ChangedMeanwhile:
        messages.error(request, _changed())
        return redirect(PAGE)
    messages.success(request, _("Telling goes on. You can stop it on this page at any time."))
    return redirect(PAGE)


def _with(plan: ReturnPlan, values: dict[str, Any]) -> ReturnPlan:
    """Return the plan with these values, unsaved."""
    for name, value in values.items():
        setattr(plan, name, value)
    return plan


def _changed() -> str:
    return _("The plan was changed or has ended since you opened the page. Check how it stands.")


def _page(request: HttpRequest, *, form: ReturnPlanForm | None = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    running = _running()
    ended = ReturnPlan.objects.exclude(state=PlanState.RUNNING)[:_REMEMBERED]
    context: dict[str, Any] = {
        "ended": [progress(plan) for plan in ended],
        "is_paused": PauseNotice.load().status(now=now).is_paused,
        "user_can_act": may_act(request.user),
        "user_can_change_pause": request.user.has_perm("home.change_pausenotice"),  # type: ignore[union-attr]
    }
    if running is not None:
        context["progress"] = progress(running)
        context["is_held"] = running.held_at is not None
    if running is not None and running.held_at is not None:
        context["stop_form"] = StopForm(initial={"plan": running.pk, "version": running.version})
        context["form"], context["outlook"] = _planned(form, running, now)
    elif running is not None:
        context["outlook"] = shown = outlook(running, now=now)
        context["total"] = running.told + shown.total
        context["told_today"] = running.told_that_day if running.told_on == calendar_day(now) else 0
        context["stop_form"] = StopForm(initial={"plan": running.pk, "version": running.version})
    else:
        context["form"], context["outlook"] = _planned(form, None, now)
    return TemplateResponse(request, "intake/admin/waiting/plan.html", context, status=status)


def _planned(
    form: ReturnPlanForm | None, held: ReturnPlan | None, now: datetime
) -> tuple[ReturnPlanForm, Outlook | None]:
    """Return the form and what it would do: as it was sent, else as the latest plan was; a faulty one does nothing.

    `held` is the plan that would go on.
    """
    if form is not None and not form.is_valid():
        return form, None
    if form is not None:
        values = {name: form.cleaned_data[name] for name in form.Meta.fields}
    else:
        latest = ReturnPlan.objects.first() or ReturnPlan()
        values = {name: getattr(latest, name) for name in ReturnPlanForm.Meta.fields}
    shown = outlook(_with(held or ReturnPlan(created_at=now), values), now=now)
    return ReturnPlanForm(initial={**values, "seen": shown.seen}), shown


def _running() -> ReturnPlan | None:
    return ReturnPlan.objects.filter(state=PlanState.RUNNING).first()


def _stopped(withdrawn: int) -> str:
    if not withdrawn:
        return _("Telling was stopped. No notice was on its way.")
    return ngettext(
        "Telling was stopped. %(count)d notice that had not gone out was taken back.",
        "Telling was stopped. %(count)d notices that had not gone out were taken back.",
        withdrawn,
    ) % {"count": withdrawn}
