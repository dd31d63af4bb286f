"""The return plan: starting, resuming and stopping it, its daily notices, and the validity of the list's mails."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
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
from intake.mail.queue import Addresses, Handling, handling_of, register
from intake.waiting.mails import LIST_PURPOSES, plan_key, queue_return_notice
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import (
    Mailbox,
    count_out_notice,
    lock_places,
    mailable_places,
    record_steps,
    takes_new_clients,
)
from intake.waiting.rules import Waiter, counts_for_today, is_mail_hour, notice_order, remaining_today, was_closed_since

_UNSENT = (MailState.QUEUED, MailState.FAILED)


class PlanAlreadyRunning(Exception):
    """Another plan is running; only one may run at a time."""


class TakesNoNewClients(Exception):
    """There is a pause, or Aijuu is full, so nobody can be notified of the return."""


class NobodyToNotify(Exception):
    """Everybody on the list who asked for mail has been notified."""


def start_plan(
    *, per_day: int, first_form: str, greeting: str, answer_days: int, by: AbstractBaseUser | None, now: datetime
) -> ReturnPlan:
    """Start a plan; the worker sends the notices. Unsent questions to the list are withdrawn.

    Raises PlanAlreadyRunning, TakesNoNewClients, NobodyToNotify, and ValidationError for invalid values.
    """
    with transaction.atomic():
        lock_receiving()
        if ReturnPlan.objects.filter(state=PlanState.RUNNING).exists():
            raise PlanAlreadyRunning
        if not takes_new_clients(now):
            raise TakesNoNewClients
        plan = ReturnPlan(
            created_at=now,
            created_by_id=by.pk if by else None,
            per_day=per_day,
            first_form=first_form,
            greeting=greeting,
            answer_days=answer_days,
        )
        plan.full_clean()
        _withdraw_questions(now)
        if not next_mailboxes(plan):
            raise NobodyToNotify
        plan.save()
    return plan


def resume_plan(
    *, plan_id: int, version: int, per_day: int, first_form: str, greeting: str, answer_days: int, now: datetime
) -> None:
    """Resume a plan on hold with the text and settings that the supervisor has just seen.

    Raises ChangedMeanwhile for an old `version` or if the plan is not on hold, TakesNoNewClients, and ValidationError
    for invalid values.
    """
    with transaction.atomic():
        lock_receiving()
        plan = _locked_plan(plan_id, version)
        if plan.held_at is None:
            raise ChangedMeanwhile
        if not takes_new_clients(now):
            raise TakesNoNewClients
        plan.per_day, plan.first_form, plan.greeting, plan.answer_days = per_day, first_form, greeting, answer_days
        plan.held_at, plan.resumed_at = None, now
        plan.version += 1
        plan.full_clean()
        _withdraw_questions(now)
        plan.save()


def stop_plan(*, plan_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> int:
    """Stop a plan at once and withdraw every unsent notice. Returns how many.

    A notice that is being sent is checked again before each attempt (_is_notice_valid). Raises ChangedMeanwhile for an
    old `version` or if the plan has ended.
    """
    with transaction.atomic():
        lock_receiving()
        plan = _locked_plan(plan_id, version)
        plan.state, plan.ended_at, plan.held_at = PlanState.STOPPED, now, None
        plan.version += 1
        plan.save(update_fields=["state", "ended_at", "held_at", "version"])
        return _withdraw_notices(plan, by=by, now=now)


def _locked_plan(plan_id: int, version: int) -> ReturnPlan:
    plan = ReturnPlan.objects.select_for_update().filter(pk=plan_id, state=PlanState.RUNNING).first()
    if plan is None or plan.version != version:
        raise ChangedMeanwhile
    return plan


def _hold(plan: ReturnPlan, now: datetime) -> None:
    """Put the plan on hold until the supervisor confirms it: its text was written before the pause or being full."""
    plan.held_at = now
    plan.version += 1
    plan.save(update_fields=["held_at", "version"])
    _withdraw_notices(plan, by=None, now=now)


def _withdraw_notices(plan: ReturnPlan, *, by: AbstractBaseUser | None, now: datetime) -> int:
    unsent = _lock_unsent(MailPurpose.RETURN_NOTICE).filter(deduplication_key=plan_key(plan.pk))
    withdrawn = list(unsent)
    for mail in withdrawn:
        withdraw_notice(mail, now, by=by)
    return len(withdrawn)


def _withdraw_questions(now: datetime) -> None:
    """Withdraw unsent questions and removal notices: people who are notified of the return are not asked."""
    for mail in _lock_unsent(MailPurpose.STILL_WAITING, MailPurpose.REMOVAL_NOTICE):
        withdraw_list_mail(mail, now)


def _lock_unsent(*purposes: MailPurpose) -> QuerySet[OutgoingMail]:
    """Lock and return the mails of these purposes that are neither sent nor being sent. Locks their enquiries first."""
    unsent = OutgoingMail.objects.filter(purpose__in=purposes, state__in=_UNSENT)
    list(Enquiry.objects.select_for_update(of=("self",)).filter(mails__in=unsent.values("pk")).order_by("pk"))
    return unsent.select_for_update()


def withdraw_notice(mail: OutgoingMail, now: datetime, *, by: AbstractBaseUser | None = None) -> None:
    """Delete an unsent notice and mark its mailbox as not notified, in the caller's transaction."""
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id).first()
    mail.delete()
    of_mailbox = Mailbox(own.mailbox_key).places.select_related("plan").order_by("rank") if own else ()
    places = [place for place in of_mailbox if _is_of_plan(mail, place.plan)]
    plan_id = next((place.plan_id for place in places), None)
    if plan_id is None:
        # Another plan has notified the mailbox since.
        return
    record_steps([place.enquiry_id for place in places], StepKind.MAIL_WITHDRAWN, by=by, now=now)
    notified_at = next((place.notified_at for place in places if place.notified_at), None)
    WaitingPlace.objects.filter(pk__in=[place.pk for place in places]).update(
        plan=None, notified_at=None, reminded_at=None
    )
    count_out_notice(plan_id=plan_id, unsent_since=notified_at)


def withdraw_list_mail(mail: OutgoingMail, now: datetime) -> None:
    """Delete an unsent reminder, question or removal notice and undo its record, in the caller's transaction."""
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id).first()
    mail.delete()
    if own is None:
        return
    mailbox = Mailbox(own.mailbox_key)
    if mail.purpose == MailPurpose.STILL_WAITING:
        places = list(mailbox.places.filter(asked_at=mail.created_at))
        questions = mailbox.mails(MailPurpose.STILL_WAITING).values_list("created_at", flat=True)
        for place in places:
            earlier = [asked_at for asked_at in questions if asked_at > place.confirmed_at]
            place.asked_at, place.asked_times = max(earlier, default=None), len(earlier)
            place.save(update_fields=["asked_at", "asked_times"])
    else:
        queued_at = "removal_notice_at" if mail.purpose == MailPurpose.REMOVAL_NOTICE else "reminded_at"
        places = list(mailbox.places.exclude(**{queued_at: None}))
        WaitingPlace.objects.filter(pk__in=[place.pk for place in places]).update(**{queued_at: None})
    record_steps([place.enquiry_id for place in places], StepKind.MAIL_WITHDRAWN, now=now)


@receiver(before_removal)
def reassign_mails(*, enquiry: Enquiry, now: datetime, **_signal: object) -> None:
    """Before an enquiry is removed, reassign its list mails to another place of the mailbox.

    The mails record what the mailbox was asked and notified of. An unsent mail is withdrawn if no other place may get
    it. Runs in the caller's transaction, which holds lock_receiving().
    """
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None:
        return
    mailbox = Mailbox(place.mailbox_key)
    mailbox.lock()
    mails = OutgoingMail.objects.filter(enquiry=enquiry, purpose__in=LIST_PURPOSES)
    for mail in mails.defer("subject", "text", "html"):
        is_sent = mail.state == MailState.SENT
        places = _without_same_mail(mailbox.places.order_by("rank"), mail) if is_sent else _receivers(mail)
        successor = next((other for other in places if other.pk != place.pk), None)
        if successor is not None:
            mail.enquiry_id = successor.enquiry_id
            mail.save(update_fields=["enquiry"])
        elif not is_sent:
            handling_of(mail).withdraw(mail, now)


def list_is_being_notified(now: datetime) -> bool:
    """Return whether a plan is notifying the list. A plan on hold does not count: it must not delay removals."""
    return ReturnPlan.objects.filter(state=PlanState.RUNNING, held_at=None).exists() and takes_new_clients(now)


def next_mailboxes(plan: ReturnPlan) -> list[list[Waiter]]:
    """Return the mailboxes that the plan still has to notify, in order (intake.waiting.rules.notice_order).

    A mailbox whose notice by an earlier plan failed counts as not notified. A mailbox is left out if its removal notice
    was sent or is being sent. An unsent removal notice is withdrawn when the mailbox is notified.
    """
    notices = OutgoingMail.objects.filter(purpose=MailPurpose.RETURN_NOTICE)
    own = notices.filter(deduplication_key=plan_key(plan.pk)) if plan.pk else notices.none()
    notified = set(own.values_list("enquiry__waiting__mailbox_key", flat=True))
    # Every notice has a key. With this condition the database searches the notices, not all mails that failed.
    refused = notices.filter(state=MailState.FAILED, deduplication_key__gt="").order_by()
    failed = set(refused.values_list("enquiry__waiting__mailbox_key", "deduplication_key"))
    removal_notices = OutgoingMail.objects.filter(
        purpose=MailPurpose.REMOVAL_NOTICE,
        enquiry__waiting__mailbox_key=OuterRef("mailbox_key"),
        created_at=OuterRef("removal_notice_at"),
    ).exclude(state__in=_UNSENT)
    rows = mailable_places().filter(Q(removal_notice_at=None) | ~Exists(removal_notices))
    waiters = [
        Waiter(place_id=pk, mailbox_key=key, rank=rank, form=form)
        for pk, key, rank, form, notified_at, plan_id in rows.values_list(
            "pk", "mailbox_key", "rank", "enquiry__supervision_form", "notified_at", "plan_id"
        )
        if notified_at is None or (key, plan_key(plan_id or 0)) in failed
    ]
    return notice_order(waiters, first_form=plan.first_form, notified=notified)


def queue_due_return_notices(*, now: datetime) -> int:
    """Queue the notices that the running plan may send now. Returns how many.

    Nothing is queued at night. The plan ends when everybody has been notified. If a pause has begun, or Aijuu is full,
    the plan is put on hold until the supervisor resumes it.
    """
    active = ReturnPlan.objects.filter(state=PlanState.RUNNING, held_at=None)
    if not active.exists():
        return 0
    with transaction.atomic():
        lock_receiving()
        plan = active.select_for_update().first()
        if plan is None:
            return 0
        if was_closed_since(PauseNotice.load().settings, since=plan.confirmed_at, now=now):
            _hold(plan, now)
            return 0
        if not is_mail_hour(now):
            return 0
        today = timezone.localdate(now)
        remaining = remaining_today(
            per_day=plan.per_day, notified_on=plan.notified_on, notified_that_day=plan.notified_that_day, today=today
        )
        notified = _queue_notices(plan, next_mailboxes(plan)[:remaining], now)
        if notified:
            same_day = counts_for_today(plan.notified_on, today)
            plan.notified_that_day = plan.notified_that_day + notified if same_day else notified
            plan.notified_on = plan.notified_on if same_day else today
            plan.notified += notified
        if not next_mailboxes(plan):
            plan.state, plan.ended_at = PlanState.FINISHED, now
            plan.version += 1
        plan.save()
    return notified


def _queue_notices(plan: ReturnPlan, mailboxes: list[list[Waiter]], now: datetime) -> int:
    """Queue one notice to each mailbox, in order. Returns how many."""
    places = lock_places(waiter.place_id for mailbox in mailboxes for waiter in mailbox)
    notified = 0
    for mailbox in mailboxes:
        still = [places[waiter.place_id] for waiter in mailbox if waiter.place_id in places]
        if not still:
            # All places of the mailbox have just left the list.
            continue
        _withdraw_earlier(Mailbox(mailbox[0].mailbox_key), now)
        queue_return_notice(plan=plan, place=still[0], now=now)
        WaitingPlace.objects.filter(pk__in=[place.pk for place in still]).update(
            plan=plan, notified_at=now, reminded_at=None, answer_days=plan.answer_days
        )
        record_steps([place.enquiry_id for place in still], StepKind.NOTIFIED, now=now)
        notified += 1
    return notified


def _withdraw_earlier(mailbox: Mailbox, now: datetime) -> None:
    """Withdraw the failed mails of earlier plans to this mailbox, and its unsent removal notice: it is notified now."""
    unsent = mailbox.mails(MailPurpose.REMOVAL_NOTICE).filter(state__in=_UNSENT)
    failed = mailbox.mails(MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER).filter(state=MailState.FAILED)
    for mail in [*unsent, *failed]:
        if mail.purpose == MailPurpose.RETURN_NOTICE:
            withdraw_notice(mail, now)
        else:
            withdraw_list_mail(mail, now)


def _receivers(mail: OutgoingMail) -> list[WaitingPlace]:
    """Return the mailable places of the mailbox that an unsent mail may go to, the one that it belongs to first.

    A notice or reminder goes only to those that its plan has notified.
    """
    own = WaitingPlace.objects.filter(enquiry=mail.enquiry_id)
    mailable = mailable_places().select_related("enquiry", "plan").filter(mailbox_key__in=own.values("mailbox_key"))
    places = _without_same_mail(mailable, mail)
    if mail.purpose in (MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER):
        places = [place for place in places if place.notified_at is not None and _is_of_plan(mail, place.plan)]
    return sorted(places, key=lambda place: (place.enquiry_id != mail.enquiry_id, place.rank))


def _without_same_mail(places: QuerySet[WaitingPlace], mail: OutgoingMail) -> list[WaitingPlace]:
    """Return those places that have no mail of the same purpose and key yet: the database allows only one."""
    same = OutgoingMail.objects.filter(purpose=mail.purpose, deduplication_key=mail.deduplication_key)
    taken = set(same.exclude(pk=mail.pk).filter(enquiry__waiting__in=places).values_list("enquiry", flat=True))
    return [place for place in places if place.enquiry_id not in taken]


def _is_of_plan(mail: OutgoingMail, plan: ReturnPlan | None) -> bool:
    return plan is not None and mail.deduplication_key == plan_key(plan.pk)


def _to_receiver(mail: OutgoingMail) -> Addresses:
    """Return the address of the place that the mail goes to, and reassign the mail to it.

    The place for which it was queued may have left the list meanwhile, or have been taken up by the supervisor.
    """
    receiver = _receivers(mail)[0]
    if receiver.enquiry_id != mail.enquiry_id:
        mail.enquiry = receiver.enquiry
        mail.save(update_fields=["enquiry"])
    return to_sender(mail)


def _plan_of(mail: OutgoingMail) -> ReturnPlan | None:
    """Return the plan of this mail if it is the plan that notified the mailbox, else None."""
    receivers = _receivers(mail)
    return receivers[0].plan if receivers else None


def _is_notice_valid(mail: OutgoingMail, now: datetime) -> bool:
    """Return whether the notice may still be sent.

    Not if its plan was stopped or is on hold, or if Aijuu was closed or full since the plan was confirmed.
    """
    plan = _plan_of(mail)
    if plan is None or plan.state == PlanState.STOPPED or plan.held_at is not None:
        return False
    return not was_closed_since(PauseNotice.load().settings, since=plan.confirmed_at, now=now)


def _is_reminder_valid(mail: OutgoingMail, now: datetime) -> bool:
    """Return whether the reminder may still be sent, also after its plan was stopped.

    Not if Aijuu was closed or full since the reminder was queued: the days to answer then start over.
    """
    settings = PauseNotice.load().settings
    return _plan_of(mail) is not None and not was_closed_since(settings, since=mail.created_at, now=now)


def _is_question_valid(mail: OutgoingMail, now: datetime) -> bool:
    """Return whether the question or removal notice may still be sent.

    Not if somebody of the mailbox has joined or answered since, or was notified of the return; and not while the list
    is being notified.
    """
    places = _receivers(mail)
    return (
        bool(places)
        and all(place.notified_at is None and place.confirmed_at < mail.created_at for place in places)
        and not list_is_being_notified(now)
    )


register(
    MailPurpose.RETURN_NOTICE,
    handling=Handling(addresses=_to_receiver, is_still_valid=_is_notice_valid, withdraw=withdraw_notice),
)
register(
    MailPurpose.RETURN_REMINDER,
    handling=Handling(addresses=_to_receiver, is_still_valid=_is_reminder_valid, withdraw=withdraw_list_mail),
)
register(
    MailPurpose.STILL_WAITING,
    MailPurpose.REMOVAL_NOTICE,
    handling=Handling(addresses=_to_receiver, is_still_valid=_is_question_valid, withdraw=withdraw_list_mail),
)
