"""The return plan: started, telling so many a day in order, ended or stopped."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.dispatch import receiver
from django.utils import timezone

from home.pause.models import PauseNotice
from intake.choices import MailPurpose, MailState, PlanState, StepKind
from intake.enquiry.mails import to_sender
from intake.enquiry.models import Enquiry
from intake.enquiry.removal import before_removal
from intake.enquiry.services import ChangedMeanwhile
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mail.queue import Handling, register
from intake.waiting.mails import LIST_PURPOSES, plan_key, queue_return_notice
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import is_paused, lock_places, record_steps, tellable_places
from intake.waiting.rules import Waiter, calling_order, is_mail_hour, is_told_today, pause_came_since, room_today


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
        _take_back_questions(now)
        if not next_mailboxes(plan):
            raise NobodyWaits
        plan.save()
    return plan


def resume_plan(
    *, plan_id: int, version: int, per_day: int, first_form: str, greeting: str, answer_days: int, now: datetime
) -> None:
    """Go on with a plan that a pause has held, with the words and numbers that the supervisor has seen now.

    Raises ChangedMeanwhile for an old `version` and where the plan does not wait for her word, StillPaused, and
    ValidationError for a number or form that is none.
    """
    with transaction.atomic():
        lock_receiving()
        plan = ReturnPlan.objects.select_for_update().filter(pk=plan_id, state=PlanState.RUNNING).first()
        if plan is None or plan.version != version or plan.held_at is None:
            raise ChangedMeanwhile
        if is_paused(now):
            raise StillPaused
        plan.per_day, plan.first_form, plan.greeting, plan.answer_days = per_day, first_form, greeting, answer_days
        plan.held_at, plan.resumed_at = None, now
        plan.version += 1
        plan.full_clean()
        _take_back_questions(now)
        plan.save()


def stop_plan(*, plan_id: int, version: int, by: User | None, now: datetime) -> int:
    """Stop telling at once, and take back every notice that has not gone out. Returns how many.

    One that is going out just now is looked at once more before each attempt (intake.waiting.return_plan).
    Raises ChangedMeanwhile for an old `version`, and where the plan has ended already.
    """
    with transaction.atomic():
        lock_receiving()
        plan = ReturnPlan.objects.select_for_update().filter(pk=plan_id, state=PlanState.RUNNING).first()
        if plan is None or plan.version != version:
            raise ChangedMeanwhile
        plan.state, plan.ended_at, plan.held_at = PlanState.STOPPED, now, None
        plan.version += 1
        plan.save(update_fields=["state", "ended_at", "held_at", "version"])
        return _take_back_notices(plan, by=by, now=now)


def _hold(plan: ReturnPlan, now: datetime) -> None:
    """Let the plan wait for the supervisor's word: what it says was written before the pause."""
    plan.held_at = now
    plan.version += 1
    plan.save(update_fields=["held_at", "version"])
    _take_back_notices(plan, by=None, now=now)


def _take_back_notices(plan: ReturnPlan, *, by: User | None, now: datetime) -> int:
    unsent = _lock_unsent(MailPurpose.RETURN_NOTICE).filter(deduplication_key=plan_key(plan.pk))
    withdrawn = list(unsent)
    for mail in withdrawn:
        withdraw_notice(mail, now, by=by)
    return len(withdrawn)


def _take_back_questions(now: datetime) -> None:
    """Take back the questions and last notes that have not gone out: whoever is told of the return is not asked."""
    for mail in _lock_unsent(MailPurpose.STILL_WAITING, MailPurpose.LAST_NOTE):
        take_back_question(mail, now)


def _lock_unsent(*purposes: MailPurpose) -> QuerySet[OutgoingMail]:
    """Return the mails that have not gone out and are not going out just now, locked in the order of all locks."""
    unsent = OutgoingMail.objects.filter(purpose__in=purposes, state__in=(MailState.QUEUED, MailState.FAILED))
    list(Enquiry.objects.select_for_update(of=("self",)).filter(mails__in=unsent.values("pk")).order_by("pk"))
    return unsent.select_for_update()


def withdraw_notice(mail: OutgoingMail, now: datetime, *, by: User | None = None) -> None:
    """Take back a notice that has not gone out, in the caller's transaction: its mailbox has not been told."""
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id).select_related("plan").first()
    mail.delete()
    if own is None or own.plan is None or mail.deduplication_key != plan_key(own.plan.pk):
        # Another plan has told the mailbox since.
        return
    places = WaitingPlace.objects.filter(plan=own.plan, mailbox_key=own.mailbox_key)
    record_steps([place.enquiry_id for place in places], StepKind.CALL_WITHDRAWN, by=by, now=now)
    told_on = own.called_at and timezone.localdate(own.called_at)
    places.update(plan=None, called_at=None, reminded_at=None)
    ReturnPlan.objects.filter(pk=own.plan.pk, told__gt=0).update(told=F("told") - 1)
    same_day = ReturnPlan.objects.filter(pk=own.plan.pk, told_on=told_on, told_that_day__gt=0)
    same_day.update(told_that_day=F("told_that_day") - 1)


def take_back_question(mail: OutgoingMail, _now: datetime) -> None:
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


@receiver(before_removal)
def keep_mails_of_mailbox(*, enquiry: Enquiry, now: datetime, **_signal: object) -> None:
    """Before an enquiry is removed: hang its mails to the list from another place of the mailbox they were for.

    The mails are the record of what the mailbox was told and asked. A notice that nobody has got, and that tells no
    other place, is taken back. In the caller's transaction, which holds lock_receiving().
    """
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None:
        return
    others = WaitingPlace.objects.filter(mailbox_key=place.mailbox_key).exclude(pk=place.pk).order_by("rank")
    list(Enquiry.objects.select_for_update(of=("self",)).filter(waiting__in=others).order_by("pk").values_list("pk"))
    mails = OutgoingMail.objects.filter(enquiry=enquiry, purpose__in=LIST_PURPOSES)
    for mail in mails.defer("subject", "text", "html"):
        is_unsent_notice = mail.purpose == MailPurpose.RETURN_NOTICE and mail.state != MailState.SENT
        told_alike = others.exclude(called_at=None).filter(plan=place.plan)
        heir = (told_alike if is_unsent_notice else others).first()
        same = OutgoingMail.objects.filter(purpose=mail.purpose, deduplication_key=mail.deduplication_key)
        if heir is not None and not same.filter(enquiry=heir.enquiry_id).exists():
            mail.enquiry_id = heir.enquiry_id
            mail.save(update_fields=["enquiry"])
        elif heir is None and is_unsent_notice:
            withdraw_notice(mail, now)


def list_is_told(now: datetime) -> bool:
    """Whether a plan tells the list of the return now. One that a pause has held must not keep people's details."""
    return ReturnPlan.objects.filter(state=PlanState.RUNNING, held_at=None).exists() and not is_paused(now)


def next_mailboxes(plan: ReturnPlan) -> list[list[Waiter]]:
    """Return who is still to be told by the plan, in order (intake.waiting.rules.calling_order).

    Whoever an earlier plan could not reach has not been told.
    """
    notices = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE)
    own = notices.filter(deduplication_key=plan_key(plan.pk)) if plan.pk else notices.none()
    told = set(own.values_list("enquiry__waiting__mailbox_key", flat=True))
    failed = set(
        notices.filter(state=MailState.FAILED).values_list("enquiry__waiting__mailbox_key", "deduplication_key")
    )
    rows = tellable_places().filter(parting_at=None)
    waiters = [
        Waiter(place_id=pk, mailbox=key, rank=rank, form=form)
        for pk, key, rank, form, called_at, plan_id in rows.values_list(
            "pk", "mailbox_key", "rank", "enquiry__supervision_form", "called_at", "plan_id"
        )
        if called_at is None or (key, plan_key(plan_id or 0)) in failed
    ]
    return calling_order(waiters, first_form=plan.first_form, told=told)


def call_due(*, now: datetime) -> int:
    """Queue the notices that the running plan has room for now. Returns how many.

    The plan ends when everybody has been told. Nothing happens by night. When a pause comes, the plan is held until the
    supervisor has looked at it again (resume_plan).
    """
    telling = ReturnPlan.objects.filter(state=PlanState.RUNNING, held_at=None)
    if not telling.exists():
        return 0
    with transaction.atomic():
        lock_receiving()
        plan = telling.select_for_update().first()
        if plan is None:
            return 0
        if pause_came_since(PauseNotice.load().settings, since=plan.confirmed_at, now=now):
            _hold(plan, now)
            return 0
        if not is_mail_hour(now):
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
        _forget_failed(mailbox[0].mailbox, now)
        queue_return_notice(plan=plan, place=still[0], now=now)
        WaitingPlace.objects.filter(pk__in=[place.pk for place in still]).update(
            plan=plan, called_at=now, reminded_at=None
        )
        record_steps([place.enquiry_id for place in still], StepKind.CALLED, now=now)
        called += 1
    return called


def _forget_failed(mailbox: str, now: datetime) -> None:
    """Take back what earlier plans could not deliver to this mailbox: it is told anew."""
    purposes = (MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER)
    failed = OutgoingMail.objects.filter(purpose__in=purposes, state=MailState.FAILED)
    for mail in failed.filter(enquiry__waiting__mailbox_key=mailbox):
        if mail.purpose == MailPurpose.RETURN_NOTICE:
            withdraw_notice(mail, now)
        else:
            take_back_question(mail, now)


def _mailbox_places(mail: OutgoingMail) -> list[WaitingPlace]:
    """Return the places of the mail's mailbox that are on the list and get mail."""
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id)
    return list(tellable_places().filter(mailbox_key__in=own.values("mailbox_key")))


def _told_by(mail: OutgoingMail) -> ReturnPlan | None:
    """Return the plan that this mail is about, where it is the one that has told the mailbox."""
    for place in _mailbox_places(mail):
        if place.called_at is not None and place.plan is not None and mail.deduplication_key == plan_key(place.plan.pk):
            return place.plan
    return None


def _is_notice_valid(mail: OutgoingMail, now: datetime) -> bool:
    """A plan that was stopped tells nobody, and none goes on with its old words after a pause."""
    plan = _told_by(mail)
    if plan is None or plan.state == PlanState.STOPPED or plan.held_at is not None:
        return False
    return not pause_came_since(PauseNotice.load().settings, since=plan.confirmed_at, now=now)


def _is_reminder_valid(mail: OutgoingMail, now: datetime) -> bool:
    """A stopped plan has asked as well. After a pause the days to answer begin again."""
    settings = PauseNotice.load().settings
    return _told_by(mail) is not None and not pause_came_since(settings, since=mail.created_at, now=now)


def _is_question_valid(mail: OutgoingMail, now: datetime) -> bool:
    """Who has joined or answered since is not asked, and nobody while the list is being told."""
    places = _mailbox_places(mail)
    return (
        bool(places)
        and all(place.called_at is None and place.confirmed_at < mail.created_at for place in places)
        and not list_is_told(now)
    )


register(
    MailPurpose.RETURN_NOTICE,
    handling=Handling(addresses=to_sender, is_still_valid=_is_notice_valid, withdraw=withdraw_notice),
)
register(
    MailPurpose.RETURN_REMINDER,
    handling=Handling(addresses=to_sender, is_still_valid=_is_reminder_valid, withdraw=take_back_question),
)
register(
    MailPurpose.STILL_WAITING,
    MailPurpose.LAST_NOTE,
    handling=Handling(addresses=to_sender, is_still_valid=_is_question_valid, withdraw=take_back_question),
)
