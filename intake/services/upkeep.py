"""Keeping the waiting list true: asking who still waits, and parting with those who are silent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from intake.choices import MailPurpose, MailState, PlanState, Status, StepKind, Verdict
from intake.jobs.context import Each, each_or_raise
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.settings import IntakeSettings
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.list_places import is_paused, lock_places, record_steps, tellable_places
from intake.services.locks import lock_receiving
from intake.services.removing import remove_enquiry
from intake.services.return_mails import queue_last_note, queue_still_waiting
from intake.waiting.rules import QUESTIONS, ListMail, WaitingNeed, is_mail_hour, last_day, waiting_needs

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

    def needs(self, months: int, now: datetime) -> WaitingNeed:
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
    months = IntakeSettings.load().waiting_months
    may_ask = is_mail_hour(now) and not _list_is_told(now)
    due: list[str | int] = [
        waiting.places[0].mailbox_key for waiting in _waiting(months, now) if _may(waiting.needs(months, now), may_ask)
    ]
    due += _without_mail(months, now).values_list("pk", flat=True)
    return each(due, lambda key: _look_after(key, months, now))


def _look_after(key: str | int, months: int, now: datetime) -> int:
    """Look after a mailbox, which is asked by mail, or a place, which is not: the one has a key, the other a number."""
    return _act(key, months, now) if isinstance(key, str) else _remove_without_mail(key, months, now)


def _may(need: WaitingNeed, may_ask: bool) -> bool:
    """Whether this may be done now. What the last note has announced is done at any time."""
    return may_ask if need in (WaitingNeed.ASK, WaitingNeed.PART) else need is WaitingNeed.REMOVE


def _list_is_told(now: datetime) -> bool:
    """Whether a plan tells the list of the return now. One that a pause holds up must not keep people's details."""
    return ReturnPlan.objects.filter(state=PlanState.RUNNING).exists() and not is_paused(now)


def _act(mailbox: str, months: int, now: datetime) -> int:
    """Do what a mailbox needs, looked at anew with its enquiries locked. Returns how many things were done."""
    with transaction.atomic():
        lock_receiving()
        lock_places(WaitingPlace.objects.filter(mailbox_key=mailbox).values_list("pk", flat=True))
        for waiting in _waiting(months, now, mailbox=mailbox):
            need = waiting.needs(months, now)
            if not _may(need, may_ask=is_mail_hour(now) and not _list_is_told(now)):
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


def _waiting(months: int, now: datetime, *, mailbox: str | None = None) -> list[_Waiting]:
    """Return the mailboxes that may need something: confirmed long enough ago, and nothing of theirs told."""
    long_ago = tellable_places().filter(confirmed_at__lte=now - months * _SHORTEST_MONTH + _PART_OF_A_DAY)
    places = tellable_places().filter(mailbox_key__in=long_ago.values("mailbox_key")).select_related("enquiry")
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
    for mail in mails.annotate(mailbox=F("enquiry__waiting__mailbox_key")):
        waiting = found[mail.mailbox]
        kept = waiting.questions if mail.purpose == MailPurpose.STILL_WAITING else waiting.last_notes
        kept.append(ListMail(queued_at=mail.created_at, done_at=_done_at(mail)))
    return list(found.values())


def _done_at(mail: OutgoingMail) -> datetime | None:
    if mail.state == MailState.SENT:
        return mail.sent_at
    return (mail.claimed_at or mail.created_at) if mail.state == MailState.FAILED else None


def _without_mail(months: int, now: datetime) -> QuerySet[WaitingPlace]:
    """Return the places of those whom no mail can ask, and whose last day may have come. Suspicious ones wait on."""
    if _list_is_told(now):
        # Now the supervisor writes to them herself.
        return WaitingPlace.objects.none()
    long_ago = now - (QUESTIONS + 1) * months * _SHORTEST_MONTH + _PART_OF_A_DAY
    return WaitingPlace.objects.filter(
        enquiry__status=Status.WAITING_LIST,
        enquiry__verdict=Verdict.ACCEPTED,
        wants_mail=False,
        confirmed_at__lte=long_ago,
    )


def _remove_without_mail(place_id: int, months: int, now: datetime) -> int:
    """Remove one of them when the last day has come, looked at anew with its enquiry locked. Returns how many went."""
    with transaction.atomic():
        lock_receiving()
        list(Enquiry.objects.select_for_update(of=("self",)).filter(waiting=place_id))
        place = _without_mail(months, now).filter(pk=place_id).first()
        if place is None or timezone.localdate(now) < last_day(confirmed_at=place.confirmed_at, months=months):
            return 0
        remove_enquiry(enquiry_id=place.enquiry_id, now=now)
        return 1
