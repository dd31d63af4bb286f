"""Services that write places: joining, order, links."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max, Min, QuerySet
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from home.pause.models import PauseNotice
from home.pause.rules import calendar_day, pause_state
from intake.choices import Kind, MailPurpose, MailState, Outcome, PlanState, Status, StepKind, Verdict
from intake.enquiry.mails import enquiry_of
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.rules import months_later
from intake.enquiry.services import (
    accepted,
    listed,
    lock_enquiry,
    require_version,
    save_change,
    test_letter_listed,
)
from intake.locks import lock_receiving
from intake.mail.models import OutgoingMail
from intake.mail.queue import MadeLink, new_secret, register_link, secret_digest
from intake.mailbox import mailbox_key, same_address
from intake.settings import IntakeSettings
from intake.typed_text import clean_line
from intake.waiting.mails import WAITING_LINK, plan_key, queue_test_confirmation, queue_waiting_confirmation
from intake.waiting.models import ReturnPlan, WaitingLink, WaitingPlace

# The mails with the private link; once one is sent, its address may get other mails.
LINK_PURPOSES = (MailPurpose.WAITING_CONFIRMATION, MailPurpose.WAITING_LINK)
REASON_LIMIT = 200
# If the supervisor puts a place back on the list within this time after taking it off, the place waits on as before.
TIME_TO_PUT_BACK = timedelta(hours=1)


def mailable_places() -> QuerySet[WaitingPlace]:
    """Return the places on the list that may get mails, notified or not: their people have asked for mail.

    Suspicious places are left out. So are places whose address was not sent a mail with the link to leave the list yet:
    somebody else may have entered the address, so the supervisor contacts these people. is_mailable() checks one place.
    """
    return WaitingPlace.objects.filter(
        enquiry__status=Status.WAITING_LIST,
        enquiry__verdict=Verdict.ACCEPTED,
        wants_mail=True,
        reached_at__isnull=False,
    )


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox that has or had places on the list. It counts as one person, however many enquiries it has."""

    key: str

    @property
    def places(self) -> QuerySet[WaitingPlace]:
        return WaitingPlace.objects.filter(mailbox_key=self.key)

    def mails(self, *purposes: MailPurpose) -> QuerySet[OutgoingMail]:
        return OutgoingMail.objects.filter(purpose__in=purposes, enquiry__waiting__mailbox_key=self.key)

    def lock(self) -> None:
        """Lock its enquiries. The caller has called lock_receiving()."""
        _lock_enquiries(self.places)


def is_mailable(place: WaitingPlace) -> bool:
    """Return whether a place, loaded with its enquiry, is one of mailable_places()."""
    enquiry = place.enquiry
    on_list = enquiry.status == Status.WAITING_LIST and not enquiry.is_quarantined
    return on_list and place.wants_mail and place.reached_at is not None


def lock_places(place_ids: Iterable[int]) -> dict[int, WaitingPlace]:
    """Lock the enquiries of these places, and return those that are still mailable, by primary key.

    The caller has called lock_receiving(). Lock order: lock_receiving(), enquiries by primary key, dependent rows.
    """
    wanted = list(place_ids)
    _lock_enquiries(WaitingPlace.objects.filter(pk__in=wanted))
    return mailable_places().select_related("enquiry", "plan").in_bulk(wanted)


def _lock_enquiries(places: QuerySet[WaitingPlace]) -> None:
    list(Enquiry.objects.select_for_update(of=("self",)).filter(waiting__in=places).order_by("pk").values_list("pk"))


def record_steps(
    enquiry_ids: Iterable[int], kind: StepKind, *, by: AbstractBaseUser | None = None, now: datetime
) -> None:
    """Add a step to the history of each enquiry."""
    EnquiryStep.objects.bulk_create(
        EnquiryStep(enquiry_id=enquiry_id, kind=kind, changed_at=now, changed_by_id=by.pk if by else None)
        for enquiry_id in enquiry_ids
    )


def takes_new_clients(now: datetime) -> bool:
    """Return whether new supervision is started now, according to the database: only then is the list notified."""
    return pause_state(PauseNotice.load().settings, now).takes_new_clients


def link_for_place(*, enquiry: Enquiry, now: datetime) -> str:
    """Return the secret (256 random bits) of a new private link; earlier links stay valid.

    Raises WaitingPlace.DoesNotExist if the enquiry has no place or was removed.
    """
    with transaction.atomic():
        place = WaitingPlace.objects.select_for_update().get(enquiry=enquiry)
        secret = new_secret()
        WaitingLink.objects.create(place=place, secret_digest=secret_digest(secret), created_at=now)
    return secret


def _link_for(mail: OutgoingMail, now: datetime) -> MadeLink:
    enquiry = enquiry_of(mail)
    # The link in the mail of a test letter opens nothing.
    return MadeLink(secret=new_secret() if enquiry.is_proof else link_for_place(enquiry=enquiry, now=now))


register_link(WAITING_LINK, _link_for)


def find_place(secret: str) -> WaitingPlace | None:
    """Return the place of a private link with its enquiry; None if it does not exist."""
    link = WaitingLink.objects.select_related("place__enquiry").filter(secret_digest=secret_digest(secret)).first()
    return link.place if link else None


@receiver(listed)
def join(
    *, enquiry: Enquiry, wants_mail: bool, months: int | None = None, now: datetime, **_signal: object
) -> WaitingPlace:
    """Return the place of the enquiry: a new one at the end of the list, or the one it had before.

    An enquiry that returns to the list keeps its rank and the wish for mail. Questions and notices start over, unless
    the supervisor has corrected a mistake (_is_put_back). The confirmation is queued, once for each enquiry, for people
    who joined themselves or want mail. The caller has called lock_receiving() before locking the enquiry.
    """
    with transaction.atomic():
        lock_receiving()
        earlier = WaitingPlace.objects.select_for_update().filter(enquiry=enquiry).first()
        if earlier:
            if not _is_put_back(earlier, now):
                reset_waiting(earlier, months=min(earlier.months, IntakeSettings.load().waiting_months), now=now)
            queue_joining_confirmation(enquiry=enquiry, now=now)
            return earlier
        last = WaitingPlace.objects.aggregate(last=Max("rank"))["last"] or 0
        # The address may already have been reached through another enquiry.
        reached = WaitingPlace.objects.filter(same_address("enquiry__email", enquiry.email)).exclude(reached_at=None)
        place = WaitingPlace.objects.create(
            enquiry=enquiry,
            joined_at=now,
            rank=last + 1,
            wants_mail=wants_mail,
            mailbox_key=mailbox_key(enquiry.email),
            confirmed_at=now,
            reached_at=reached.values_list("reached_at", flat=True).first(),
            months=months or IntakeSettings.load().waiting_months,
        )
        queue_joining_confirmation(enquiry=enquiry, now=now)
    return place


def _is_put_back(place: WaitingPlace, now: datetime) -> bool:
    """Return whether the supervisor took the place off the list less than TIME_TO_PUT_BACK ago.

    Then earlier questions and notices still hold and must not be sent again. False if the person has answered YES or
    NO. False if the place left the list without an answer, or after the removal notice: it would leave again at once.
    False if its notice of the return does not count any more (_forget_running_plan). The history already contains the
    step of its return.
    """
    if place.notified_at and not _has_notice(place):
        return False
    steps = EnquiryStep.objects.filter(enquiry=place.enquiry_id)
    ended = steps.filter(kind__in=(StepKind.ANSWERED_YES, StepKind.ANSWERED_NO), changed_at__gt=place.confirmed_at)
    if place.removal_notice_at or ended.exists():
        return False
    off_list = list(
        itertools.takewhile(
            lambda step: step.kind == StepKind.STATUS and step.status != Status.WAITING_LIST,
            steps.filter(kind__in=(StepKind.STATUS, StepKind.ANSWERED_STAY)).order_by("-pk")[1:],
        )
    )
    if not off_list or any(step.outcome == Outcome.NO_RESPONSE and step.changed_by_id is None for step in off_list):
        return False
    return timedelta() <= now - off_list[-1].changed_at < TIME_TO_PUT_BACK


def _has_notice(place: WaitingPlace) -> bool:
    notices = Mailbox(place.mailbox_key).mails(MailPurpose.RETURN_NOTICE)
    return place.plan_id is not None and notices.filter(deduplication_key=plan_key(place.plan_id)).exists()


@receiver(accepted)
def begin_waiting(*, enquiry: Enquiry, now: datetime, **_signal: object) -> None:
    """Queue the confirmation of a place whose enquiry the supervisor has accepted.

    If its first question or its removal is already due, its time starts now: while the enquiry was suspicious, no mail
    was sent to the person. Runs in the caller's transaction, which holds lock_receiving().
    """
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place and months_later(calendar_day(place.confirmed_at), place.months) <= calendar_day(now):
        place.confirmed_at = now
        place.save(update_fields=["confirmed_at"])
    queue_joining_confirmation(enquiry=enquiry, now=now)


def queue_joining_confirmation(*, enquiry: Enquiry, now: datetime) -> bool:
    """Queue the confirmation of a place unless it was queued before. Returns whether it was queued.

    Not for people whom the supervisor put on the list without a wish for mail. While the enquiry is suspicious, nothing
    is queued until she accepts it. Runs in the caller's transaction, which holds lock_receiving().
    """
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None or enquiry.status != Status.WAITING_LIST:
        return False
    place.enquiry = enquiry
    if enquiry.kind != Kind.WAITING and not place.wants_mail:
        return False
    return queue_waiting_confirmation(place=place, now=now)


@receiver(test_letter_listed)
def confirm_test_letter(*, enquiry: Enquiry, now: datetime, **_signal: object) -> None:
    """Queue the confirmation of joining for a test letter, which does not join the list."""
    if not enquiry.is_quarantined:
        queue_test_confirmation(enquiry=enquiry, months=IntakeSettings.load().waiting_months, now=now)


def reset_waiting(place: WaitingPlace, *, months: int, now: datetime) -> None:
    """Record that the person is waiting as of now, and reset earlier questions and notices.

    `months`: the months between the questions from now on. It may be raised only by the person's own answer.
    """
    _forget_running_plan(place, now)
    place.confirmed_at = now
    place.months = months
    place.asked_at = None
    place.asked_times = 0
    place.removal_notice_at = None
    place.notified_at = None
    place.reminded_at = None
    place.save(
        update_fields=[
            "confirmed_at",
            "months",
            "asked_at",
            "asked_times",
            "removal_notice_at",
            "plan",
            "notified_at",
            "reminded_at",
        ]
    )


def _forget_running_plan(place: WaitingPlace, now: datetime) -> None:
    """Let the running plan notify this mailbox again, unless another of its places on the list counts as notified.

    A plan skips mailboxes that have a mail with its key (intake.waiting.return_plan), so the keys of the sent mails are
    changed. Unsent mails are deleted.
    """
    plan = place.plan
    if plan is None or plan.state != PlanState.RUNNING:
        return
    place.plan = None
    mailbox = Mailbox(place.mailbox_key)
    others = mailbox.places.filter(plan=plan, enquiry__status=Status.WAITING_LIST).exclude(pk=place.pk)
    if others.exclude(notified_at=None).exists():
        return
    mails = mailbox.mails(MailPurpose.RETURN_NOTICE, MailPurpose.RETURN_REMINDER)
    for mail in mails.filter(deduplication_key=plan_key(plan.pk)).only("purpose", "state", "deduplication_key"):
        is_unsent = mail.state in (MailState.QUEUED, MailState.FAILED)
        # If another place of the mailbox comes back later, no mail has the key: the notice is counted out only once.
        if mail.purpose == MailPurpose.RETURN_NOTICE:
            # The same notice was also for the places of the mailbox that are not on the list.
            mailbox.places.filter(plan=plan).update(plan=None, notified_at=None, reminded_at=None)
            count_out_notice(plan_id=plan.pk, unsent_since=place.notified_at if is_unsent else None)
        if is_unsent:
            mail.delete()
            record_steps([place.enquiry_id], StepKind.MAIL_WITHDRAWN, now=now)
        else:
            mail.deduplication_key = f"{mail.deduplication_key} {mail.pk}"
            mail.save(update_fields=["deduplication_key"])


def count_out_notice(*, plan_id: int, unsent_since: datetime | None) -> None:
    """Count one mailbox less as notified by the plan. `unsent_since`: when its notice was queued, if it was not sent.

    A notice that was sent still counts for its day, so that no more answers come than the supervisor has asked for.
    """
    plan = ReturnPlan.objects.filter(pk=plan_id)
    plan.filter(notified__gt=0).update(notified=F("notified") - 1)
    if unsent_since is not None:
        same_day = plan.filter(notified_on=timezone.localdate(unsent_since), notified_that_day__gt=0)
        same_day.update(notified_that_day=F("notified_that_day") - 1)


class NotWaiting(Exception):
    """The enquiry is not on the waiting list."""


def clean_reason(reason: str) -> str:
    """Return the reason on one line. Raises ValidationError if it is empty or too long."""
    words = clean_line(reason)
    if not 0 < len(words) <= REASON_LIMIT:
        raise ValidationError(_("Write why, in %(limit)d characters at most.") % {"limit": REASON_LIMIT}, code="reason")
    return words


def move_ahead(*, enquiry_id: int, version: int, reason: str, by: AbstractBaseUser | None, now: datetime) -> None:
    """Move an enquiry to the head of the list, with a reason.

    Raises ValidationError for an empty or too long reason, ChangedMeanwhile for an old `version`, NotWaiting if the
    enquiry is not on the list.
    """
    words = clean_reason(reason)
    with transaction.atomic():
        place = _locked_place(enquiry_id, version)
        first = WaitingPlace.objects.aggregate(first=Min("rank"))["first"]
        if place.rank != first:
            place.rank = first - 1
        place.moved_ahead_at = now
        place.move_reason = words
        place.save(update_fields=["rank", "moved_ahead_at", "move_reason"])
        save_change(place.enquiry, StepKind.MOVED_AHEAD, by=by, now=now)


def move_back(*, enquiry_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> None:
    """Move an enquiry that was moved ahead back to its place by arrival; otherwise do nothing.

    Raises ChangedMeanwhile for an old `version`, NotWaiting if the enquiry is not on the list.
    """
    with transaction.atomic():
        place = _locked_place(enquiry_id, version)
        if place.moved_ahead_at is None:
            return
        # Primary keys show the order of arrival, even if a clock was wrong.
        followers = WaitingPlace.objects.filter(moved_ahead_at=None, pk__gt=place.pk)
        follower = followers.order_by("rank").first()
        if follower is None:
            rank = WaitingPlace.objects.aggregate(last=Max("rank"))["last"] + 1
        else:
            rank = follower.rank
            _shift_ranks(rank)
        WaitingPlace.objects.filter(pk=place.pk).update(rank=rank, moved_ahead_at=None, move_reason="")
        save_change(place.enquiry, StepKind.MOVED_BACK, by=by, now=now)


def _locked_place(enquiry_id: int, version: int) -> WaitingPlace:
    lock_receiving()
    enquiry = lock_enquiry(enquiry_id)
    require_version(enquiry, version)
    place = WaitingPlace.objects.filter(enquiry=enquiry).first()
    if place is None or enquiry.status != Status.WAITING_LIST:
        raise NotWaiting
    place.enquiry = enquiry
    return place


def _shift_ranks(rank: int) -> None:
    """Increase `rank` and all higher ranks by one. Two updates, because the database checks uniqueness row by row."""
    reach = WaitingPlace.objects.aggregate(reach=Max("rank") - Min("rank"))["reach"] + 2
    WaitingPlace.objects.filter(rank__gte=rank).update(rank=F("rank") + reach)
    WaitingPlace.objects.filter(rank__gte=rank + reach).update(rank=F("rank") - reach + 1)
