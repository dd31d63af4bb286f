"""Telling the waiting list of the return: a plan begins, calls so many a day in order, and ends or is stopped."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from intake.choices import MailPurpose, MailState, PlanState, StepKind
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.list_places import is_paused, lock_places, record_steps, tellable_places
from intake.services.locks import lock_receiving
from intake.services.return_mails import plan_occasion, queue_return_notice
from intake.services.review import ChangedMeanwhile
from intake.waiting.rules import Waiter, calling_order, is_mail_hour, is_told_today, room_today

_UNHANDED = (MailState.QUEUED, MailState.SENDING)


class PlanRunning(Exception):
    """Another plan is under way; one runs at a time."""


class StillPaused(Exception):
    """Aijuu is on a pause: nobody can be told that it is over."""


class NobodyWaits(Exception):
    """Nobody on the list has asked for mail and has not been told yet."""


def start_plan(
    *, per_day: int, first_form: str, greeting: str, answer_days: int, by: User | None, now: datetime
) -> ReturnPlan:
    """Begin to tell the list; the worker does the telling. What was about to be asked of the list is taken back.

    Raises PlanRunning, StillPaused, NobodyWaits, and ValidationError for a number or form that is none.
    """
    with transaction.atomic():
        lock_receiving()
        if ReturnPlan.objects.filter(state=PlanState.RUNNING).exists():
            raise PlanRunning
        if is_paused(now):
            raise StillPaused
        plan = ReturnPlan(
            created_at=now,
            created_by=by,
            per_day=per_day,
            first_form=first_form,
            greeting=greeting,
            answer_days=answer_days,
        )
        plan.full_clean()
        _take_back_questions()
        if not next_mailboxes(plan):
            raise NobodyWaits
        plan.save()
    return plan


def stop_plan(*, plan_id: int, version: int, by: User | None, now: datetime) -> int:
    """Stop telling at once, and take back every notice that no mail server has been given yet. Returns how many.

    Raises ChangedMeanwhile for an old `version`, and where the plan has ended already.
    """
    with transaction.atomic():
        lock_receiving()
        plan = ReturnPlan.objects.select_for_update().filter(pk=plan_id, state=PlanState.RUNNING).first()
        if plan is None or plan.version != version:
            raise ChangedMeanwhile
        ReturnPlan.objects.filter(pk=plan.pk).update(state=PlanState.STOPPED, ended_at=now, version=F("version") + 1)
        notices = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE, occasion=plan_occasion(plan.pk))
        unhanded = notices.filter(state__in=_UNHANDED, handed_at=None)
        # In the order of all locks; a notice that a worker hands over meanwhile is not ours to take back any more.
        list(Enquiry.objects.select_for_update(of=("self",)).filter(mails__in=unhanded.values("pk")).order_by("pk"))
        withdrawn = list(unhanded.select_for_update())
        for mail in withdrawn:
            withdraw_notice(mail=mail, by=by, now=now)
    return len(withdrawn)


def withdraw_notice(*, mail: OutgoingMail, by: User | None, now: datetime) -> None:
    """Take back a notice that has not gone out, in the caller's transaction: its mailbox has not been told."""
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id).select_related("plan").first()
    mail.delete()
    if own is None or own.plan is None or mail.occasion != plan_occasion(own.plan.pk):
        # Another plan has told the mailbox since.
        return
    places = WaitingPlace.objects.filter(plan=own.plan, mailbox_key=own.mailbox_key)
    record_steps([place.enquiry_id for place in places], StepKind.CALL_WITHDRAWN, by=by, now=now)
    told_on = own.called_at and timezone.localdate(own.called_at)
    places.update(plan=None, called_at=None, reminded_at=None)
    ReturnPlan.objects.filter(pk=own.plan.pk, told__gt=0).update(told=F("told") - 1)
    same_day = ReturnPlan.objects.filter(pk=own.plan.pk, told_on=told_on, told_that_day__gt=0)
    same_day.update(told_that_day=F("told_that_day") - 1)


def _take_back_questions() -> None:
    """Take back the questions and last notes that have not gone out: whoever is told of the return is not asked."""
    asking = OutgoingMail.objects.filter(purpose__in=(MailPurpose.STILL_WAITING, MailPurpose.LAST_NOTE))
    unhanded = asking.filter(state__in=_UNHANDED, handed_at=None)
    list(Enquiry.objects.select_for_update(of=("self",)).filter(mails__in=unhanded.values("pk")).order_by("pk"))
    for mail in unhanded.select_for_update():
        take_back_question(mail)


def take_back_question(mail: OutgoingMail) -> None:
    """Take back a reminder, question or last note that has not gone out, in the caller's transaction."""
    place = WaitingPlace.objects.filter(enquiry=mail.enquiry_id).first()
    mail.delete()
    if place is None:
        return
    of_mailbox = WaitingPlace.objects.filter(mailbox_key=place.mailbox_key)
    if mail.purpose == MailPurpose.LAST_NOTE:
        of_mailbox.update(parting_at=None)
    elif mail.purpose == MailPurpose.RETURN_REMINDER:
        of_mailbox.update(reminded_at=None)


def next_mailboxes(plan: ReturnPlan) -> list[list[Waiter]]:
    """Return who is still to be told by the plan, in order (intake.waiting.rules.calling_order)."""
    waiting = tellable_places().filter(called_at=None, parting_at=None)
    rows = waiting.values_list("pk", "mailbox_key", "rank", "enquiry__supervision_form")
    waiters = [Waiter(place_id=pk, mailbox=key, rank=rank, form=form) for pk, key, rank, form in rows]
    told = WaitingPlace.objects.filter(plan=plan.pk).values_list("mailbox_key", flat=True) if plan.pk else []
    return calling_order(waiters, first_form=plan.first_form, told=set(told))


def call_due(*, now: datetime) -> int:
    """Queue the notices that the running plan has room for now. Returns how many.

    The plan ends when everybody has been told. Nothing happens by night, and during a pause.
    """
    if not is_mail_hour(now) or not ReturnPlan.objects.filter(state=PlanState.RUNNING).exists():
        return 0
    with transaction.atomic():
        lock_receiving()
        plan = ReturnPlan.objects.select_for_update().filter(state=PlanState.RUNNING).first()
        if plan is None or is_paused(now):
            return 0
        today = timezone.localdate(now)
        room = room_today(per_day=plan.per_day, told_on=plan.told_on, told_that_day=plan.told_that_day, today=today)
        called = _call(plan, next_mailboxes(plan)[:room], now)
        if called:
            same_day = is_told_today(plan.told_on, today)
            plan.told_that_day = plan.told_that_day + called if same_day else called
            plan.told_on = plan.told_on if same_day else today
            plan.told += called
        if not next_mailboxes(plan):
            plan.state, plan.ended_at = PlanState.FINISHED, now
            plan.version += 1
        plan.save()
    return called


def _call(plan: ReturnPlan, mailboxes: list[list[Waiter]], now: datetime) -> int:
    """Queue one notice to each mailbox, in order."""
    places = lock_places(waiter.place_id for mailbox in mailboxes for waiter in mailbox)
    called = 0
    for mailbox in mailboxes:
        still = [places[waiter.place_id] for waiter in mailbox if waiter.place_id in places]
        if not still:
            # The supervisor took them from the list just now.
            continue
        queue_return_notice(plan=plan, place=still[0], now=now)
        WaitingPlace.objects.filter(pk__in=[place.pk for place in still]).update(
            plan=plan, called_at=now, reminded_at=None
        )
        record_steps([place.enquiry_id for place in still], StepKind.CALLED, now=now)
        called += 1
    return called
