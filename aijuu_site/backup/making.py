"""Make a backup: copy the database, check the copy, encrypt it with the uploads, and read the file again."""

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.utils import timezone

from aijuu_site.backup.archive import BackupError, Checksum, Member, file_chunks, write_archive
from aijuu_site.backup.contents import Copy, copy_database, database_kind, upload_members
from aijuu_site.backup.destination import Destination, backup_name, is_backup, made_at
from aijuu_site.backup.status import KEPT, REMOVALS_KEPT, last_backup, may_delete_old
from aijuu_site.backup.work_folder import FULL_DISK, private_folder
from aijuu_site.models import Backup

FORMAT = 1
MANIFEST = "manifest.json"
_PACKAGES = ("aijuu-site", "django", "wagtail")
# A list of the settings that contain no secrets, so that a new setting is not included by mistake.
_SETTINGS = (
    "SITE_URL",
    "ALLOWED_HOSTS",
    "PORT",
    "HOST",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_HOST",
    "EMAIL_PORT",
    "FORM_RATE_LIMIT",
    "TRUSTED_PROXIES",
    "WEB_PROCESSES",
    "BACKUP_KEYS",
)


@dataclass(frozen=True)
class Made:
    """A backup that was made: where it is, and its size in bytes."""

    place: str
    size: int


def make_backup(destination: Destination, *, name: str, now: datetime) -> Made:
    """Make a backup at `destination`. Raises BackupError or OSError; then no file is left there."""
    if not settings.BACKUP_KEYS:
        raise BackupError(
            "BACKUP_KEY is not set, so there is no key to encrypt to; `manage.py backup_key` makes a pair"
        )
    with private_folder() as work:
        copy = copy_database(work)
        draft = destination.draft(name, work)
        try:
            written = write_archive(draft, _members(copy, now), keys=settings.BACKUP_KEYS)
            return Made(destination.publish(draft, name, written), written.size)
        except OSError as error:
            if error.errno in FULL_DISK and draft.parent != work:
                # The original error names no file, so it would not tell which of the two disks is full.
                raise BackupError(f"the disk of {draft.parent} is full") from error
            raise
        finally:
            draft.unlink(missing_ok=True)


def make_recorded_backup(destination: Destination, *, now: datetime) -> Made:
    """Make a backup, record it, and delete those that are no longer kept. Raises the same errors as make_backup()."""
    previous = last_backup(now=now)
    record = Backup.objects.create(name=backup_name(now), begun_at=now)
    try:
        made = make_backup(destination, name=record.name, now=now)
    except BaseException as error:
        record.error = type(error).__name__[:100]
        record.save(update_fields=["error"])
        raise
    record.checked_at, record.size = timezone.now(), made.size
    record.save(update_fields=["checked_at", "size"])
    if may_delete_old(previous=previous.begun_at if previous else None, now=now):
        delete_old(destination, now=now)
    return made


def delete_old(destination: Destination, *, now: datetime) -> None:
    """Delete the backups and lists of removals that are past their retention period, and the backups' records."""
    for name in destination.names():
        moment = made_at(name)
        if moment is not None and now - moment > (KEPT if is_backup(name) else REMOVALS_KEPT):
            destination.delete(name)
    Backup.objects.filter(begun_at__lt=now - KEPT).delete()


def fingerprint(secret: str) -> str:
    """Return a short hash that tells one long random secret from another without revealing it."""
    return hashlib.sha256(b"aijuu_site.backup.fingerprint" + secret.encode()).hexdigest()[:16]


def _members(copy: Copy, now: datetime) -> Iterator[Member]:
    """Yield the copy of the database, the uploads, and finally the manifest with the checksums of both."""
    checksums: dict[str, Checksum] = {}
    database = Member(name=copy.path.name, size=copy.path.stat().st_size, chunks=file_chunks(copy.path))
    yield _counted(database, checksums)
    for member in upload_members():
        yield _counted(member, checksums)
    content = json.dumps(_manifest(copy, checksums, now), indent=1, sort_keys=True).encode()
    yield Member(name=MANIFEST, size=len(content), chunks=[content])


def _counted(member: Member, checksums: dict[str, Checksum]) -> Member:
    def chunks() -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for chunk in member.chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        checksums[member.name] = Checksum(size, digest.hexdigest())

    return Member(name=member.name, size=member.size, chunks=chunks())


def _manifest(copy: Copy, checksums: dict[str, Checksum], now: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "begun_at": now.isoformat(),
        "database": database_kind(),
        "tables": copy.tables,
        "migrations": copy.migrations,
        "files": {name: asdict(found) for name, found in checksums.items()},
        "versions": {"python": platform.python_version(), "database": copy.server, **_versions()},
        "keys": {"SECRET_KEY": fingerprint(settings.SECRET_KEY)},
        "settings": {name: getattr(settings, name) for name in _SETTINGS if hasattr(settings, name)},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            # The site itself is not installed as a package where it runs from its folder.
            continue
    return found
