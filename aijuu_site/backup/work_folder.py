"""Files in DATA_DIR that exist only while a backup or restore runs, and their cleanup when a signal ends it.

They are a private folder, which contains an unencrypted database, and the mark of an unfinished restore.
"""

import errno
import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import connection

from aijuu_site.backup.archive import BackupError

# The disk is full, or the user's quota is.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_BLOCK = bytes(1024 * 1024)
# The parameters that identify the database of a PostgreSQL connection. User and options may select the schema.
_WHERE = ("service", "host", "hostaddr", "port", "dbname", "user", "options")


def work_folder() -> Path:
    return Path(settings.DATA_DIR) / "backup-work"


@contextmanager
def private_folder() -> Iterator[Path]:
    """Create the folder and remove it afterwards. Remains of an earlier run are removed first.

    Raises BackupError if another process uses it. After a kill, the next backup, restore or start removes it.
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
        # A backup or restore is running.
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
    """Overwrite a file with zeros before it is deleted, as the database does with deleted rows."""
    left = path.stat().st_size
    try:
        with path.open("r+b") as file:
            while left > 0:
                left -= file.write(_BLOCK[:left])
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # Some file systems need free space even for this. Then the file is deleted without being overwritten.
        if error.errno not in FULL_DISK:
            raise


def mark_path() -> Path:
    return Path(settings.DATA_DIR) / "restore.unfinished"


def mark() -> None:
    """Record that a restore begins to write into the configured database and storage."""
    draft = mark_path().with_name(f".{mark_path().name}")
    with draft.open("w", encoding="utf-8") as file:
        os.chmod(draft, 0o600)
        json.dump(_place(), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, mark_path())


def unmark() -> None:
    mark_path().unlink(missing_ok=True)


def was_interrupted() -> bool:
    """Return whether a restore into this database and storage was interrupted. Raises BackupError if into others."""
    try:
        place = json.loads(mark_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        place = None
    if place != _place():
        raise BackupError(
            f"a restore was interrupted that wrote into {' and '.join(place or ['an unknown place'])}, and "
            "DATABASE_URL or STORAGE_URL names another place now; set them as they were then and run "
            f"`manage.py restore` again, or delete what it wrote, and {mark_path()}"
        )
    return True


def _place() -> list[str]:
    """Return the locations of the database and the uploads, without any secret."""
    if connection.vendor == "sqlite":
        database = _path(connection.settings_dict["NAME"])
    else:
        known = connection.get_connection_params()
        database = " ".join(f"{name}={known[name]}" for name in _WHERE if known.get(name))
    options = settings.STORAGES["default"]["OPTIONS"]
    if "bucket_name" in options:
        return [database, f"{options['endpoint_url']}/{options['bucket_name']}/{options['location']}"]
    return [database, _path(options["location"])]


def _path(text: str) -> str:
    """Return the path; if it is in DATA_DIR, relative to it, because DATA_DIR may be moved as a whole."""
    path, home = Path(text).resolve(), Path(settings.DATA_DIR).resolve()
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


@contextmanager
def exit_on_signal() -> Iterator[None]:
    """Let SIGTERM and SIGHUP (a closed terminal) raise SystemExit in the context, so that everything is cleaned up.

    For the main thread only.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    # Signals that are ignored stay so: nohup ignores SIGHUP.
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        # A second signal must not interrupt the cleanup.
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        stopped.append(number)
        sys.exit(128 + number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except Exception as error:
        # Native code (pyrage) turns a SystemExit into its own error.
        if stopped:
            raise SystemExit(128 + stopped[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
