"""Removing enquiries, by the supervisor or on their removal date. Only a count is kept."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from intake import rate_limit
from intake.enquiry.models import Enquiry, RemovedEnquiry
from intake.enquiry.services import ChangedMeanwhile, require_version
from intake.jobs.runner import Each, each_or_raise
from intake.jobs.schedule import in_batches
from intake.locks import lock_receiving
from intake.mail import queue
from intake.mail.models import AutomaticReplyTrace, OutgoingMail
from intake.rate_limit import PostingTrace

_LOG_WAIT_MS = 200

# Sent with `enquiry` (locked), the `purposes` of its mails and `now`, in the removing transaction, which holds
# lock_receiving().
before_removal = Signal()


def remove_enquiry(*, enquiry_id: int, now: datetime) -> None:
    """Remove an enquiry with its mails and history, and count it unless it is a test letter.

    Does nothing if it does not exist.
    """
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        if enquiry is not None:
            _remove(enquiry, now)


def remove_if_unchanged(*, enquiry_id: int, version: int, now: datetime) -> None:
    """Remove an enquiry. Raises ChangedMeanwhile if it has another `version` or does not exist."""
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        if enquiry is None:
            raise ChangedMeanwhile
        require_version(enquiry, version)
        _remove(enquiry, now)


def remove_proofs(*, now: datetime) -> None:
    """Remove all test letters (intake.proof)."""
    for pk in Enquiry.with_proofs.filter(is_proof=True).values_list("pk", flat=True):
        remove_enquiry(enquiry_id=pk, now=now)


def due_for_removal(*, now: datetime) -> QuerySet[Enquiry]:
    """Return the closed enquiries whose removal date has come, the earliest first."""
    return Enquiry.objects.filter(remove_on__lte=timezone.localdate(now)).order_by("remove_on", "pk")


def remove_due(*, now: datetime, each: Each = each_or_raise) -> int:
    """Remove due enquiries. Returns how many. Those that `each` does not reach stay due."""
    return each(in_batches(due_for_removal(now=now)), lambda pk: _remove_if_due(pk, now))


def delete_expired_traces(*, now: datetime) -> None:
    """Delete the traces of posts and automatic mails that have expired or lie in the future (wrong clock)."""
    PostingTrace.objects.exclude(rate_limit.counted(now)).delete()
    AutomaticReplyTrace.objects.exclude(queue.counted(now)).delete()


def _remove_if_due(enquiry_id: int, now: datetime) -> int:
    """Remove the enquiry if it is still due once locked; it may have been reopened. Returns how many were removed."""
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        if enquiry is None or enquiry.remove_on is None or enquiry.remove_on > timezone.localdate(now):
            return 0
        _remove(enquiry, now)
        return 1


def _locked(enquiry_id: int) -> Enquiry | None:
    """Lock an enquiry and return it with the fields that removal needs; None if it does not exist."""
    lock_receiving()
    locked = Enquiry.with_proofs.select_for_update(of=("self",)).filter(pk=enquiry_id)
    return locked.only("version", "kind", "outcome", "remove_on", "is_proof").first()


def _remove(enquiry: Enquiry, now: datetime) -> None:
    # Locked, so that a worker that is recording a mail attempt either finishes first, or finds that the mail is gone.
    mails = OutgoingMail.objects.select_for_update().filter(enquiry=enquiry)
    purposes = frozenset(mails.values_list("purpose", flat=True))
    before_removal.send(Enquiry, enquiry=enquiry, purposes=purposes, now=now)
    if not enquiry.is_proof:
        tally, _created = RemovedEnquiry.objects.get_or_create(
            removed_on=timezone.localdate(now), kind=enquiry.kind, outcome=enquiry.outcome
        )
        RemovedEnquiry.objects.filter(pk=tally.pk).update(count=F("count") + 1)
    enquiry.delete()
    transaction.on_commit(empty_write_ahead_log)


def empty_write_ahead_log() -> bool:
    """Checkpoint and truncate SQLite's write-ahead log, which still holds removed text. Returns whether it succeeded.

    In the database file itself removed text is overwritten with zeros (secure_delete). A concurrent reader prevents the
    checkpoint; the job "write_ahead_log" tries again. Not needed on PostgreSQL.
    """
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        wait = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        try:
            # Wait only briefly for readers: this may run in a request.
            cursor.execute(f"PRAGMA busy_timeout = {_LOG_WAIT_MS}")
            busy: int = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(wait)}")
    return not busy
