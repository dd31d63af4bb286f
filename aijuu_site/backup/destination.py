"""Where backups are kept: a folder or a bucket. A file has its final name there only when it is complete."""

import os
import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile, File

from aijuu_site.backup.archive import HEADER, BackupError, Checksum, checksum, file_chunks
from aijuu_site.storages import StorageUnreachable

_BACKUP = re.compile(r"aijuu-(\d{8}T\d{6}Z)-[0-9a-f]{4}\.age")
_REMOVALS = re.compile(r"removals-(\d{8}T\d{6}Z)-[0-9a-f]{8}\.txt")
_TIME = "%Y%m%dT%H%M%SZ"
# An older draft was left over: none takes this long to write.
_DRAFT_SECONDS = 24 * 60 * 60


def backup_name(now: datetime) -> str:
    return f"aijuu-{now.astimezone(UTC).strftime(_TIME)}-{secrets.token_hex(2)}.age"


def removals_name(now: datetime) -> str:
    return f"removals-{now.astimezone(UTC).strftime(_TIME)}-{secrets.token_hex(4)}.txt"


def is_removals(name: str) -> bool:
    return _REMOVALS.fullmatch(name) is not None


def is_backup(name: str) -> bool:
    return _BACKUP.fullmatch(name) is not None


def made_at(name: str) -> datetime | None:
    """Return the time in the name of a backup or a list of removals; None for the name of anything else."""
    found = _BACKUP.fullmatch(name) or _REMOVALS.fullmatch(name)
    return datetime.strptime(found[1], _TIME).replace(tzinfo=UTC) if found else None


class Destination(ABC):
    """The methods raise OSError (a bucket's: StorageUnreachable), or FileNotFoundError if only the file is missing."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of backups and lists of removals, the oldest first."""

    @abstractmethod
    def draft(self, name: str, work: Path) -> Path:
        """Return the local path to which the file is written first."""

    @abstractmethod
    def publish(self, draft: Path, name: str, written: Checksum) -> str:
        """Check the draft by reading it again, give it its final name, and return its place. Raises BackupError."""

    @abstractmethod
    def chunks(self, name: str) -> Iterator[bytes]: ...

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Write a small file. When this returns, it is on the disk or in the bucket."""

    @abstractmethod
    def delete(self, name: str) -> None: ...


class Folder(Destination):
    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        if not self.path.is_dir():
            return []
        return _sorted([entry.name for entry in self.path.iterdir() if entry.is_file()])

    def draft(self, name: str, work: Path) -> Path:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.path.glob(".*.part"):
            if made_at(left.name[1:-5]) and time.time() - left.stat().st_mtime > _DRAFT_SECONDS:
                left.unlink(missing_ok=True)
        return self.path / f".{name}.part"

    def publish(self, draft: Path, name: str, written: Checksum) -> str:
        _forget_cached(draft)
        _require(_read_again(file_chunks(draft)), written)
        os.replace(draft, self.path / name)
        self._sync()
        return str(self.path / name)

    def chunks(self, name: str) -> Iterator[bytes]:
        return file_chunks(self.path / name)

    def write(self, name: str, text: str) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path / f".{name}.part"
        try:
            with draft.open("w", encoding="ascii") as file:
                os.chmod(draft, 0o600)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path / name)
        finally:
            draft.unlink(missing_ok=True)
        self._sync()

    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def _sync(self) -> None:
        """Make new names survive a power failure."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Bucket(Destination):
    def __init__(self, options: dict[str, str]) -> None:
        # Imported only here: boto3 takes much memory.
        from aijuu_site.bucket import BucketStorage

        self._storage = BucketStorage(base_url="", location="backups", **options)

    def names(self) -> list[str]:
        return _sorted(self._storage.listdir("")[1])

    def draft(self, name: str, work: Path) -> Path:
        return work / name

    def publish(self, draft: Path, name: str, written: Checksum) -> str:
        try:
            with draft.open("rb") as file:
                self._storage.save_exactly(name, File(file))
            _require(_read_again(self._storage.chunks(name)), written)
        except BaseException:
            # The file has its final name already. If it can't be deleted, a restore detects that it is incomplete.
            with suppress(OSError):
                self._storage.delete(name)
            raise
        draft.unlink()
        return f"s3://{self._storage.bucket_name}/backups/{name}"

    def chunks(self, name: str) -> Iterator[bytes]:
        return self._storage.chunks(name)

    def write(self, name: str, text: str) -> None:
        self._storage.save_exactly(name, ContentFile(text.encode("ascii")))

    def delete(self, name: str) -> None:
        self._storage.delete(name)


def configured_destination() -> Destination:
    """Return the destination that BACKUP_TO names."""
    chosen = settings.BACKUP_TO
    return Bucket(chosen["bucket"]) if "bucket" in chosen else Folder(chosen["folder"])


def _sorted(names: list[str]) -> list[str]:
    """Return the names of backups and lists of removals, sorted by the time in them."""
    return sorted((name for name in names if made_at(name)), key=lambda name: (made_at(name), name))


def _read_again(chunks: Iterator[bytes]) -> tuple[Checksum, bytes]:
    first: list[bytes] = []

    def seen() -> Iterator[bytes]:
        for chunk in chunks:
            if not first:
                first.append(chunk[: len(HEADER)])
            yield chunk

    found = checksum(seen())
    return found, first[0] if first else b""


def _require(read: tuple[Checksum, bytes], written: Checksum) -> None:
    if read != (written, HEADER):
        raise BackupError("the backup was read again and is not what was written; it is thrown away")


def _forget_cached(path: Path) -> None:
    """Drop the file from the system's cache where possible, so that the next read comes from the disk."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def described(error: OSError, *, with_path: bool = True) -> str:
    """Return the error as part of one line. The path tells which of several files failed; logs must not contain it."""
    place = error.place if isinstance(error, StorageUnreachable) else error.filename if with_path else ""
    return f"{f'{place}: ' if place else ''}{error.strerror or error} ({type(error).__name__})"
