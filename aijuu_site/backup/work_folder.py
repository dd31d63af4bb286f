"""What lies in DATA_DIR only while a backup or restore runs, and how it goes when a signal ends one.

That is the private folder in which a database lies unencrypted, and the mark of a restore under way.
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

# Of the room and of what one account may take of it.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_BLOCK = bytes(1024 * 1024)
# What says where a PostgreSQL connection leads: the user and the options may choose the schema.
_WHERE = ("service", "host", "hostaddr", "port", "dbname", "user", "options")


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


def mark_path() -> Path:
    return Path(settings.DATA_DIR) / "restore.unfinished"


def mark() -> None:
    """Write down that a restore begins to write into the database and storage that are set."""
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
    """Return whether a restore into this place was interrupted. Raises BackupError where it was one into another."""
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
    """Return where the database and the uploads are, without any secret."""
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
    """Return the path, relative to DATA_DIR where it lies in it, since that may be moved as a whole."""
    path, home = Path(text).resolve(), Path(settings.DATA_DIR).resolve()
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


@contextmanager
def exit_on_signal() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that is gone, raise SystemExit inside, so that everything is cleaned up.

    Main thread only.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    # Of nohup.
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        # The way out must not be interrupted by a second one.
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        stopped.append(number)
        sys.exit(128 + number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except Exception as error:
        # Code that is not Python's own (pyrage) turns a SystemExit into an error of its own.
        if stopped:
            raise SystemExit(128 + stopped[0]) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
