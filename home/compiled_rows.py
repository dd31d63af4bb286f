"""Single rows that every page reads, by SQL that Django builds once for each connection.

Building the query of a page takes Django ten times as long as running it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
_ON_CONNECTION = "_compiled_rows"


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    # By column: the functions that make a value of the field from one of the database, and Django's expression for it.
    converters: list[tuple[int, list[Callable[[Any, Any, Any], Any]], Any]]


def first_row(model: type[Row]) -> Row | None:
    """Return the row with the smallest primary key; None where there is none."""
    return _read(model, lambda rows: rows.order_by("pk")[:1], ())


def row_by_pk(model: type[Row], pk: int) -> Row | None:
    """Return the row with this primary key; None where there is none."""
    return _read(model, lambda rows: rows.order_by().filter(pk=pk), (pk,))


def _read(model: type[Row], choose: Callable[[QuerySet[Row]], QuerySet[Row]], given: tuple[int, ...]) -> Row | None:
    connection = connections[DEFAULT_DB_ALIAS]
    names = [field.attname for field in model._meta.concrete_fields]
    known: dict[Any, _Compiled] = vars(connection).setdefault(_ON_CONNECTION, {})
    compiled = known.get((model, len(given)))
    if compiled is None:
        compiler = choose(model._default_manager.all()).values_list(*names).query.get_compiler(connection=connection)
        sql, _parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        compiled = _Compiled(sql, [(place, functions, column) for place, (functions, column) in converters.items()])
        known[model, len(given)] = compiled
    with connection.cursor() as cursor:
        cursor.execute(compiled.sql, given)
        found = cursor.fetchone()
    if found is None:
        return None
    values = list(found)
    for place, functions, column in compiled.converters:
        for function in functions:
            values[place] = function(values[place], column, connection)
    row: Row = model.from_db(DEFAULT_DB_ALIAS, names, values)
    return row
