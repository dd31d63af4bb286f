"""What is looked at before a start writes anything."""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.checks import Tags
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import Error, OperationalError

from aijuu_site.databases import POSTGRESQL, SQLITE

_CONNECT_SECONDS = 10


def check_program() -> None:
    """Run Django's system checks that need no database; behind https those for a deployment, too.

    Raises SystemCheckError (a CommandError). `call_command` leaves a command's own checks out, so they are called here.
    """
    call_command("check", deploy=settings.HTTPS, stdout=io.StringIO())


def check_database() -> None:
    """Run the checks that ask the database. Raises SystemCheckError."""
    call_command("check", tags=[Tags.database, Tags.models], databases=[connection.alias], stdout=io.StringIO())


def require_database() -> None:
    """Raise CommandError, one line, where the database can't be reached. A file that is not there yet can be made."""
    trouble = database_trouble()
    if trouble:
        raise CommandError(trouble)


@contextmanager
def told_when_the_disk_is_full() -> Iterator[None]:
    """Raise CommandError, one line, where there is no room for what a start writes."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise CommandError(f"DATA_DIR: the disk of {settings.DATA_DIR} is full.") from error
    except OperationalError as error:
        # SQLite's words, and PostgreSQL's.
        if not any(words in str(error) for words in ("disk is full", "No space left on device")):
            raise
        raise CommandError("DATABASE_URL: the disk of the database is full.") from error


def database_trouble() -> str:
    """Say why the database of DATABASE_URL can't be reached, without anything of its password; empty where it can."""
    if settings.DATABASES["default"]["ENGINE"] == SQLITE:
        path = Path(connection.settings_dict["NAME"])
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            return f"DATABASE_URL: the folder {path.parent} is not there, or this user can't write it."
        if not path.exists():
            return ""
    # Beside the pool, which tries for long and logs each try.
    probe = connection.copy()
    if settings.DATABASES["default"]["ENGINE"] == POSTGRESQL:
        probe.settings_dict["OPTIONS"].pop("pool", None)
        probe.settings_dict["OPTIONS"].setdefault("connect_timeout", _CONNECT_SECONDS)
    try:
        with probe.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return f"DATABASE_URL: the database can't be used: {' '.join(str(error).split())}"
    finally:
        probe.close()
    return ""
