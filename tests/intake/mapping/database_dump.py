"""Everything the database holds, as text."""

from django.db import connection


def database_dump() -> dict[str, str]:
    """Each table's rows, whatever order the database gives them in."""
    dump = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            dump[table] = "\n".join(sorted(map(str, cursor.fetchall())))
    return dump
