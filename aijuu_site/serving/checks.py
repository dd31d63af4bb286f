"""Checks before start-up writes anything."""

import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.checks import Tags
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.utils import Error, OperationalError

from aijuu_site.backup.archive import BackupError
from aijuu_site.backup.work_folder import FULL_DISK, mark_path, remove_leftovers, was_interrupted
from aijuu_site.serving.preparation import require_strong_first_password
from aijuu_site.settings.data import BUCKET, POSTGRESQL, SQLITE

_CONNECT_SECONDS = 10
_MAKE_IN_UTF8 = "Make it anew: createdb --template template0 --encoding UTF8"


class AlreadyRunningError(Exception):
    """Another `manage.py serve` uses this data folder."""


@contextmanager
def exclusive_start(data_dir: Path) -> Iterator[None]:
    """Lock `data_dir` for this process. Raises AlreadyRunningError.

    Prevents concurrent migrations and a second worker. The operating system releases the lock when the process ends; an
    exec() does not release it.
    """
    descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise AlreadyRunningError(str(data_dir)) from error
    try:
        yield
    finally:
        os.close(descriptor)


def check_program() -> None:
    """Run Django's system checks without a database, under https also the deployment checks. Raises SystemCheckError.

    Needed because call_command() skips the checks of a command.
    """
    call_command("check", deploy=settings.HTTPS, stdout=io.StringIO())


def check_database() -> None:
    """Run the system checks that need the database. Raises SystemCheckError."""
    call_command("check", tags=[Tags.database, Tags.models], databases=[connection.alias], stdout=io.StringIO())


def require_database() -> None:
    """Raise CommandError if the database can't be used. A missing SQLite file is accepted."""
    message = database_error()
    if message:
        raise CommandError(message)


def require_storage() -> None:
    """Raise CommandError if the bucket of STORAGE_URL can't be used. Folders are not checked."""
    for storage in (storages[name] for name in settings.STORAGES if settings.STORAGES[name]["BACKEND"] == BUCKET):
        try:
            name = storage.save("check/start.txt", ContentFile(b"x"))
            storage.open(name).close()
            storage.listdir("check")
            storage.delete(name)
        except OSError as error:
            raise CommandError(f"STORAGE_URL: the bucket can't be used: {error}") from error


def check_resources() -> None:
    """Check the database and the storages before anything is written. Raises SystemCheckError or CommandError."""
    try:
        interrupted = was_interrupted()
    except BackupError as error:
        raise CommandError(f"Not started: {error}.") from error
    if interrupted:
        raise CommandError(
            "A restore was interrupted here, so the data is not whole. Run `manage.py restore` again: it removes the "
            "database and the uploads that are here, and begins anew. If you have put back whole ones meanwhile, "
            f"delete {mark_path()} instead."
        )
    remove_leftovers()
    require_database()
    require_strong_first_password()
    check_database()
    require_storage()


@contextmanager
def disk_full_as_command_error() -> Iterator[None]:
    """Turn the error of a full disk into a CommandError."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise CommandError(f"DATA_DIR: the disk of {settings.DATA_DIR} is full.") from error
    except OperationalError as error:
        # The messages of SQLite and PostgreSQL.
        if not any(words in str(error) for words in ("disk is full", "No space left on device")):
            raise
        raise CommandError("DATABASE_URL: the disk of the database is full.") from error


def database_error() -> str:
    """Return why the database can't be used, without the password; "" if it can be used."""
    if settings.DATABASES["default"]["ENGINE"] == SQLITE:
        path = Path(connection.settings_dict["NAME"])
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            return f"DATABASE_URL: the folder {path.parent} is not there, or this user can't write it."
        if not path.exists():
            return ""
    # Without the connection pool, which retries for long and logs each attempt.
    probe = connection.copy()
    if settings.DATABASES["default"]["ENGINE"] == POSTGRESQL:
        probe.settings_dict["OPTIONS"].pop("pool", None)
        probe.settings_dict["OPTIONS"].setdefault("connect_timeout", _CONNECT_SECONDS)
    try:
        with probe.cursor() as cursor:
            if settings.DATABASES["default"]["ENGINE"] != POSTGRESQL:
                cursor.execute("SELECT 1")
                return ""
            cursor.execute("SHOW server_encoding")
            (encoding,) = cursor.fetchone()
            if encoding != "UTF8":
                # Debian creates such a database where no language is set. It would refuse enquiries with an ä.
                return f"DATABASE_URL: the database is in {encoding}. {_MAKE_IN_UTF8}"
    except Error as error:
        return f"DATABASE_URL: the database can't be used: {' '.join(str(error).split())}"
    finally:
        probe.close()
    return ""


def close_connections() -> None:
    """Close every connection to the database, including those of the pool."""
    for each in connections.all(initialized_only=True):
        each.close()
        if hasattr(each, "close_pool"):
            each.close_pool()
