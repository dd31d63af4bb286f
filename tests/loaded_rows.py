"""Database rows that many tests start with: created once, then inserted directly, which is twenty times as fast."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model
from wagtail.images import get_image_model

from aijuu_site.models import PageChange
from home.images.preparation import make_files

_STORED = (("default", get_image_model()), ("pictures", get_image_model().get_rendition_model()))

_Row = tuple[Any, ...]


@dataclass(frozen=True)
class _Change:
    """The changes to one table. The first column is the primary key."""

    columns: list[str]
    removed: list[Any]
    added: list[_Row]


class KeptRows:
    """The changes that `make` makes to the migrated database."""

    def __init__(self, make: Callable[[], None]) -> None:
        with transaction.atomic():
            before = _contents()
            make()
            self._changes = {
                model: _Change(
                    columns,
                    removed=[row[0] for row in before[model][1] if row not in rows],
                    added=[row for row in rows if row not in before[model][1]],
                )
                for model, (columns, rows) in _contents().items()
                # Putting the rows back creates its own PageChange.
                if rows != before[model][1] and model is not PageChange
            }
            transaction.set_rollback(True)

    def put_back(self) -> None:
        """Apply the changes to the current database."""
        # Foreign keys are checked at the end of a transaction in both databases, so the order of the tables is free.
        with transaction.atomic(), connection.cursor() as cursor:
            for model, change in self._changes.items():
                table, key = _quoted(model._meta.db_table), _quoted(change.columns[0])
                cursor.executemany(f"DELETE FROM {table} WHERE {key} = %s", [[one] for one in change.removed])  # noqa: S608
            for model, change in self._changes.items():
                table, names = _quoted(model._meta.db_table), ", ".join(map(_quoted, change.columns))
                marks = ", ".join(["%s"] * len(change.columns))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", change.added)  # noqa: S608
            for statement in connection.ops.sequence_reset_sql(no_style(), list(self._changes)):
                cursor.execute(statement)


class LoadedContent:
    """The result of `manage.py load_content` on an empty site, including picture files."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], bytes] = {}
        self._written: dict[Path, tuple[int, int] | None] = {}
        self._rows = KeptRows(self._load)

    def _load(self) -> None:
        call_command("load_content", verbosity=0)
        for picture in get_image_model().objects.all():
            # Normally done at commit, but this transaction is rolled back.
            make_files(picture)
        for storage, model in _STORED:
            for name in model.objects.values_list("file", flat=True):
                with storages[storage].open(name) as file:
                    self._files[storage, name] = file.read()

    def put_back(self) -> None:
        self._rows.put_back()
        for (storage, name), content in self._files.items():
            # The path is computed each time, because tests that check files use their own media folder.
            path = Path(storages[storage].path(name))
            if path not in self._written or _state(path) != self._written[path]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self._written[path] = _state(path)


def _state(path: Path) -> tuple[int, int] | None:
    """Return values that differ if a test has rewritten the file; None if it does not exist."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _contents() -> dict[type[Model], tuple[list[str], list[_Row]]]:
    existing = connection.introspection.table_names()
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table, pk = model._meta.db_table, model._meta.pk
            # A proxy has no table of its own; SQLite's full-text tables are filled by triggers.
            if model._meta.proxy or table not in existing or table.endswith("_fts"):
                continue
            fields = [pk, *(field for field in model._meta.local_concrete_fields if field != pk)]
            columns = [str(field.column) for field in fields]
            cursor.execute(f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)} ORDER BY 1")  # noqa: S608
            found[model] = columns, list(cursor.fetchall())
    return found


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
