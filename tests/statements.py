"""Which tests PostgreSQL is asked: all kinds of SQL statements that the tests made on SQLite, in few tests.

The run with `--statements=record` writes down what each test asks, the one with `--statements=cover` chooses by that.
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

# What differs between two statements of one kind: values, and how many of them.
_VALUES = re.compile(r"(?:\((?:%s|\?)(?:, (?:%s|\?))*\)(?:, )?)+")
_NUMBERS_AND_TEXT = re.compile(r"\b\d+\b|'[^']*'")
# Named by Django after the thread.
_NOT_OURS = ("SAVEPOINT", "RELEASE", "ROLLBACK")


@cache
def _kind(statement: str) -> str:
    shape = _NUMBERS_AND_TEXT.sub("?", _VALUES.sub("(?)", statement))
    return blake2b(shape.encode(), digest_size=8).hexdigest()


@contextmanager
def watched_statements() -> Iterator[Set[str]]:
    """Give a set that gets the kinds of the statements which run meanwhile in this thread."""
    kinds = set()

    def look(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(_NOT_OURS):
            kinds.add(_kind(sql))
        return execute(sql, params, many, context)

    # Not by execute_wrapper(): it takes out the last, which is the site's own where the connection opened meanwhile.
    connection.execute_wrappers.insert(0, look)
    try:
        yield kinds
    finally:
        connection.execute_wrappers.remove(look)


def show_locks() -> None:
    """Let SQLite's statements name the rows that PostgreSQL would lock, which it does not allow for every join."""
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
    """Return those of `others` that make, with `asked`, all kinds of statements of both, and those not recorded."""
    kinds = dict(_read(folder))
    left = {kind for test in others for kind in kinds.get(test, ())}
    left -= {kind for test in asked for kind in kinds.get(test, ())}
    asking = defaultdict(list)
    for test in sorted(others & kinds.keys()):
        for kind in left.intersection(kinds[test]):
            asking[kind].append(test)
    chosen = set(others - kinds.keys())
    # The rarest first; of its tests, that with the fewest statements costs least.
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
