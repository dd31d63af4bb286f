"""Jobs for people who do not answer: reminding and closing after the return, asking and removing while waiting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from home.pause.models import PauseNotice
from intake.choices import MailPurpose, MailState, Outcome, Status, StepKind, Verdict
from intake.enquiry.models import Enquiry
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.services import STATUS_FIELDS, save_change, set_status
from intake.jobs.runner import Each, each_or_raise
from intake.jobs.schedule import in_batches
from intake.locks import lock_receiving
from intake.mail.delivery import requeue
from intake.mail.models import OutgoingMail
from intake.settings import LONGEST_WAITING_MONTHS
from intake.waiting.mails import (
    LIST_PURPOSES,
    plan_key,
    queue_removal_notice,
    queue_return_reminder,
    queue_still_waiting,
)
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import Mailbox, mailable_places, record_steps, takes_new_clients
from intake.waiting.return_plan import list_is_being_notified
from intake.waiting.rules import (
    QUESTIONS,
    ListMail,
    ReturnAction,
    WaitingAction,
    by_mailbox,
    is_mail_hour,
    last_day_unreached,
    last_day_without_mail,
    open_since,
    return_action,
    waiting_action,
)

# A failed mail to the list is retried after this.
RETRY_AFTER = timedelta(days=30)
_SHORTEST_MONTH = timedelta(days=28)
# The rules count calendar days, but the query compares times.
_PART_OF_A_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class _NotifiedMailbox:
    """A mailbox that one plan has notified: its places on the list, and when its mails were sent."""

    plan: ReturnPlan
    places: Sequence[WaitingPlace]
    notice_sent_at: datetime | None
    reminded: bool
    reminder_sent_at: datetime | None

    def action(self, opened_on: date | None, now: datetime) -> ReturnAction:
        return return_action(
            notice_sent_at=self.notice_sent_at,
            reminded=self.reminded,
            reminder_sent_at=self.reminder_sent_at,
            answer_days=self.places[0].answer_days,
            opened_on=opened_on,
            now=now,
        )


def remind_and_close(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remind mailboxes after the days that their notice named. Close their enquiries after as many days again.

    Does nothing at night, during a pause or while Aijuu is full. Each mailbox has its own transaction. Returns how many
    were reminded or closed.
    """
    if not is_mail_hour(now):
        return 0
    settings = PauseNotice.load().settings
    if not takes_new_clients(now):
        return 0
    opened_on = open_since(settings, now)
    due = [
        notified.places[0]
        for notified in _notified_mailboxes()
        if notified.action(opened_on, now) is not ReturnAction.NOTHING
    ]
    return each(due, lambda place: _follow_up(place, opened_on, now))


def _follow_up(place: WaitingPlace, opened_on: date | None, now: datetime) -> bool:
    """Remind or close a mailbox if it is still due once its enquiries are locked. Returns whether this was done."""
    with transaction.atomic():
        lock_receiving()
        if not takes_new_clients(now):
            return False
        Mailbox(place.mailbox_key).lock()
        for notified in _notified_mailboxes(mailbox=place.mailbox_key):
            if notified.plan.pk != place.plan_id:
                continue
            action = notified.action(opened_on, now)
            if action is ReturnAction.REMIND:
                _remind(notified, now)
            elif action is ReturnAction.CLOSE:
                _close(notified, now)
            return action is not ReturnAction.NOTHING
    return False


def _notified_mailboxes(*, mailbox: str | None = None) -> list[_NotifiedMailbox]:
    """Return the notified mailboxes without an answer, of all plans: those of a stopped plan are followed up too."""
    # The enquiries are not loaded, because their texts are not needed.
    places = mailable_places().exclude(notified_at=None).select_related("plan")
    if mailbox is not None:
        places = places.filter(mailbox_key=mailbox)
    mailboxes = by_mailbox(places.order_by("rank"))
    sent = _sent_times(set(mailboxes))
    found = []
    for key, of_mailbox in mailboxes.items():
        for plan in dict.fromkeys(place.plan for place in of_mailbox if place.plan is not None):
            deduplication_key = plan_key(plan.pk)
            reminder = (key, deduplication_key, MailPurpose.RETURN_REMINDER)
            found.append(
                _NotifiedMailbox(
                    plan=plan,
                    places=[place for place in of_mailbox if place.plan == plan],
                    notice_sent_at=sent.get((key, deduplication_key, MailPurpose.RETURN_NOTICE)),
                    reminded=reminder in sent,
                    reminder_sent_at=sent.get(reminder),
                )
            )
    return found


def _sent_times(mailboxes: set[str]) -> dict[tuple[str, str, MailPurpose], datetime | None]:
    """Return when each notice and reminder to these mailboxes was sent, by (mailbox, deduplication_key, purpose)."""
    mails = OutgoingMail.objects.filter(
        purpose__in=(MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER),
        enquiry__waiting__mailbox_key__in=mailboxes,
    )
    rows = mails.values_list("enquiry__waiting__mailbox_key", "deduplication_key", "purpose", "sent_at")
    return {
        (key, deduplication_key, MailPurpose(purpose)): sent_at for key, deduplication_key, purpose, sent_at in rows
    }


def _remind(notified: _NotifiedMailbox, now: datetime) -> None:
    queue_return_reminder(plan=notified.plan, place=notified.places[0], now=now)
    WaitingPlace.objects.filter(pk__in=[place.pk for place in notified.places]).update(reminded_at=now)
    record_steps([place.enquiry_id for place in notified.places], StepKind.REMINDED, now=now)


def _close(notified: _NotifiedMailbox, now: datetime) -> None:
    for place in notified.places:
        enquiry = place.enquiry
        set_status(enquiry, status=Status.CLOSED, outcome=Outcome.NO_RESPONSE, now=now)
        save_change(enquiry, StepKind.STATUS, fields=STATUS_FIELDS, now=now)


@dataclass(frozen=True, kw_only=True)
class _WaitingMailbox:
    """A mailbox that is waiting and was not notified: its places on the list, and the mails to it."""

    places: Sequence[WaitingPlace]
    questions: list[ListMail] = field(default_factory=list)
    removal_notices: list[ListMail] = field(default_factory=list)

    @property
    def confirmed_at(self) -> datetime:
        """When the person last confirmed that they are waiting, or joined again."""
        return max(place.confirmed_at for place in self.places)

    @property
    def asked(self) -> int:
        return sum(mail.queued_at > self.confirmed_at for mail in self.questions)

    @property
    def months(self) -> int:
        """The months that the person was shown at `confirmed_at`."""
        return max(self.places, key=lambda place: place.confirmed_at).months

    def action(self, now: datetime, *, at_most: int | None = None) -> WaitingAction:
        """Return what to do. `at_most` replaces the months that the person was shown if it is less."""
        months = self.months if at_most is None else min(self.months, at_most)
        return waiting_action(
            confirmed_at=self.confirmed_at,
            questions=self.questions,
            removal_notices=self.removal_notices,
            months=months,
            now=now,
        )


def ask_or_remove_silent_waiters(*, now: datetime, each: Each = each_or_raise) -> int:
    """Send the questions and removal notices that are due, and remove the enquiries that are (intake.waiting.rules).

    No mail is queued at night or while a plan notifies the list of the return. Each mailbox has its own transaction.
    Returns how many were asked, notified or removed.
    """
    may_ask = is_mail_hour(now) and not list_is_being_notified(now)
    mailboxes = [
        waiting.places[0].mailbox_key
        for waiting in _waiting_mailboxes(now)
        if _is_allowed(waiting.action(now), may_ask)
    ]
    if may_ask:
        _retry_undelivered(now)
    unreachable = [key for key in _unreachable_mailboxes(now) if key not in mailboxes]
    due: Iterator[str | int] = chain(mailboxes, unreachable, in_batches(_places_without_mail(now)))
    return each(due, lambda key: _act_on(key, now))


def count_removed_sooner(*, months: int, at: datetime) -> int:
    """Return how many enquiries would leave the list by `at` only because `months` is less than they were shown."""
    leaves = (WaitingAction.SEND_REMOVAL_NOTICE, WaitingAction.REMOVE)
    asked = [
        len(waiting.places)
        for waiting in _waiting_mailboxes(at, at_most=months)
        if waiting.action(at, at_most=months) in leaves and waiting.action(at) not in leaves
    ]
    silent = [
        place
        for place in _places_without_mail(at, at_most=months)
        if _last_day(place, at_most=months) <= timezone.localdate(at) < _last_day(place)
    ]
    return sum(asked) + len(silent)


def _act_on(key: str | int, now: datetime) -> int:
    """Handle a mailbox (a str key), or a place without mail (an int primary key). Returns how much was done."""
    if isinstance(key, int):
        return _remove_if_silent(key, now)
    return _act_on_mailbox(key, now) or _remove_if_unreachable(key, now)


def _is_allowed(action: WaitingAction, may_ask: bool) -> bool:
    """Return whether an action is allowed now. REMOVE always is: the removal notice has announced it."""
    if action in (WaitingAction.ASK, WaitingAction.SEND_REMOVAL_NOTICE):
        return may_ask
    return action is WaitingAction.REMOVE


def _act_on_mailbox(mailbox: str, now: datetime) -> int:
    """Do what is still due once the mailbox's enquiries are locked. Returns how much was done."""
    with transaction.atomic():
        lock_receiving()
        Mailbox(mailbox).lock()
        for waiting in _waiting_mailboxes(now, mailbox=mailbox):
            action = waiting.action(now)
            if not _is_allowed(action, may_ask=is_mail_hour(now) and not list_is_being_notified(now)):
                return 0
            if action is WaitingAction.REMOVE:
                for place in waiting.places:
                    remove_enquiry(enquiry_id=place.enquiry_id, now=now)
                return len(waiting.places)
            _write(waiting, action, now)
            return 1
    return 0


def _write(waiting: _WaitingMailbox, action: WaitingAction, now: datetime) -> None:
    places = WaitingPlace.objects.filter(pk__in=[place.pk for place in waiting.places])
    enquiries = [place.enquiry_id for place in waiting.places]
    if action is WaitingAction.ASK:
        asked = waiting.asked + 1
        queue_still_waiting(place=waiting.places[0], is_last=asked == QUESTIONS, months=waiting.months, now=now)
        places.update(asked_at=now, asked_times=asked)
        record_steps(enquiries, StepKind.STILL_ASKED, now=now)
    else:
        queue_removal_notice(place=waiting.places[0], now=now)
        places.update(removal_notice_at=now)
        record_steps(enquiries, StepKind.REMOVAL_NOTICE, now=now)


def _confirmed_long_ago(now: datetime, *, times: int, at_most: int | None = None) -> Q:
    """Return the condition that a place was confirmed at least about `times` its months ago.

    It also matches places that are due somewhat later; the callers then check the exact day.
    """
    condition = Q()
    for months in range(1, LONGEST_WAITING_MONTHS + 1):
        counted = months if at_most is None else min(months, at_most)
        since = now - times * counted * _SHORTEST_MONTH + _PART_OF_A_DAY
        condition |= Q(months=months, confirmed_at__lte=since)
    return condition


def _last_day(place: WaitingPlace, *, at_most: int | None = None) -> date:
    """Return the day on which a place without mail is removed."""
    months = place.months if at_most is None else min(place.months, at_most)
    return last_day_without_mail(confirmed_at=place.confirmed_at, months=months)


def _waiting_mailboxes(
    now: datetime, *, mailbox: str | None = None, at_most: int | None = None
) -> list[_WaitingMailbox]:
    """Return the mailboxes that may be due: confirmed long enough ago, and without a notified place."""
    long_ago = mailable_places().filter(_confirmed_long_ago(now, times=1, at_most=at_most))
    places = mailable_places().filter(mailbox_key__in=long_ago.values("mailbox_key"))
    if mailbox is not None:
        places = places.filter(mailbox_key=mailbox)
    found = {
        key: _WaitingMailbox(places=of_mailbox)
        for key, of_mailbox in by_mailbox(places.order_by("rank")).items()
        if not any(place.notified_at for place in of_mailbox)
    }
    mails = OutgoingMail.objects.filter(
        purpose__in=(MailPurpose.STILL_WAITING, MailPurpose.REMOVAL_NOTICE), enquiry__waiting__mailbox_key__in=found
    ).order_by("created_at", "pk")
    # Only the times are needed, not the texts.
    rows = mails.values_list("enquiry__waiting__mailbox_key", "purpose", "state", "created_at", "sent_at")
    for key, purpose, state, created_at, sent_at in rows:
        waiting = found[key]
        kept = waiting.questions if purpose == MailPurpose.STILL_WAITING else waiting.removal_notices
        kept.append(ListMail(queued_at=created_at, sent_at=sent_at if state == MailState.SENT else None))
    return list(found.values())


def _retry_undelivered(now: datetime) -> int:
    """Requeue the list mails that failed RETRY_AFTER ago. Returns how many."""
    failed = OutgoingMail.objects.filter(purpose__in=LIST_PURPOSES, state=MailState.FAILED)
    tried = failed.annotate(tried_at=Coalesce(Max("attempts__attempted_at"), F("created_at")))
    long_ago = tried.filter(tried_at__lte=now - RETRY_AFTER).only("pk")
    return sum(requeue(mail=mail, now=now) for mail in long_ago)


def _unreachable_mailboxes(now: datetime, *, mailbox: str | None = None) -> list[str]:
    """Return the mailboxes on the list with a failed mail; [] while the list is being notified."""
    if list_is_being_notified(now):
        return []
    failed = OutgoingMail.objects.filter(purpose__in=LIST_PURPOSES, state=MailState.FAILED)
    places = mailable_places().filter(mailbox_key__in=failed.values("enquiry__waiting__mailbox_key"))
    if mailbox is not None:
        places = places.filter(mailbox_key=mailbox)
    return sorted(set(places.values_list("mailbox_key", flat=True)))


def _remove_if_unreachable(mailbox: str, now: datetime) -> int:
    """Remove the enquiries of a mailbox with a failed mail if their last day has come (last_day_unreached).

    This is checked once the enquiries are locked. Returns how many were removed.
    """
    with transaction.atomic():
        lock_receiving()
        Mailbox(mailbox).lock()
        if not _unreachable_mailboxes(now, mailbox=mailbox):
            return 0
        places = list(mailable_places().filter(mailbox_key=mailbox))
        latest = max(places, key=lambda place: place.confirmed_at)
        mails = Mailbox(mailbox).mails(*LIST_PURPOSES)
        sent = mails.filter(state=MailState.SENT).values_list("sent_at", flat=True)
        sent_at = [moment for moment in sent if moment]
        last_day = last_day_unreached(confirmed_at=latest.confirmed_at, sent_at=sent_at, months=latest.months)
        if timezone.localdate(now) < last_day:
            return 0
        for place in places:
            remove_enquiry(enquiry_id=place.enquiry_id, now=now)
    return len(places)


def _places_without_mail(now: datetime, *, at_most: int | None = None) -> QuerySet[WaitingPlace]:
    """Return the places that get no mail and may be due for removal. Suspicious places are left out."""
    if list_is_being_notified(now):
        # The supervisor is contacting these people herself now.
        return WaitingPlace.objects.none()
    return WaitingPlace.objects.filter(
        _confirmed_long_ago(now, times=QUESTIONS + 1, at_most=at_most),
        enquiry__status=Status.WAITING_LIST,
        enquiry__verdict=Verdict.ACCEPTED,
    ).exclude(pk__in=mailable_places().values("pk"))


def _remove_if_silent(place_id: int, now: datetime) -> int:
    """Remove a place without mail if it is still due once its enquiry is locked. Returns how many were removed."""
    with transaction.atomic():
        lock_receiving()
        list(Enquiry.objects.select_for_update(of=("self",)).filter(waiting=place_id))
        place = _places_without_mail(now).filter(pk=place_id).first()
        if place is None or timezone.localdate(now) < _last_day(place):
            return 0
        remove_enquiry(enquiry_id=place.enquiry_id, now=now)
        return 1
