"""A migrated database, created once for each state of the migrations and then copied.

For SQLite it is a file in pytest's cache, for PostgreSQL a template database on the tests' server. For tests that run
a site with its own PostgreSQL server, there is a dump in the cache.
"""

import fcntl
import hashlib
import importlib.metadata
import inspect
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

_ROOT = Path(__file__).resolve().parent.parent


def make_prepared_database(folder: Path) -> None:
    """Create the prepared database unless an earlier run or another worker has done so."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connection.vendor == "sqlite":
            _make_file(folder)
        else:
            _make_template()


def restore_database(folder: Path) -> None:
    """Replace the tests' database with a copy of the prepared one."""
    connections.close_all()
    if connection.vendor == "sqlite":
        name = connection.settings_dict["TEST"]["NAME"]
        with closing(sqlite3.connect(_file(folder))) as prepared, closing(sqlite3.connect(name)) as database:
            prepared.backup(database)
        return
    connection.close_pool()  # type: ignore[attr-defined]
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template_name()}")
    # Open a connection now: the pool needs a running clock, which a test may have frozen before its first query.
    connection.ensure_connection()
    connection.close()


def copy_database(folder: Path, path: Path) -> None:
    """Copy the prepared database to `path`, where a site will find it. SQLite only."""
    with closing(sqlite3.connect(_file(folder))) as prepared, closing(sqlite3.connect(path)) as database:
        prepared.backup(database)


def fill_with_migrated(url: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Fill the empty database of a site with this environment from the dump in `folder`.

    The first time, migrate it instead and create the dump. Uses pg_dump and psql from PATH.
    """
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder / f"{_key()}.sql"
        if kept.exists():
            subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", kept, url], check=True)
            return
        for of_before in folder.glob("*.sql*"):
            of_before.unlink()
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--no-input"]
        subprocess.run(migrate, cwd=_ROOT, env=environment, check=True)
        unfinished = kept.with_suffix(".sql-unfinished")
        subprocess.run(["pg_dump", "-O", "-f", unfinished, url], check=True)
        os.replace(unfinished, kept)


def template_name() -> str:
    """Return the name of the prepared database on PostgreSQL."""
    return f"migrated_{_key()}"


def _file(folder: Path) -> Path:
    return folder / f"{_key()}.sqlite3"


def _make_file(folder: Path) -> None:
    path = _file(folder)
    if path.exists():
        return
    for of_before in folder.glob("*.sqlite3*"):
        of_before.unlink()
    unfinished = path.with_suffix(".sqlite3-unfinished")
    _migrate(str(unfinished))
    os.replace(unfinished, path)


def _make_template() -> None:
    name = template_name()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone():
            return
        cursor.execute(f"DROP DATABASE IF EXISTS {name}_unfinished")
        cursor.execute(f"CREATE DATABASE {name}_unfinished")
    _migrate(f"{name}_unfinished")
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name}_unfinished RENAME TO {name}")


def _migrate(name: str) -> None:
    with _connected_to(name):
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]
        connection.settings_dict["NAME"] = before


_found: list[str] = []


def _key() -> str:
    """Return a hash of everything that determines the migrated database: package versions and migration sources."""
    if not _found:
        digest = hashlib.sha256()
        for line in sorted(f"{package.name} {package.version}\n" for package in importlib.metadata.distributions()):
            digest.update(line.encode())
        for path in sorted(_sources()):
            digest.update(path.read_bytes())
        _found.append(digest.hexdigest()[:16])
    return _found[0]


def _sources() -> set[Path]:
    """Return the files of all migrations, and of the project's modules that they import from."""
    modules = {sys.modules[migration.__module__] for migration in MigrationLoader(None).disk_migrations.values()}
    used = {inspect.getmodule(value) for module in modules for value in vars(module).values() if callable(value)}
    ours = {module for module in used if module and Path(module.__file__ or "").is_relative_to(_ROOT)}
    return {Path(module.__file__) for module in modules | ours if module.__file__}
