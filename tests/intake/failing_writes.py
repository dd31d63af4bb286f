"""A database that refuses the rows of one table, however they are written."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model


@contextmanager
def refused_rows(model: type[Model], error: Exception) -> Iterator[None]:
    """Let each INSERT into the table of `model` raise `error`."""
    insert = re.compile(rf'\s*INSERT INTO "?{model._meta.db_table}"?\s')

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if insert.match(sql):
            raise error
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        yield
