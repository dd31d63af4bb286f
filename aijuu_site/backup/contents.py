"""The contents of a backup: a consistent copy of the database in use, and the uploads. Copies and restores both."""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.conninfo import make_conninfo

from aijuu_site.backup.archive import BLOCK, BackupError, Member

SQLITE_COPY, POSTGRESQL_DUMP = "database.sqlite3", "database.dump"
# Connection parameters of psycopg, which PostgreSQL's own programs do not know.
_OF_PSYCOPG = ("client_encoding", "cursor_factory", "prepare_threshold")
# Pages copied at a time. Python handles signals between two steps.
_PAGES = 2000
UPLOADS = "uploads/"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A checked copy: its file, the number of rows of each table, the applied migrations, and the server's version."""

    path: Path
    tables: dict[str, int]
    migrations: list[tuple[str, str]]
    server: str


def database_kind() -> str:
    """Return "sqlite" or "postgresql"."""
    return connection.vendor


def copy_name() -> str:
    """Return the name of the copy in an archive."""
    return POSTGRESQL_DUMP if database_kind() == "postgresql" else SQLITE_COPY


def copy_database(folder: Path) -> Copy:
    """Copy the database into `folder` and check the copy. Raises BackupError."""
    path = folder / copy_name()
    if database_kind() == "postgresql":
        return _dump_postgresql(path)
    try:
        return _copy_sqlite(path)
    except sqlite3.Error as error:
        # Converted, because the commands handle only Django's database errors.
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise BackupError(f"the disk of {folder} is full") from error
        raise BackupError(f"the database can't be copied ({error.sqlite_errorname})") from error


def is_database_empty() -> bool:
    """Return whether there is no table (PostgreSQL), or the file is missing or empty (SQLite)."""
    if database_kind() == "postgresql":
        return not _tables_of_postgresql()
    path = _sqlite_path()
    return not path.exists() or path.stat().st_size == 0


def restore_database(path: Path) -> None:
    """Put the copy into the empty database. Raises BackupError."""
    connection.close()
    if database_kind() == "postgresql":
        _restore_postgresql(path)
        return
    target = _sqlite_path()
    _drop_sqlite()
    draft = _draft(target)
    shutil.copyfile(path, draft)
    os.chmod(draft, 0o600)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(draft, target)


def check_copy(path: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Check an SQLite copy in `path`; return the row count of each table, and its migrations. Raises BackupError."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)]:
                raise BackupError("the copy of the database is damaged (PRAGMA integrity_check)")
            names = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            ).fetchall()
            tables = {name: _count(database, f'"{name}"') for (name,) in names}
            return tables, _migrations(database)
    except sqlite3.DatabaseError as error:
        raise BackupError(f"the copy of the database can't be read ({type(error).__name__})") from error


def count_rows() -> dict[str, int]:
    """Return the row count of each table of the database in use."""
    with connection.cursor() as cursor:
        return _count_rows(connection, cursor)


def drop_database() -> None:
    """Empty the database again, after a restore that failed."""
    connection.close()
    if database_kind() == "postgresql":
        with _plain_connection() as plain, plain.cursor() as cursor:
            for name in plain.introspection.table_names(cursor):
                cursor.execute(f"DROP TABLE IF EXISTS {plain.ops.quote_name(name)} CASCADE")
        return
    _drop_sqlite()


def _count(cursor: Any, table: str) -> int:
    rows: int = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (names of the database itself)
    return rows


def _migrations(cursor: Any) -> list[tuple[str, str]]:
    return [
        (app, name) for app, name in cursor.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    ]


def _sqlite_path() -> Path:
    return Path(connection.settings_dict["NAME"])


def _draft(path: Path) -> Path:
    """Return the temporary path of a database while it is written."""
    return path.with_name(f".{path.name}.restored")


def _drop_sqlite() -> None:
    path = _sqlite_path()
    _draft(path).unlink(missing_ok=True)
    for ending in ("", "-wal", "-shm", "-journal", "-queue"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _copy_sqlite(path: Path) -> Copy:
    with closing(sqlite3.connect(_sqlite_path(), isolation_level=None)) as source:
        with closing(sqlite3.connect(path)) as target:
            os.chmod(path, 0o600)
            # One snapshot for all steps: otherwise each write of another process would restart the copy.
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_master").fetchall()
            source.backup(target, pages=_PAGES, progress=lambda _status, _left, _total: None)
        source.execute("ROLLBACK")
    with closing(sqlite3.connect(path)) as copied:
        # So that the copy is a single file, without a write-ahead log. The site switches the log on again.
        copied.execute("PRAGMA journal_mode=DELETE")
    tables, migrations = check_copy(path)
    return Copy(path=path, tables=tables, migrations=migrations, server=f"SQLite {sqlite3.sqlite_version}")


@contextmanager
def _plain_connection() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection outside the pool, with a transaction of its own."""
    plain = connection.copy()
    plain.settings_dict["OPTIONS"].pop("pool", None)
    try:
        yield plain
    finally:
        plain.close()


def _count_rows(plain: BaseDatabaseWrapper, cursor: Any) -> dict[str, int]:
    names = sorted(plain.introspection.table_names(cursor))
    counts = {}
    for name in names:
        cursor.execute(f"SELECT count(*) FROM {plain.ops.quote_name(name)}")  # noqa: S608 (names of the database itself)
        counts[name] = cursor.fetchone()[0]
    return counts


def _tables_of_postgresql() -> list[str]:
    with _plain_connection() as plain, plain.cursor() as cursor:
        return list(plain.introspection.table_names(cursor))


def _dump_postgresql(path: Path) -> Copy:
    with _plain_connection() as plain, plain.cursor() as cursor:
        version = int(plain.pg_version)  # type: ignore[attr-defined]
        _require_program("pg_dump", version // 10000)
        # The counts and the dump are of the same snapshot.
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        options = ("--format=custom", "--no-owner", "--no-acl", f"--snapshot={snapshot}", f"--file={path}")
        _run_postgresql("pg_dump", *options, folder=path.parent)
        tables = _count_rows(plain, cursor)
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        migrations = [(app, name) for app, name in cursor.fetchall()]
        cursor.execute("ROLLBACK")
    _check_dump(path, tables)
    return Copy(path=path, tables=tables, migrations=migrations, server=f"PostgreSQL {version // 10000}")


def _check_dump(path: Path, tables: dict[str, int]) -> None:
    """Read the whole dump, and check that it contains the data of every table."""
    listed = _run_program("pg_restore", "--list", str(path))
    found = set(re.findall(r"^\d+; \d+ \d+ TABLE DATA \S+ (\S+)", listed, flags=re.MULTILINE))
    if not found.issuperset(tables):
        raise BackupError("the copy of the database lacks a table (pg_restore --list)")
    _run_program("pg_restore", f"--file={os.devnull}", str(path))


def _restore_postgresql(path: Path) -> None:
    with _plain_connection() as plain, plain.cursor():
        _require_program("pg_restore", int(plain.pg_version) // 10000)  # type: ignore[attr-defined]
    options = ("--no-owner", "--no-acl", "--single-transaction", "--exit-on-error")
    _run_postgresql("pg_restore", *options, str(path), folder=path.parent)


def _require_program(name: str, server: int) -> None:
    """Raise BackupError if the program is missing, or older than the server."""
    found = re.search(r"\) (\d+)", _run_program(name, "--version"))
    if found and int(found[1]) < server:
        raise BackupError(
            f"{name} is of version {found[1]} and the database server of {server}: "
            f"install its client (on Debian: postgresql-client-{server})"
        )


def _run_postgresql(name: str, *arguments: str, folder: Path) -> None:
    known = connection.get_connection_params()
    parameters = {key: value for key, value in known.items() if isinstance(value, str | int) and key not in _OF_PSYCOPG}
    password = str(parameters.pop("password", ""))
    # The password is passed in a file, because other users can see a program's arguments.
    secret = folder / "pgpass"
    descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        file.write(f"*:*:*:*:{escaped}\n")
    if password:
        parameters["passfile"] = str(secret)
    try:
        _run_program(name, *arguments, f"--dbname={make_conninfo('', **parameters)}")
    finally:
        secret.unlink()


def _run_program(name: str, *arguments: str) -> str:
    """Run a program of PostgreSQL and return what it printed. Raises BackupError with the first line of its error."""
    try:
        done = subprocess.run([name, *arguments], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise BackupError(f"{name} is not installed (on Debian: apt-get install postgresql-client)") from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if "error" in line.lower()]
        # Only the first line: later ones may quote a row.
        raise BackupError(f"{name} failed: {(lines or [f'exit code {error.returncode}'])[0][:300]}") from error
    return done.stdout


def upload_members() -> Iterator[Member]:
    """Yield all stored files, except those deleted meanwhile."""
    for name in stored_names(default_storage):
        try:
            with default_storage.open(name) as file:
                yield Member(name=UPLOADS + name, size=file.size, chunks=_exactly(file, file.size))
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
    """Store a file under its own name. Raises BackupError if that name is taken."""
    with path.open("rb") as file:
        # save() would choose another name.
        saved = default_storage._save(name, File(file))  # type: ignore[attr-defined]
    if saved != name:
        default_storage.delete(saved)
        raise BackupError(f"the upload {name} could not be stored under its own name")


def stored_chunks(name: str) -> Iterator[bytes]:
    with default_storage.open(name) as file:
        yield from _exactly(file, file.size)


def _exactly(file: File, size: int) -> Iterator[bytes]:
    left = size
    while left > 0 and (chunk := file.read(min(BLOCK, left))):
        left -= len(chunk)
        yield chunk


def _is_link(storage: Storage, name: str) -> bool:
    return isinstance(storage, FileSystemStorage) and Path(storage.path(name)).is_symlink()
