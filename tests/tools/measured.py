"""The cost of a call: processor seconds, including PostgreSQL's, and queries."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class Cost:
    seconds: float
    queries: int


def cost(call: Callable[[], object], *, times: int = 5) -> Cost:
    """Return the lowest cost of several calls, since other load on the machine only increases it."""
    return Cost(seconds=min(_seconds(call) for _ in range(times)), queries=queries_of(call))


def queries_of(call: Callable[[], object]) -> int:
    """Return how many queries a call makes, including those in a request."""
    asked: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        call()
    return len(asked)


def prefer_indexes() -> None:
    """Make PostgreSQL use indexes in this transaction, as with many rows: for few rows it would scan the table."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Otherwise it plans with outdated statistics from the rows of other tests.
            cursor.execute("ANALYZE intake_enquiry, intake_outgoingmail")
            for other in ("seqscan", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{other} = off")


def _seconds(call: Callable[[], object]) -> float:
    before = _used()
    call()
    return _used() - before


def _used() -> float:
    """Return the processor time of this process and of the server process of its connection."""
    used = time.process_time()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), set_config('max_parallel_workers_per_gather', '0', false)")
            pid = cursor.fetchone()[0]
        # The first number is the time on the processor in ns (Linux, Documentation/scheduler/sched-stats).
        used += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return used
