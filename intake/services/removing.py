"""Removing enquiries: by the supervisor's word, or when their time has come. Only a count stays."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from intake.jobs.context import Each, each_or_raise
from intake.jobs.portions import in_portions
from intake.jobs.schedule import CLOCK_TOLERANCE
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.models.removal import RemovedEnquiry
from intake.models.traces import AutomaticReplyTrace, PostingTrace
from intake.models.waiting import WaitingPlace
from intake.services.locks import lock_receiving
from intake.services.queueing import REPLY_WINDOW
from intake.services.receiving import LIMIT_WINDOW
from intake.services.returning import keep_mails_of_mailbox
from intake.services.review import ChangedMeanwhile

_LOG_WAIT_MS = 200


def remove_enquiry(*, enquiry_id: int, now: datetime) -> None:
    """Remove an enquiry with its mails and history, and count it. Nothing happens where it is gone already."""
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        if enquiry is not None:
            _remove(enquiry, now)


def remove_seen(*, enquiry_id: int, version: int, now: datetime) -> None:
    """Remove an enquiry as the supervisor saw it. Raises ChangedMeanwhile where it has changed since, or is gone."""
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        if enquiry is None or enquiry.version != version:
            raise ChangedMeanwhile
        _remove(enquiry, now)


def due_for_removal(*, now: datetime) -> QuerySet[Enquiry]:
    """Return the closed enquiries whose day of removal has come, the oldest first."""
    return Enquiry.objects.filter(remove_on__lte=timezone.localdate(now)).order_by("remove_on", "pk")


def remove_due(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remove what is due, by its keys alone. Returns how many enquiries went; what `each` leaves stays due."""
    return each(in_portions(due_for_removal(now=now)), lambda pk: _remove_if_due(pk, now))


def forget_traces(*, now: datetime) -> None:
    """Remove the traces of posts and automatic mails that have served, and those that a wrong clock has left."""
    PostingTrace.objects.exclude(posted_at__gt=now - LIMIT_WINDOW, posted_at__lte=now + CLOCK_TOLERANCE).delete()
    AutomaticReplyTrace.objects.exclude(
        replied_at__gt=now - REPLY_WINDOW, replied_at__lte=now + CLOCK_TOLERANCE
    ).delete()


def _remove_if_due(enquiry_id: int, now: datetime) -> int:
    """Look again under lock: what was reopened or confirmed since it was listed stays. Returns how many went."""
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        if enquiry is None or enquiry.remove_on is None or enquiry.remove_on > timezone.localdate(now):
            return 0
        _remove(enquiry, now)
        return 1


def _locked(enquiry_id: int) -> Enquiry | None:
    """Lock an enquiry with the others of its mailbox on the waiting list, in one order: one may take over its mails.

    Returns it without its words, which removing does not need.
    """
    lock_receiving()
    mailbox = WaitingPlace.objects.filter(enquiry=enquiry_id).values("mailbox_key")
    locked = Enquiry.objects.select_for_update(of=("self",)).filter(
        Q(pk=enquiry_id) | Q(waiting__mailbox_key__in=mailbox)
    )
    needed = locked.only("version", "kind", "outcome", "remove_on")
    return {each.pk: each for each in needed.order_by("pk")}.get(enquiry_id)


def _remove(enquiry: Enquiry, now: datetime) -> None:
    # A worker may be recording an attempt just now: it ends first, or finds its mail gone.
    list(OutgoingMail.objects.select_for_update().filter(enquiry=enquiry).values_list("pk"))
    keep_mails_of_mailbox(enquiry=enquiry, now=now)
    tally, _created = RemovedEnquiry.objects.get_or_create(
        removed_on=timezone.localdate(now), kind=enquiry.kind, outcome=enquiry.outcome
    )
    RemovedEnquiry.objects.filter(pk=tally.pk).update(count=F("count") + 1)
    enquiry.delete()
    transaction.on_commit(empty_write_ahead_log)


def empty_write_ahead_log() -> bool:
    """Let SQLite write its log into the file, where removed words are zeros, and cut it off. Returns whether it did.

    A reader at work keeps it from doing so; the job "write_ahead_log" tries again. PostgreSQL does this by itself.
    """
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        wait = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        try:
            # Nobody waits for a reader of minutes: neither the supervisor nor a visitor who removes their details.
            cursor.execute(f"PRAGMA busy_timeout = {_LOG_WAIT_MS}")
            busy: int = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(wait)}")
    return not busy
