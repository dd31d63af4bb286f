"""Removals that a restored backup must repeat (tombstones).

A removal is recorded in the transaction that removes: a crash leaves both or neither, and a removal that is rolled
back is not recorded. The worker writes the records to the destination of the backups within seconds, in files that are
never changed. They contain the kind, the time, and a keyed hash of a random id; the key is in the database.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model, Q
from django.db.models.signals import pre_delete
from django.utils import timezone
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from aijuu_site.accounts.models import User
from aijuu_site.backup.archive import BackupError
from aijuu_site.backup.destination import Destination, configured_destination, is_removals, removals_name
from aijuu_site.backup.status import REMOVALS_KEPT
from aijuu_site.models import Removal
from intake.enquiry.models import Enquiry
from intake.enquiry.removal import remove_enquiry
from intake.mailbox import database_key, hash_with
from intake.mapping.links import remove_unsent
from intake.mapping.models import InitialMapping

_PURPOSE = "aijuu_site.backup.removal"
_BATCH = 500
# A removal that was recorded before a backup began may have been committed afterwards.
_LONGEST_TRANSACTION = timedelta(minutes=5)


@dataclass(frozen=True)
class _Kind:
    """A kind of row whose removals are recorded: its model, its id, and how it is removed again.

    `fields` are loaded from the database. If `is_reused`, what `id_of` returns may be assigned again, so only removals
    since the backup are repeated. Rows for which `holds_data` is false are not recorded.
    """

    model: type[Model]
    fields: tuple[str, ...]
    id_of: Callable[[Any], str]
    remove: Callable[[Any], object]
    is_reused: bool = False
    holds_data: Callable[[Any], bool] = lambda _row: True


def _delete(row: Model) -> None:
    row.delete()


def _remove_enquiry(enquiry: Enquiry) -> None:
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())


def _remove_mapping(mapping: InitialMapping) -> None:
    # A mapping that was sent is removed with its enquiry.
    if not mapping.is_sent:
        remove_unsent(mapping)


_KINDS = {
    "enquiry": _Kind(Enquiry, ("receipt",), lambda row: str(row.receipt), _remove_enquiry),
    # Recorded also when it is removed with its enquiry, because the backup may contain it from before it was sent.
    # A later mapping of the same enquiry has the same id.
    "mapping": _Kind(
        InitialMapping,
        ("submission_id", "enquiry", "sent_at"),
        lambda row: str(row.submission_id),
        _remove_mapping,
        is_reused=True,
        holds_data=lambda row: row.started_at is not None,
    ),
    # After a restore, ids that were assigned since the backup are assigned again.
    "account": _Kind(User, (), lambda row: str(row.pk), _delete, is_reused=True),
    # Identified by their files, which have random names.
    "picture": _Kind(get_image_model(), ("file",), lambda row: str(row.file.name), _delete),
    "document": _Kind(get_document_model(), ("file",), lambda row: str(row.file.name), _delete),
}


@dataclass(frozen=True)
class Removed:
    """One line of a list of removals."""

    removed_at: datetime
    kind: str
    digest: str

    def line(self) -> str:
        return f"{self.removed_at.isoformat()} {self.kind} {self.digest}\n"

    @classmethod
    def read(cls, line: str) -> "Removed":
        """Parse a line. Raises ValueError."""
        moment, kind, digest = line.split(" ")
        removed_at = datetime.fromisoformat(moment)
        if kind not in _KINDS or len(digest) != 64 or removed_at.tzinfo is None:
            raise ValueError("no line of a list of removals")
        return cls(removed_at, kind, digest)


def record_removals() -> None:
    """Connect the signals that record every deletion of a row of these kinds, whatever code deletes it."""
    for name, kind in _KINDS.items():
        pre_delete.connect(_recorder(name), sender=kind.model, dispatch_uid=f"backup removal {name}", weak=False)


def _recorder(name: str) -> Callable[..., None]:
    def record(sender: type[Model], instance: Any, **_more: Any) -> None:
        if _KINDS[name].holds_data(instance):
            Removal.objects.create(kind=name, digest=_digest(name, instance, database_key()), removed_at=timezone.now())

    return record


def _digest(kind: str, row: Any, key: str) -> str:
    return hash_with(key, _PURPOSE, f"{kind}:{_KINDS[kind].id_of(row)}")


def export_removals(*, now: datetime) -> int:
    """Write the new records to the destination, as one file. Returns their number. Raises OSError."""
    if not settings.BACKUP_KEYS:
        return 0
    rows = list(Removal.objects.filter(exported_at=None).order_by("pk")[:_BATCH])
    if not rows:
        return 0
    lines = [Removed(row.removed_at, row.kind, row.digest).line() for row in rows]
    configured_destination().write(removals_name(now), "".join(lines))
    # If the process is killed in between, they are written once more, which does no harm.
    Removal.objects.filter(pk__in=[row.pk for row in rows]).update(exported_at=now)
    return len(rows)


def forget_old_removals(*, now: datetime) -> None:
    """Delete the records that no kept backup needs, except those that still have to be exported."""
    old = Removal.objects.filter(removed_at__lt=now - REMOVALS_KEPT)
    (old.filter(~Q(exported_at=None)) if settings.BACKUP_KEYS else old).delete()


def read_removals(destination: Destination) -> set[Removed]:
    """Return all removals that are recorded at the destination. Raises OSError or BackupError."""
    found: set[Removed] = set()
    for name in destination.names():
        if is_removals(name):
            found |= parse_removals(b"".join(destination.chunks(name)).decode("ascii", errors="replace"), name)
    return found


def parse_removals(text: str, name: str) -> set[Removed]:
    try:
        return {Removed.read(line) for line in text.splitlines()}
    except ValueError as error:
        raise BackupError(f"{name} is no list of removals, or is damaged") from error


def repeat_removals(removals: Iterable[Removed], *, backup_at: datetime) -> int:
    """Repeat the recorded removals in a restored backup, which began at `backup_at`. Returns the number of rows."""
    wanted: dict[str, set[str]] = {}
    for removed in removals:
        if not _KINDS[removed.kind].is_reused or removed.removed_at >= backup_at - _LONGEST_TRANSACTION:
            wanted.setdefault(removed.kind, set()).add(removed.digest)
    done, key = 0, database_key()
    for name, digests in wanted.items():
        kind = _KINDS[name]
        rows = kind.model._default_manager.only("pk", *kind.fields)
        for row in [row for row in rows.iterator() if _digest(name, row, key) in digests]:
            kind.remove(row)
            done += 1
    return done
