"""The admin page of the return plan: forecast, start, progress, stop."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from home.pause.models import PauseNotice
from home.pause.rules import PauseState, announced_pause, calendar_day, pause_state
from intake.choices import MailPurpose, MailState, Outcome, PlanState, Status, StepKind
from intake.enquiry.models import Enquiry, EnquiryStep, may_act
from intake.enquiry.services import ChangedMeanwhile
from intake.mail.models import OutgoingMail
from intake.waiting.forms import ReturnPlanForm, StopForm
from intake.waiting.mails import plan_key, return_notice_preview
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.reading import read_list
from intake.waiting.return_plan import (
    NobodyToNotify,
    PlanAlreadyRunning,
    TakesNoNewClients,
    next_mailboxes,
    resume_plan,
    start_plan,
    stop_plan,
)
from intake.waiting.rules import Schedule, by_mailbox, first_notice_day, remaining_today, schedule

PAGE = "return_plan"
_ENDED_PLANS_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class MailboxToNotify:
    """One mailbox to notify: the place that gets the mail, and the other places of the mailbox."""

    place: WaitingPlace
    others: tuple[WaitingPlace, ...]


@dataclass(frozen=True, kw_only=True)
class PlanForecast:
    """What a plan will do if nothing changes.

    `by_hand`: places that the supervisor contacts herself. `pause_begins_on`: the first day of an announced pause.
    `shown_digest`: a digest of all that the page shows of the forecast: who is notified when, and the text.
    """

    schedule: Schedule[MailboxToNotify]
    by_hand: tuple[WaitingPlace, ...]
    pause_begins_on: date | None
    subject: str
    text: str
    html: str
    shown_digest: str

    @property
    def total(self) -> int:
        """The number of mailboxes to notify."""
        return sum(len(day.notified) for day in self.schedule.days) + len(self.schedule.held)


def forecast(plan: ReturnPlan, *, now: datetime) -> PlanForecast:
    """Return what the plan, which may be unsaved, will do from `now` on. Changes nothing."""
    waiters = read_list()
    places = {waiter.place.pk: waiter.place for waiter in waiters}
    queue = []
    for mailbox in next_mailboxes(plan):
        still = [places[waiter.place_id] for waiter in mailbox if waiter.place_id in places]
        if still:
            queue.append(MailboxToNotify(place=still[0], others=tuple(still[1:])))
    pause_begins_on = announced_pause(PauseNotice.load().settings, now)
    first_day = first_notice_day(now)
    planned = schedule(
        queue,
        per_day=plan.per_day,
        first_day_limit=remaining_today(
            per_day=plan.per_day,
            notified_on=plan.notified_on,
            notified_that_day=plan.notified_that_day,
            today=first_day,
        ),
        first_day=first_day,
        pause_begins_on=pause_begins_on,
    )
    notice = return_notice_preview(plan, now=now)
    return PlanForecast(
        schedule=planned,
        by_hand=tuple(waiter.place for waiter in waiters if waiter.is_contacted_by_hand),
        pause_begins_on=pause_begins_on,
        subject=notice.subject,
        text=notice.text,
        html=notice.html,
        shown_digest=_digest(planned, plan, notice.text),
    )


def _digest(planned: Schedule[MailboxToNotify], plan: ReturnPlan, text: str) -> str:
    """Return a digest of all that the page shows of the forecast."""
    days = [[day.on.isoformat(), [one.place.enquiry_id for one in day.notified]] for day in planned.days]
    held = [one.place.enquiry_id for one in planned.held]
    return hashlib.sha256(json.dumps([days, held, plan.per_day, plan.answer_days, text]).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Counts of the mailboxes that the plan has notified; `notified` is their total.

    `yes` and `no`: answered. `silent`: closed without an answer. `unanswered`: may still answer. `handled`: taken over
    by the supervisor. `removed`: no longer exist. `unsent`: enquiries whose notice is late. `on_the_way`: the number of
    notices that are being sent.
    """

    plan: ReturnPlan
    yes: int
    no: int
    silent: int
    unanswered: int
    handled: int
    removed: int
    on_the_way: int
    unsent: tuple[Enquiry, ...]

    @property
    def notified(self) -> int:
        return self.plan.notified


def progress(plan: ReturnPlan) -> Progress:
    """Return the results of the plan so far."""
    answers = EnquiryStep.objects.filter(
        kind__in=(StepKind.ANSWERED_YES, StepKind.ANSWERED_NO), changed_at__gte=plan.created_at
    )
    places = (
        WaitingPlace.objects.filter(plan=plan)
        .select_related("enquiry")
        .prefetch_related(Prefetch("enquiry__steps", answers, to_attr="answers"))
        .order_by("rank")
    )
    results = [_result_of(of_mailbox) for of_mailbox in by_mailbox(places).values()]
    notices = OutgoingMail.objects.filter(
        purpose=MailPurpose.RETURN_NOTICE, deduplication_key=plan_key(plan.pk)
    ).select_related("enquiry")
    unsent = [mail for mail in notices if mail.is_late]
    under_way = [mail for mail in notices if mail.state in (MailState.QUEUED, MailState.SENDING)]
    return Progress(
        plan=plan,
        yes=results.count("yes"),
        no=results.count("no"),
        silent=results.count("silent"),
        unanswered=results.count("unanswered"),
        handled=results.count("handled"),
        removed=max(0, plan.notified - len(results)),
        on_the_way=len([mail for mail in under_way if not mail.is_late]),
        unsent=tuple(mail.enquiry for mail in unsent if mail.enquiry),
    )


def _result_of(places: list[WaitingPlace]) -> str:
    """Return the result for one mailbox: its latest answer to the notice, else the state of its enquiries."""
    answers = [
        step
        for place in places
        for step in place.enquiry.answers  # type: ignore[attr-defined]
        # If a person was put back on the list and notified again, answers to the earlier notice do not count.
        if place.notified_at is None or step.changed_at >= place.notified_at
    ]
    if answers:
        latest = max(answers, key=attrgetter("changed_at", "pk"))
        return "yes" if latest.kind == StepKind.ANSWERED_YES else "no"
    if any(place.enquiry.status == Status.WAITING_LIST for place in places):
        return "unanswered"
    if all(place.enquiry.outcome == Outcome.NO_RESPONSE for place in places):
        return "silent"
    return "handled"


def show_or_start(request: HttpRequest) -> HttpResponse:
    """Show the forecast or progress. A post shows the forecast with new settings, or starts or resumes the plan."""
    if request.method in ("GET", "HEAD"):
        return _page(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not may_act(request.user):
        raise PermissionDenied
    running = _running()
    action = request.POST.get("action")
    if running is not None and (running.held_at is None or action == "start"):
        messages.error(request, _("The return is being told already. Nothing was changed."))
        return _page(request, status=409)
    form = ReturnPlanForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The plan was not saved. Check the fields below."))
        return _page(request, form=form, status=422)
    if action == "start":
        return _start(request, form)
    if action == "continue":
        return _continue(request, form, running)
    return _page(request, form=form)


def stop(request: HttpRequest) -> HttpResponse:
    """Stop the plan at once and withdraw unsent notices."""
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
    if form.cleaned_data["shown_digest"] != forecast(ReturnPlan(created_at=now, **values), now=now).shown_digest:
        messages.warning(request, _("Nothing has been sent. See below who will be told and when, and start then."))
        return _page(request, form=form, status=409)
    try:
        start_plan(**values, by=request.user, now=now)  # type: ignore[arg-type]
    except TakesNoNewClients:
        messages.error(request, _cannot_notify(now))
        return _page(request, form=form, status=409)
    except NobodyToNotify:
        messages.error(request, _("There is nobody on the list whom the site could tell."))
        return _page(request, form=form, status=409)
    except PlanAlreadyRunning:
        messages.error(request, _("The return is being told already. Nothing was changed."))
        return _page(request, status=409)
    messages.success(request, _("The return is now being told. You can stop it on this page at any time."))
    return redirect(PAGE)


def _continue(request: HttpRequest, form: ReturnPlanForm, held: ReturnPlan | None) -> HttpResponse:
    """Resume a plan on hold if its forecast is still the one that the page showed."""
    now = timezone.now()
    values = {name: form.cleaned_data[name] for name in form.Meta.fields}
    as_shown = StopForm(request.POST)
    if held is None or not as_shown.is_valid():
        messages.error(request, _changed())
        return redirect(PAGE)
    if form.cleaned_data["shown_digest"] != forecast(_with(held, values), now=now).shown_digest:
        messages.warning(request, _("Nothing has been sent. See below who will be told and when, and continue then."))
        return _page(request, form=form, status=409)
    try:
        resume_plan(plan_id=as_shown.cleaned_data["plan"], version=as_shown.cleaned_data["version"], **values, now=now)
    except TakesNoNewClients:
        messages.error(request, _cannot_notify(now))
        return _page(request, form=form, status=409)
    except ChangedMeanwhile:
        messages.error(request, _changed())
        return redirect(PAGE)
    messages.success(request, _("Telling goes on. You can stop it on this page at any time."))
    return redirect(PAGE)


def _with(plan: ReturnPlan, values: dict[str, Any]) -> ReturnPlan:
    """Set these values on the plan, without saving, and return it."""
    for name, value in values.items():
        setattr(plan, name, value)
    return plan


def _cannot_notify(now: datetime) -> str:
    if pause_state(PauseNotice.load().settings, now) is PauseState.FULL:
        return _("Aijuu is full, so those who wait can't be told yet.")
    return _("Aijuu is on a pause, so those who wait can't be told yet.")


def _changed() -> str:
    return _("The plan was changed or has ended since you opened the page. Check how it stands.")


def _page(request: HttpRequest, *, form: ReturnPlanForm | None = None, status: int = 200) -> HttpResponse:
    now = timezone.now()
    state = pause_state(PauseNotice.load().settings, now)
    running = _running()
    ended = ReturnPlan.objects.exclude(state=PlanState.RUNNING)[:_ENDED_PLANS_SHOWN]
    context: dict[str, Any] = {
        "ended": [progress(plan) for plan in ended],
        "takes_new_clients": state.takes_new_clients,
        "is_full": state is PauseState.FULL,
        "cannot_tell": _cannot_notify(now),
        "user_can_act": may_act(request.user),
        "user_can_change_pause": request.user.has_perm("home.change_pausenotice"),  # type: ignore[union-attr]
    }
    if running is not None:
        context["progress"] = progress(running)
        context["is_held"] = running.held_at is not None
    if running is not None and running.held_at is not None:
        context["stop_form"] = StopForm(initial={"plan": running.pk, "version": running.version})
        context["form"], context["forecast"] = _planned(form, running, now)
    elif running is not None:
        context["forecast"] = shown = forecast(running, now=now)
        context["total"] = running.notified + shown.total
        context["notified_today"] = running.notified_that_day if running.notified_on == calendar_day(now) else 0
        context["stop_form"] = StopForm(initial={"plan": running.pk, "version": running.version})
    else:
        context["form"], context["forecast"] = _planned(form, None, now)
    return TemplateResponse(request, "intake/waiting/admin/plan.html", context, status=status)


def _planned(
    form: ReturnPlanForm | None, held: ReturnPlan | None, now: datetime
) -> tuple[ReturnPlanForm, PlanForecast | None]:
    """Return the form and its forecast, None for an invalid form. Without `form`, use the values of the latest plan.

    `held`: the plan on hold that would be resumed.
    """
    if form is not None and not form.is_valid():
        return form, None
    if form is not None:
        values = {name: form.cleaned_data[name] for name in form.Meta.fields}
    else:
        latest = ReturnPlan.objects.first() or ReturnPlan()
        values = {name: getattr(latest, name) for name in ReturnPlanForm.Meta.fields}
    shown = forecast(_with(held or ReturnPlan(created_at=now), values), now=now)
    return ReturnPlanForm(initial={**values, "shown_digest": shown.shown_digest}), shown


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
