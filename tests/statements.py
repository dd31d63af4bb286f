"""Selection of the tests that run on PostgreSQL: few tests that cover every kind of SQL statement seen on SQLite.

The run with `--statements=record` records the statements of each test; the run with `--statements=cover` selects tests
from these records.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models.sql.compiler import SQLCompiler

# Statements of one kind may differ in their values and in the number of values.
_VALUES = re.compile(r"(?:\((?:%s|\?)(?:, (?:%s|\?))*\)(?:, )?)+")
_NUMBERS_AND_TEXT = re.compile(r"\b\d+\b|'[^']*'")
# Django gives savepoints names that contain the thread's id, so they are not recorded.
_NOT_OURS = ("SAVEPOINT", "RELEASE", "ROLLBACK")


@cache
def _kind(statement: str) -> str:
    shape = _NUMBERS_AND_TEXT.sub("?", _VALUES.sub("(?)", statement))
    return blake2b(shape.encode(), digest_size=8).hexdigest()


@contextmanager
def watched_statements() -> Iterator[Set[str]]:
    """Yield a set that collects the kinds of the statements that run in this thread inside the `with` block."""
    kinds = set()

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(_NOT_OURS):
            kinds.add(_kind(sql))
        return execute(sql, params, many, context)

    # Not execute_wrapper(), which at its end removes the last wrapper: that is the site's own if the connection was
    # opened in between.
    connection.execute_wrappers.insert(0, look)
    try:
        yield kinds
    finally:
        connection.execute_wrappers.remove(look)


def show_locks() -> None:
    """Add a comment to SQLite's statements with the tables that PostgreSQL would lock.

    PostgreSQL refuses locks on some joins, so a query with a lock must count as a different kind than one without.
    """
    compile_query = SQLCompiler.as_sql

    def as_sql(self: SQLCompiler, *args: Any, **options: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compile_query(self, *args, **options)
        query = self.query
        return (f"{sql} /* FOR UPDATE OF {query.select_for_update_of} */" if query.select_for_update else sql), params

    SQLCompiler.as_sql = as_sql  # type: ignore[method-assign]


def write_down(folder: Path, process: str, test: str, kinds: Set[str]) -> None:
    with (folder / f"{process}.jsonl").open("a") as file:
        file.write(json.dumps([test, sorted(kinds)]) + "\n")


def chosen_tests(folder: Path, asked: Set[str], others: Set[str]) -> set[str]:
    """Return tests of `others` that, with `asked`, cover all kinds of statements, and those without a record."""
    kinds = dict(_read(folder))
    left = {kind for test in others for kind in kinds.get(test, ())}
    left -= {kind for test in asked for kind in kinds.get(test, ())}
    asking = defaultdict(list)
    for test in sorted(others & kinds.keys()):
        for kind in left.intersection(kinds[test]):
            asking[kind].append(test)
    chosen = set(others - kinds.keys())
    # Start with the rarest kind, and choose its test with the fewest statements, which costs least.
    for kind in sorted(left, key=lambda kind: (len(asking[kind]), kind)):
        if kind in left:
            test = min(asking[kind], key=lambda test: len(kinds[test]))
            chosen.add(test)
            left.difference_update(kinds[test])
    return chosen


def _read(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            test, kinds = json.loads(line)
            yield test, kinds
