"""Locks for rules that count rows."""

from django.db import connection

_RECEIVING = 0x41494A55
_ATTEMPTS = 0x41494A56


def lock_receiving() -> None:
    """Hold off other receivers until this transaction ends.

    SQLite's IMMEDIATE transactions do it by themselves; PostgreSQL takes an advisory lock.
    """
    _lock(_RECEIVING)


def lock_attempts() -> None:
    """Hold off others who count attempts at a password until this transaction ends."""
    _lock(_ATTEMPTS)


def _lock(number: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
