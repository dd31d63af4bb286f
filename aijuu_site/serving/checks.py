"""Checks before a start writes anything, and whether the started server answers."""

import errno
import fcntl
import http.client
import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.checks import Tags
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import Error, OperationalError

from aijuu_site.settings.databases import POSTGRESQL, SQLITE


def port_is_free(host: str, port: int) -> bool:
    """Tell whether a server can listen on `host`:`port` now.

    Raises OSError where the reason is another than somebody listening there (no such address, no permission).
    """
    family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the real server does: connections that were just closed are no obstacle, a listener is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def reachable_host(host: str) -> str:
    """Return the address by which this machine itself reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def site_answers(host: str, port: int) -> bool:
    """Tell whether /healthz/live/ answers, asked by address as any machine inside asks."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", "/healthz/live/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class AlreadyRunningError(Exception):
    """Another `manage.py serve` holds this data folder."""


@contextmanager
def exclusive_start(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir` for this process; the system lets go of it however the process ends.

    Two starts would migrate at once, and two workers would compete. Raises AlreadyRunningError.
    """
    descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise AlreadyRunningError(str(data_dir)) from error
    try:
        yield
    finally:
        os.close(descriptor)


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
    trouble = database_error()
    if trouble:
        raise CommandError(trouble)


@contextmanager
def disk_full_as_command_error() -> Iterator[None]:
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


def database_error() -> str:
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
