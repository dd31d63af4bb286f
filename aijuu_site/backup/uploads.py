"""The uploaded originals in a backup: from the folder or the bucket of the default storage, and back."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage

from aijuu_site.backup.archive import BLOCK, BackupError, Member
from aijuu_site.settings.data import BUCKET

FOLDER = "uploads/"


def upload_members() -> Iterator[Member]:
    """Yield all stored files. One that was deleted meanwhile is left out."""
    for name in stored_names(default_storage):
        try:
            with default_storage.open(name) as file:
                yield Member(name=FOLDER + name, size=file.size, chunks=_exactly(file, file.size))
        except FileNotFoundError:
            continue


def stored_names(storage: Storage, folder: str = "") -> Iterator[str]:
    """Yield the names of all files of a storage, but no symbolic links."""
    try:
        folders, names = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(names):
        path = f"{folder}{name}"
        # A bucket lists a folder itself as a file without a name.
        if name and not _is_link(storage, path):
            yield path
    for name in sorted(folders):
        if not _is_link(storage, f"{folder}{name}"):
            yield from stored_names(storage, f"{folder}{name}/")


def save_upload(name: str, path: Path) -> None:
    """Store a file under its own name. Raises BackupError where that is taken."""
    with path.open("rb") as file:
        # save() would make up another name.
        saved = default_storage._save(name, File(file))  # type: ignore[attr-defined]
    if saved != name:
        default_storage.delete(saved)
        raise BackupError(f"the upload {name} could not be stored under its own name")


def stored_chunks(name: str) -> Iterator[bytes]:
    with default_storage.open(name) as file:
        yield from _exactly(file, file.size)


def is_bucket() -> bool:
    return bool(settings.STORAGES["default"]["BACKEND"] == BUCKET)


def _exactly(file: File, size: int) -> Iterator[bytes]:
    left = size
    while left > 0 and (chunk := file.read(min(BLOCK, left))):
        left -= len(chunk)
        yield chunk


def _is_link(storage: Storage, name: str) -> bool:
    return isinstance(storage, FileSystemStorage) and Path(storage.path(name)).is_symlink()
