"""What follows when somebody who was told of the return is silent: one reminder, then the matter is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from home.models import PauseNotice
from intake.choices import MailPurpose, Outcome, Status, StepKind
from intake.jobs.context import Each, each_or_raise
from intake.models.enquiry import EnquiryStep
from intake.models.outgoing_mail import OutgoingMail
from intake.models.waiting import ReturnPlan, WaitingPlace
from intake.services.closing import STATUS_FIELDS, set_status
from intake.services.list_places import is_paused, lock_places, record_steps, tellable_places
from intake.services.locks import lock_receiving
from intake.services.return_mails import plan_occasion, queue_return_reminder
from intake.waiting.rules import CalledNeed, called_needs, is_mail_hour, open_since


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
    return each(due, lambda place: _act(place, opened_on, now))


def _act(place: WaitingPlace, opened_on: date | None, now: datetime) -> bool:
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
        occasion = plan_occasion(plan.pk)
        reminder = (key, occasion, MailPurpose.RETURN_REMINDER)
        found.append(
            _Called(
                plan=plan,
                places=of_mailbox,
                notice_sent_at=sent.get((key, occasion, MailPurpose.RETURN_NOTICE)),
                reminded=reminder in sent,
                reminder_sent_at=sent.get(reminder),
            )
        )
    return found


def _sent_times(mailboxes: set[str]) -> dict[tuple[str, str, MailPurpose], datetime | None]:
    """Return when each notice and reminder to these mailboxes went out, by (mailbox, occasion, purpose)."""
    mails = OutgoingMail.objects.filter(
        purpose__in=(MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER),
        enquiry__waiting__mailbox_key__in=mailboxes,
    )
    rows = mails.values_list("enquiry__waiting__mailbox_key", "occasion", "purpose", "sent_at")
    return {(key, occasion, MailPurpose(purpose)): sent_at for key, occasion, purpose, sent_at in rows}


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
