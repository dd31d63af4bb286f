"""Locks for rules that count rows, which row locks can't guard."""

from hashlib import sha256

from django.db import connection

_RECEIVING = 0x41494A55
_ATTEMPTS = 0x41494A56


def lock_receiving() -> None:
    """Make other transactions that call this wait until the current one ends.

    On PostgreSQL an advisory lock. On SQLite nothing: its IMMEDIATE transactions run one at a time anyway.
    Taken before any row lock, to avoid deadlocks.
    """
    _lock(_RECEIVING)


def lock_letter(*names: str) -> None:
    """Make other transactions wait that call lock_receiving(), or this function with one of the same names.

    They wait until the current transaction ends. Used to receive a message, whose rules count only rows with one of
    these names. Messages of different people do not wait for each other.
    """
    if connection.vendor != "postgresql":
        return
    # Sorted, to avoid deadlocks.
    numbers = sorted({int.from_bytes(sha256(name.encode()).digest()[:8], signed=True) for name in names})
    locks = ["pg_advisory_xact_lock_shared(%s)", *["pg_advisory_xact_lock(%s)"] * len(numbers)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(locks)}", [_RECEIVING, *numbers])


def lock_attempts() -> None:
    """Like lock_receiving(), for transactions that count password attempts."""
    _lock(_ATTEMPTS)


def _lock(number: int) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
