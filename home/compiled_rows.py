"""Read single rows by SQL that Django builds once for each connection.

Every page or every step of a form reads these rows, and Django takes ten times as long to build a query of a page as to
run it. Some updates are written as SQL for the same reason. The one row of each setting is read in this way, too; it is
created after migrating.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from wagtail.contrib.settings.models import BaseGenericSetting

Row = TypeVar("Row", bound=Model)
_ON_CONNECTION = "_compiled_rows"


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    # For each column with converters: its index, the functions that convert a database value, and its expression.
    converters: list[tuple[int, list[Callable[[Any, Any, Any], Any]], Any]]


def first_row(model: type[Row]) -> Row | None:
    """Return the row with the smallest primary key; None where there is none."""
    return _read(model, "first", lambda rows: rows.order_by("pk")[:1], ())


def row_by_pk(model: type[Row], pk: int) -> Row | None:
    """Return the row with this primary key; None where there is none."""
    return row_by(model, "pk", pk)


def row_by(model: type[Row], field: str, value: Any, *, related: tuple[str, ...] = ()) -> Row | None:
    """Return the row whose unique `field` has this value; None where there is none.

    `related`: foreign keys whose rows are read in the same query, as by select_related(). "a" must come before "a__b".
    """
    return _read(model, field, lambda rows: rows.order_by().filter(**{field: value}), (value,), related)


def changed_rows(sql: str, parameters: Iterable[Any]) -> int:
    """Run an SQL statement and return how many rows it changed. Parameters such as times are adapted as by the ORM."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(sql, [connection.ops.adapt_unknown_value(one) for one in parameters])
        count: int = cursor.rowcount
    return count


def _read(
    model: type[Row],
    how: str,
    choose: Callable[[QuerySet[Row]], QuerySet[Row]],
    given: tuple[Any, ...],
    related: tuple[str, ...] = (),
) -> Row | None:
    connection = connections[DEFAULT_DB_ALIAS]
    parts = list(_parts(model, related))
    known: dict[Any, _Compiled] = vars(connection).setdefault(_ON_CONNECTION, {})
    compiled = known.get((model, how, related))
    if compiled is None:
        columns = [f"{part.prefix}{name}" for part in parts for name in part.names]
        compiler = choose(model._default_manager.all()).values_list(*columns).query.get_compiler(connection=connection)
        sql, _parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        compiled = _Compiled(sql, [(place, functions, column) for place, (functions, column) in converters.items()])
        known[model, how, related] = compiled
    with connection.cursor() as cursor:
        cursor.execute(compiled.sql, given)
        found = cursor.fetchone()
    if found is None:
        return None
    values = list(found)
    for place, functions, column in compiled.converters:
        for function in functions:
            values[place] = function(values[place], column, connection)
    return _joined(parts, values)


@dataclass(frozen=True, slots=True)
class _Part:
    """The columns of one model in a row. `path`: the foreign keys that lead to the model; "" for the main model."""

    model: type[Model]
    path: str
    names: list[str]

    @property
    def prefix(self) -> str:
        return self.path and f"{self.path}__"


def _parts(model: type[Model], related: tuple[str, ...]) -> Iterator[_Part]:
    models: dict[str, Any] = {"": model}
    for path in ("", *related):
        if path:
            before, _dunder, key = path.rpartition("__")
            models[path] = models[before]._meta.get_field(key).related_model
        yield _Part(models[path], path, [field.attname for field in models[path]._meta.concrete_fields])


def _joined(parts: list[_Part], values: list[Any]) -> Any:
    """Return the object of the first part, with the objects of the other parts set on its foreign keys."""
    objects: dict[str, Any] = {}
    columns = iter(values)
    for part in parts:
        own = [next(columns) for _name in part.names]
        before, _dunder, key = part.path.rpartition("__")
        parent = objects[before] if part.path else None
        is_missing = part.path and (parent is None or getattr(parent, f"{key}_id") is None)
        objects[part.path] = None if is_missing else part.model.from_db(DEFAULT_DB_ALIAS, part.names, own)
        if parent is not None and not is_missing:
            setattr(parent, key, objects[part.path])
    return objects[""]


class QuickSetting(BaseGenericSetting):  # type: ignore[misc]
    """A setting whose row is read by SQL that was built before."""

    class Meta:
        abstract = True

    @classmethod
    def _get_or_create(cls) -> Any:
        # Wagtail's load() calls this and keeps the row on the request.
        return first_row(cls) or super()._get_or_create()


def create_settings_rows(*, app_config: AppConfig, using: str, **signal: Any) -> None:
    """Receiver of post_migrate: create the missing row of each setting of `app_config`.

    Without this, Wagtail would create it during a visitor's GET request.
    """
    # The models as of the migration that was reached, which need not be the latest one.
    reached = signal.get("apps", apps)
    for model in app_config.get_models():
        if not issubclass(model, BaseGenericSetting):
            continue
        try:
            rows = reached.get_model(app_config.label, model.__name__).objects.using(using)
        except LookupError:
            continue
        if not rows.exists():
            rows.create()
