"""The database: SQLite in the data folder unless DATABASE_URL names another."""

from pathlib import Path
from typing import Any

from aijuu_site.settings.data_folder import OWN_FOLDERS, is_in_own_folder, overlaps_sources
from aijuu_site.settings.environment import ServerUrl, SettingError

SQLITE = "aijuu_site.queued_sqlite"
POSTGRESQL = "django.db.backends.postgresql"
_SOURCES = Path(__file__).resolve().parent.parent.parent
# A visitor waits no longer for the database: ten seconds in all, with the wait for a thread (serving.shell).
WAIT_SECONDS = 5
_DATABASE_URL = (
    "write it as in DATABASE_URL=postgres://user:password@localhost:5432/aijuu or sqlite:////srv/aijuu/db.sqlite3, "
    "or leave it empty"
)


def database_from_url(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database at `url`; SQLite at `data_dir`/db.sqlite3 for an empty one.

    Raises SettingError for an invalid `url`.
    """
    database: dict[str, Any] = _read(url, data_dir) if url else _sqlite(data_dir / "db.sqlite3")
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"] == SQLITE:
        # IMMEDIATE takes the write lock at the start, because upgrading a read lock later fails without waiting.
        # synchronous=FULL syncs each commit, so that a confirmed message survives a power failure. secure_delete
        # overwrites deleted data with zeros (intake.enquiry.removal also truncates the WAL). cache_size: half a MiB in
        # place of two for each of a dozen threads; the system keeps the file in memory once for all of them.
        options.setdefault("transaction_mode", "IMMEDIATE")
        # In the queue of the writers and for a program that does not queue, together.
        options.setdefault("timeout", WAIT_SECONDS)
        pragmas = {"journal_mode": "WAL", "synchronous": "FULL", "secure_delete": "ON", "cache_size": "-512"}
        options.setdefault("init_command", " ".join(f"PRAGMA {name}={value};" for name, value in pragmas.items()))
        # Opening the file for each request would cost more than most of its queries.
        database["CONN_MAX_AGE"] = None
    else:
        # A new attempt with the next request soon after the last one failed: by default the pool would wait for as long
        # as the server was away.
        options.setdefault("pool", {"min_size": 1, "max_size": 10, "timeout": WAIT_SECONDS, "reconnect_timeout": 2})
        options.setdefault("connect_timeout", 3)
        # Of a server that has vanished without a word.
        options.setdefault("tcp_user_timeout", WAIT_SECONDS * 1000)
        # For a lock that somebody holds who does not end. What DATABASE_URL says goes last and wins.
        options["options"] = f"-c lock_timeout={WAIT_SECONDS}s {options.get('options', '')}".strip()
        database["CONN_HEALTH_CHECKS"] = True
    return database


def _read(url: str, data_dir: Path) -> dict[str, Any]:
    server = ServerUrl.read("DATABASE_URL", url, example=_DATABASE_URL)
    if server.scheme == "sqlite":
        if server.host or server.user or server.options or not server.path or server.path.endswith((":memory:", "/")):
            raise SettingError("DATABASE_URL", f"SQLite is one file and no more; {_DATABASE_URL}")
        path = data_dir / server.path
        if overlaps_sources(path, sources=_SOURCES):
            raise SettingError(
                "DATABASE_URL", f"the database may not lie in the folder of the program; {_DATABASE_URL}"
            )
        if is_in_own_folder(path, data_dir=data_dir):
            raise SettingError(
                "DATABASE_URL",
                f"the database may not lie in a folder of {data_dir} that has other files of the site "
                f"({', '.join(OWN_FOLDERS)}); {_DATABASE_URL}",
            )
        return _sqlite(path)
    if server.scheme not in ("postgres", "postgresql"):
        raise SettingError("DATABASE_URL", f"it must begin with postgres:// or sqlite:///; {_DATABASE_URL}")
    if not server.path or "/" in server.path:
        raise SettingError("DATABASE_URL", f"it names no database; {_DATABASE_URL}")
    return {
        "ENGINE": POSTGRESQL,
        "NAME": server.path,
        "USER": server.user,
        "PASSWORD": server.password,
        "HOST": server.host,
        "PORT": server.port or "",
        "OPTIONS": dict(server.options),
    }


def _sqlite(path: Path) -> dict[str, Any]:
    return {"ENGINE": SQLITE, "NAME": str(path)}
