"""One writer at a time where a rule counts rows: the limit, the repeat, the one automatic mail a day."""

from django.db import connection

_RECEIVING = 0x41494A55


def lock_receiving() -> None:
    """Hold off other receivers until this transaction ends.

    SQLite's IMMEDIATE transactions do it by themselves; PostgreSQL takes an advisory lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RECEIVING])
