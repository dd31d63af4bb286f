"""Removing enquiries: by the supervisor's word, or when their time has come. Only a count stays."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from intake.jobs.context import Each, each_or_raise
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.removal import RemovedEnquiry
from intake.models.settings import IntakeSettings
from intake.models.traces import AutomaticReplyTrace, PostingTrace
from intake.models.waiting import WaitingPlace
from intake.retention import RetentionTimes, removal_date
from intake.services.locks import lock_receiving
from intake.services.mapping import remove_unfinished
from intake.services.passing_on import pass_on_mails
from intake.services.queueing import REPLY_WINDOW
from intake.services.receiving import LIMIT_WINDOW


def remove_enquiry(*, enquiry_id: int, now: datetime) -> None:
    """Remove an enquiry with its mails and history, and count it. Nothing happens where it is gone already."""
    with transaction.atomic():
        lock_receiving()
        # With the others of its mailbox on the waiting list, in one order: its mails may pass on to one of them.
        mailbox = WaitingPlace.objects.filter(enquiry=enquiry_id).values("mailbox_key")
        locked = Enquiry.objects.select_for_update(of=("self",)).filter(
            Q(pk=enquiry_id) | Q(waiting__mailbox_key__in=mailbox)
        )
        enquiry = {each.pk: each for each in locked.order_by("pk")}.get(enquiry_id)
        if enquiry is None:
            return
        # A worker may be recording an attempt just now: it ends first, or finds its mail gone.
        list(OutgoingMail.objects.select_for_update().filter(enquiry=enquiry))
        pass_on_mails(enquiry=enquiry, now=now)
        tally, _created = RemovedEnquiry.objects.get_or_create(
            removed_on=timezone.localdate(now), kind=enquiry.kind, outcome=enquiry.outcome
        )
        RemovedEnquiry.objects.filter(pk=tally.pk).update(count=F("count") + 1)
        enquiry.delete()


def retention_times() -> RetentionTimes:
    """Return the times the supervisor has set."""
    chosen = IntakeSettings.load()
    return RetentionTimes(months=chosen.retention_months, spam_days=chosen.spam_days)


def due_for_removal(*, now: datetime) -> list[Enquiry]:
    """Return the closed enquiries whose removal date has come, the oldest first."""
    times, today = retention_times(), timezone.localdate(now)
    due = []
    for enquiry in Enquiry.objects.exclude(closed_at=None).order_by("closed_at"):
        removed_on = removal_date(closed_at=enquiry.closed_at, outcome=enquiry.outcome, times=times)
        if removed_on is not None and removed_on <= today:
            due.append(enquiry)
    return due


def remove_due(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remove what is due, and the traces that have served. Returns how many enquiries went."""
    due = [enquiry.pk for enquiry in due_for_removal(now=now)]
    removed = each(due, lambda pk: _remove_one(pk, now))
    remove_unfinished(now=now)
    PostingTrace.objects.filter(posted_at__lte=now - LIMIT_WINDOW).delete()
    AutomaticReplyTrace.objects.filter(replied_at__lte=now - REPLY_WINDOW).delete()
    return removed


def _remove_one(enquiry_id: int, now: datetime) -> int:
    remove_enquiry(enquiry_id=enquiry_id, now=now)
    return 1
