"""Locks for rules that count rows, which row locks can't guard."""

from django.db import connection

_RECEIVING = 0x41494A55
_ATTEMPTS = 0x41494A56


def lock_receiving() -> None:
    """Make other transactions that call this wait until the current one ends.

    On PostgreSQL an advisory lock. On SQLite nothing: its IMMEDIATE transactions run one at a time anyway.
    Taken before any row lock, to avoid deadlocks.
    """
    _lock(_RECEIVING)


def lock_attempts() -> None:
    """The same for transactions that count password attempts."""
    _lock(_ATTEMPTS)


def _lock(number: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
