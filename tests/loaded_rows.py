"""The first content, loaded once a test process and put back row by row: loading it anew takes thirty times as long."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model
from wagtail.images import get_image_model

from home.images.preparation import make_files

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]

_STORED = (("default", get_image_model()), ("pictures", get_image_model().get_rendition_model()))

_loaded: Rows = {}
_pictures: dict[tuple[str, str], bytes] = {}


def load_content_rows() -> None:
    """Make the database of this test what `manage.py load_content` makes of an empty one."""
    if not _loaded:
        before = _rows()
        call_command("load_content", verbosity=0)
        for picture in get_image_model().objects.all():
            # Made when the transaction ends, which a test's does not.
            make_files(picture)
        _loaded.update({table: found for table, found in _rows().items() if found != before[table]})
        for storage, model in _STORED:
            for name in model.objects.values_list("file", flat=True):
                with storages[storage].open(name) as file:
                    _pictures[storage, name] = file.read()
        return
    _put(_loaded)
    for (storage, name), content in _pictures.items():
        # Tests that look at files have a media folder of their own.
        path = Path(storages[storage].path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def _tables() -> list[str]:
    existing = set(connection.introspection.table_names())
    names = {model._meta.db_table for model in _models()} & existing
    # SQLite's full-text tables are written by triggers of the tables beside them.
    return sorted(name for name in names if not name.endswith("_fts"))


def _rows() -> Rows:
    found: Rows = {}
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a name of our own model
            columns = [column[0] for column in cursor.description]
            found[table] = (columns, list(cursor.fetchall()))
    return found


def _put(rows: Rows) -> None:
    # Foreign keys are checked at the end of a transaction in both databases, so the order of the tables is free.
    with connection.cursor() as cursor:
        for table in rows:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608
        for table, (columns, values) in rows.items():
            names = ", ".join(connection.ops.quote_name(name) for name in columns)
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(
                f"INSERT INTO {connection.ops.quote_name(table)} ({names}) VALUES ({marks})",  # noqa: S608
                values,
            )
        changed = [model for model in _models() if model._meta.db_table in rows]
        for statement in connection.ops.sequence_reset_sql(no_style(), changed):
            cursor.execute(statement)
