"""The database: SQLite in the data folder unless DATABASE_URL names another."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"


def database_from_url(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for one database.

    An empty `url` means SQLite at `data_dir`/db.sqlite3. Raises ImproperlyConfigured for an unknown scheme.
    """
    database: dict[str, Any] = environ.Env.db_url_config(url or f"sqlite:///{data_dir / 'db.sqlite3'}")
    if database["ENGINE"] not in (SQLITE, POSTGRESQL):
        raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://")
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"] == SQLITE:
        # Take the write lock at the start (a later upgrade fails at once instead of waiting), wait for it,
        # and sync each commit: what a visitor was told is stored survives a power cut.
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 20)
        options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    else:
        options.setdefault("pool", {"min_size": 1, "max_size": 10, "timeout": 20})
        database["CONN_HEALTH_CHECKS"] = True
    return database
