"""What follows silence: a reminder and closing after the return, questions and removal while waiting."""

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
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.removal import remove_enquiry
from intake.enquiry.services import STATUS_FIELDS, set_status
from intake.jobs.runner import Each, each_or_raise
from intake.jobs.schedule import in_batches
from intake.locks import lock_receiving
from intake.mail.delivery import requeue
from intake.mail.models import OutgoingMail
from intake.settings import LONGEST_WAITING_MONTHS
from intake.waiting.mails import (
    LIST_PURPOSES,
    plan_key,
    queue_last_note,
    queue_return_reminder,
    queue_still_waiting,
)
from intake.waiting.models import ReturnPlan, WaitingPlace
from intake.waiting.places import is_paused, lock_places, record_steps, tellable_places
from intake.waiting.return_plan import list_is_told
from intake.waiting.rules import (
    QUESTIONS,
    CalledNeed,
    ListMail,
    WaitingNeed,
    called_needs,
    is_mail_hour,
    last_day,
    open_since,
    waiting_needs,
)


@dataclass(frozen=True, kw_only=True)
class _Called:
    """A mailbox that one plan has told: its places on the list, and when its mails went out."""

    plan: ReturnPlan
    places: Sequence[WaitingPlace]
    notice_sent_at: datetime | None
    reminded: bool
    reminder_sent_at: datetime | None

    def needs(self, opened_on: date | None, now: datetime) -> CalledNeed:
        return called_needs(
            notice_sent_at=self.notice_sent_at,
            reminded=self.reminded,
            reminder_sent_at=self.reminder_sent_at,
            answer_days=self.plan.answer_days,
            opened_on=opened_on,
            now=now,
        )


def remind_and_close(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remind who has been silent for the plan's days, and close who was silent as long again. Returns how many of both.

    Nothing happens by night, and during a pause. Each mailbox is a transaction of its own.
    """
    if not is_mail_hour(now):
        return 0
    settings = PauseNotice.load().settings
    if is_paused(now):
        return 0
    opened_on = open_since(settings, now)
    due = [called.places[0] for called in _called() if called.needs(opened_on, now) is not CalledNeed.NOTHING]
    return each(due, lambda place: _act_on_called(place, opened_on, now))


def _act_on_called(place: WaitingPlace, opened_on: date | None, now: datetime) -> bool:
    """Do what a mailbox needs, looked at anew with its enquiries locked. Returns whether it needed something."""
    with transaction.atomic():
        lock_receiving()
        if is_paused(now):
            return False
        lock_places(WaitingPlace.objects.filter(mailbox_key=place.mailbox_key).values_list("pk", flat=True))
        for called in _called(mailbox=place.mailbox_key):
            if called.plan.pk != place.plan_id:
                continue
            need = called.needs(opened_on, now)
            if need is CalledNeed.REMIND:
                _remind(called, now)
            elif need is CalledNeed.CLOSE:
                _close(called, now)
            return need is not CalledNeed.NOTHING
    return False


def _called(*, mailbox: str | None = None) -> list[_Called]:
    """Return the mailboxes that were told and have not answered; of all plans, for a stopped one has asked as well."""
    # Not the enquiries: nobody's words are read here.
    places = tellable_places().exclude(called_at=None).select_related("plan")
    if mailbox is not None:
        places = places.filter(mailbox_key=mailbox)
    grouped: dict[tuple[str, ReturnPlan], list[WaitingPlace]] = {}
    for place in places.order_by("rank"):
        if place.plan is not None:
            grouped.setdefault((place.mailbox_key, place.plan), []).append(place)
    sent = _sent_times({key for key, _plan in grouped})
    found = []
    for (key, plan), of_mailbox in grouped.items():
        deduplication_key = plan_key(plan.pk)
        reminder = (key, deduplication_key, MailPurpose.RETURN_REMINDER)
        found.append(
            _Called(
                plan=plan,
                places=of_mailbox,
                notice_sent_at=sent.get((key, deduplication_key, MailPurpose.RETURN_NOTICE)),
                reminded=reminder in sent,
                reminder_sent_at=sent.get(reminder),
            )
        )
    return found


def _sent_times(mailboxes: set[str]) -> dict[tuple[str, str, MailPurpose], datetime | None]:
    """Return when each notice and reminder to these mailboxes went out, by (mailbox, deduplication_key, purpose)."""
    mails = OutgoingMail.objects.filter(
        purpose__in=(MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER),
        enquiry__waiting__mailbox_key__in=mailboxes,
    )
    rows = mails.values_list("enquiry__waiting__mailbox_key", "deduplication_key", "purpose", "sent_at")
    return {
        (key, deduplication_key, MailPurpose(purpose)): sent_at for key, deduplication_key, purpose, sent_at in rows
    }


def _remind(called: _Called, now: datetime) -> None:
    queue_return_reminder(plan=called.plan, place=called.places[0], now=now)
    WaitingPlace.objects.filter(pk__in=[place.pk for place in called.places]).update(reminded_at=now)
    record_steps([place.enquiry_id for place in called.places], StepKind.REMINDED, now=now)


def _close(called: _Called, now: datetime) -> None:
    for place in called.places:
        enquiry = place.enquiry
        set_status(enquiry, status=Status.CLOSED, outcome=Outcome.NO_RESPONSE, now=now)
        enquiry.version += 1
        enquiry.save(update_fields=[*STATUS_FIELDS, "version"])
        EnquiryStep.objects.create(
            enquiry=enquiry,
            kind=StepKind.STATUS,
            changed_at=now,
            status=enquiry.status,
            outcome=enquiry.outcome,
        )


# A mail to the list that could not be delivered is tried again after so long.
RETRY_AFTER = timedelta(days=30)
_SHORTEST_MONTH = timedelta(days=28)
# The rules count days of the calendar, the first look through the database hours.
_PART_OF_A_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """A mailbox that waits and has not been told: its places on the list, and what was asked of it."""

    places: Sequence[WaitingPlace]
    questions: list[ListMail] = field(default_factory=list)
    last_notes: list[ListMail] = field(default_factory=list)

    @property
    def confirmed_at(self) -> datetime:
        """When this mailbox was last known to wait: whoever joins again has said so."""
        return max(place.confirmed_at for place in self.places)

    @property
    def asked(self) -> int:
        return sum(mail.queued_at > self.confirmed_at for mail in self.questions)

    @property
    def months(self) -> int:
        """What was told when this mailbox was last known to wait."""
        return max(self.places, key=lambda place: place.confirmed_at).months

    def needs(self, now: datetime, *, at_most: int | None = None) -> WaitingNeed:
        """Return what the mailbox needs; by `at_most` months where those it was told are more."""
        months = self.months if at_most is None else min(self.months, at_most)
        return waiting_needs(
            confirmed_at=self.confirmed_at,
            questions=self.questions,
            last_notes=self.last_notes,
            months=months,
            now=now,
        )


def keep_list_true(*, now: datetime, each: Each = each_or_raise) -> int:
    """Ask, part and remove where it is time (intake.waiting.rules). Returns how many were asked, noted or removed.

    Nobody is asked by night, or while a plan tells the list of the return. Each mailbox is a transaction of its own.
    """
    may_ask = is_mail_hour(now) and not list_is_told(now)
    mailboxes = [waiting.places[0].mailbox_key for waiting in _waiting(now) if _may(waiting.needs(now), may_ask)]
    if may_ask:
        _retry_undelivered(now)
    unreachable = [key for key in _unreachable(now) if key not in mailboxes]
    due: Iterator[str | int] = chain(mailboxes, unreachable, in_batches(_without_mail(now)))
    return each(due, lambda key: _look_after(key, now))


def leaving_sooner(*, months: int, at: datetime) -> int:
    """Return how many enquiries would leave the list by the moment `at`, only because `months` are fewer than told."""
    may_part = (WaitingNeed.PART, WaitingNeed.REMOVE)
    asked = [
        len(waiting.places)
        for waiting in _waiting(at, at_most=months)
        if waiting.needs(at, at_most=months) in may_part and waiting.needs(at) not in may_part
    ]
    silent = [
        place
        for place in _without_mail(at, at_most=months)
        if _last_day(place, at_most=months) <= timezone.localdate(at) < _last_day(place)
    ]
    return sum(asked) + len(silent)


def _look_after(key: str | int, now: datetime) -> int:
    """Look after a mailbox, which is asked by mail, or a place, which is not: the one has a key, the other a number."""
    if isinstance(key, int):
        return _remove_without_mail(key, now)
    return _act_on_waiting(key, now) or _remove_if_unreachable(key, now)


def _may(need: WaitingNeed, may_ask: bool) -> bool:
    """Whether this may be done now. What the last note has announced is done at any time."""
    return may_ask if need in (WaitingNeed.ASK, WaitingNeed.PART) else need is WaitingNeed.REMOVE


def _act_on_waiting(mailbox: str, now: datetime) -> int:
    """Do what a mailbox needs, looked at anew with its enquiries locked. Returns how many things were done."""
    with transaction.atomic():
        lock_receiving()
        lock_places(WaitingPlace.objects.filter(mailbox_key=mailbox).values_list("pk", flat=True))
        for waiting in _waiting(now, mailbox=mailbox):
            need = waiting.needs(now)
            if not _may(need, may_ask=is_mail_hour(now) and not list_is_told(now)):
                return 0
            if need is WaitingNeed.REMOVE:
                for place in waiting.places:
                    remove_enquiry(enquiry_id=place.enquiry_id, now=now)
                return len(waiting.places)
            _write(waiting, need, now)
            return 1
    return 0


def _write(waiting: _Waiting, need: WaitingNeed, now: datetime) -> None:
    places = WaitingPlace.objects.filter(pk__in=[place.pk for place in waiting.places])
    enquiries = [place.enquiry_id for place in waiting.places]
    if need is WaitingNeed.ASK:
        asked = waiting.asked + 1
        queue_still_waiting(place=waiting.places[0], is_last=asked == QUESTIONS, now=now)
        places.update(asked_at=now, asked_times=asked)
        record_steps(enquiries, StepKind.STILL_ASKED, now=now)
    else:
        queue_last_note(place=waiting.places[0], now=now)
        places.update(parting_at=now)
        record_steps(enquiries, StepKind.PARTING, now=now)


def _confirmed_long_ago(now: datetime, *, times: int, at_most: int | None = None) -> Q:
    """Return the condition that a place was confirmed `times` its months ago or longer, give or take some days."""
    condition = Q()
    for months in range(1, LONGEST_WAITING_MONTHS + 1):
        counted = months if at_most is None else min(months, at_most)
        since = now - times * counted * _SHORTEST_MONTH + _PART_OF_A_DAY
        condition |= Q(months=months, confirmed_at__lte=since)
    return condition


def _last_day(place: WaitingPlace, *, at_most: int | None = None) -> date:
    """Return the last day of somebody whom no mail can ask."""
    months = place.months if at_most is None else min(place.months, at_most)
    return last_day(confirmed_at=place.confirmed_at, months=months)


def _waiting(now: datetime, *, mailbox: str | None = None, at_most: int | None = None) -> list[_Waiting]:
    """Return the mailboxes that may need something: confirmed long enough ago, and nothing of theirs told."""
    long_ago = tellable_places().filter(_confirmed_long_ago(now, times=1, at_most=at_most))
    places = tellable_places().filter(mailbox_key__in=long_ago.values("mailbox_key"))
    if mailbox is not None:
        places = places.filter(mailbox_key=mailbox)
    grouped: dict[str, list[WaitingPlace]] = {}
    for place in places.order_by("rank"):
        grouped.setdefault(place.mailbox_key, []).append(place)
    found = {
        key: _Waiting(places=of_mailbox)
        for key, of_mailbox in grouped.items()
        if not any(place.called_at for place in of_mailbox)
    }
    mails = OutgoingMail.objects.filter(
        purpose__in=(MailPurpose.STILL_WAITING, MailPurpose.LAST_NOTE), enquiry__waiting__mailbox_key__in=found
    ).order_by("created_at", "pk")
    # Nobody's words are read here: only times.
    rows = mails.values_list("enquiry__waiting__mailbox_key", "purpose", "state", "created_at", "sent_at")
    for key, purpose, state, created_at, sent_at in rows:
        waiting = found[key]
        kept = waiting.questions if purpose == MailPurpose.STILL_WAITING else waiting.last_notes
        kept.append(ListMail(queued_at=created_at, sent_at=sent_at if state == MailState.SENT else None))
    return list(found.values())


def _retry_undelivered(now: datetime) -> int:
    """Queue once more what was given up RETRY_AFTER ago. Only what goes out counts as asked or told."""
    failed = OutgoingMail.objects.filter(purpose__in=LIST_PURPOSES, state=MailState.FAILED)
    tried = failed.annotate(tried_at=Coalesce(Max("attempts__attempted_at"), F("created_at")))
    long_ago = tried.filter(tried_at__lte=now - RETRY_AFTER).only("pk")
    return sum(requeue(mail=mail, now=now) for mail in long_ago)


def _unreachable(now: datetime) -> list[str]:
    """Return the mailboxes on the list that have a mail which could not be delivered."""
    if list_is_told(now):
        return []
    failed = OutgoingMail.objects.filter(purpose__in=LIST_PURPOSES, state=MailState.FAILED)
    mailboxes = tellable_places().filter(mailbox_key__in=failed.values("enquiry__waiting__mailbox_key"))
    return sorted(set(mailboxes.values_list("mailbox_key", flat=True)))


def _remove_if_unreachable(mailbox: str, now: datetime) -> int:
    """Remove a mailbox that no mail reaches, as long after one last did as those who get none are kept.

    Looked at anew with its enquiries locked. Returns how many went.
    """
    with transaction.atomic():
        lock_receiving()
        places = lock_places(WaitingPlace.objects.filter(mailbox_key=mailbox).values_list("pk", flat=True))
        mails = OutgoingMail.objects.filter(purpose__in=LIST_PURPOSES, enquiry__waiting__mailbox_key=mailbox)
        if not places or not mails.filter(state=MailState.FAILED).exists():
            return 0
        latest = max(places.values(), key=lambda place: place.confirmed_at)
        reached = mails.filter(state=MailState.SENT).aggregate(latest=Max("sent_at"))["latest"]
        heard = max(latest.confirmed_at, reached or latest.confirmed_at)
        if timezone.localdate(now) < last_day(confirmed_at=heard, months=latest.months):
            return 0
        for place in places.values():
            remove_enquiry(enquiry_id=place.enquiry_id, now=now)
    return len(places)


def _without_mail(now: datetime, *, at_most: int | None = None) -> QuerySet[WaitingPlace]:
    """Return the places of those whom no mail can ask, and whose last day may have come. Suspicious ones wait on."""
    if list_is_told(now):
        # Now the supervisor writes to them herself.
        return WaitingPlace.objects.none()
    return WaitingPlace.objects.filter(
        _confirmed_long_ago(now, times=QUESTIONS + 1, at_most=at_most),
        enquiry__status=Status.WAITING_LIST,
        enquiry__verdict=Verdict.ACCEPTED,
    ).exclude(pk__in=tellable_places().values("pk"))


def _remove_without_mail(place_id: int, now: datetime) -> int:
    """Remove one of them when the last day has come, looked at anew with its enquiry locked. Returns how many went."""
    with transaction.atomic():
        lock_receiving()
        list(Enquiry.objects.select_for_update(of=("self",)).filter(waiting=place_id))
        place = _without_mail(now).filter(pk=place_id).first()
        if place is None or timezone.localdate(now) < _last_day(place):
            return 0
        remove_enquiry(enquiry_id=place.enquiry_id, now=now)
        return 1
