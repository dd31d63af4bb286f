"""The private folder in which a database lies unencrypted while it is backed up or restored."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from aijuu_site.backup.archive import BackupError

# Of the room and of what one account may take of it.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_BLOCK = bytes(1024 * 1024)


def work_folder() -> Path:
    return Path(settings.DATA_DIR) / "backup-work"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make the folder and remove it afterwards, with what an earlier run left.

    Raises BackupError where another process uses it. A kill leaves it to the next backup, restore or start.
    """
    with _lock():
        folder = work_folder()
        _remove(folder)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            _remove(folder)


def remove_leftovers() -> None:
    """Remove what a killed backup or restore left, unless one is running."""
    if not work_folder().exists():
        return
    try:
        with _lock():
            _remove(work_folder())
    except BackupError:
        # It is in use.
        return


@contextmanager
def _lock() -> Iterator[None]:
    descriptor = os.open(Path(settings.DATA_DIR) / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError("another backup or restore is running; wait for its end") from error
        yield
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    if not folder.exists():
        return
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            overwrite(path)
    shutil.rmtree(folder)


def overwrite(path: Path) -> None:
    """Overwrite a file with zeros before it goes, as the database does with removed rows."""
    left = path.stat().st_size
    try:
        with path.open("r+b") as file:
            while left > 0:
                left -= file.write(_BLOCK[:left])
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # Some file systems need free space even for this. Then it is only removed.
        if error.errno not in FULL_DISK:
            raise
