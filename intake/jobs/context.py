"""What a job is given while it runs: the time, whether to stop, and a try of its own for each item."""

import logging
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from intake.jobs.errors import describe
from intake.jobs.schedule import due_at

logger = logging.getLogger(__name__)

Item = TypeVar("Item", bound=Hashable)


class Each(Protocol):
    """Do something to each item, and return the sum of what that returned."""

    def __call__(self, items: Iterable[Item], act: Callable[[Item], int], /) -> int: ...


def each_or_raise(items: Iterable[Item], act: Callable[[Item], int], /) -> int:
    """The plain way of Each: the first error ends it."""
    return sum(act(item) for item in items)


class DatabaseAway(Exception):
    """The database does not answer at all: no job can do anything."""


def raise_if_database_away(error: Exception) -> None:
    """Raise DatabaseAway where `error` came of a database that does not answer; return where the fault is elsewhere."""
    if not isinstance(error, OperationalError | InterfaceError):
        return
    if not connection.in_atomic_block:
        # A connection that broke is no sign of a database that is away: try a new one.
        connection.close_if_unusable_or_obsolete()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError) as away:
        raise DatabaseAway from away


@dataclass
class ItemFailure:
    """An item whose last try failed: when, how often in a row, and what it is called ("" where nothing may be told)."""

    tried_at: datetime
    failures: int
    name: str = ""


@dataclass
class JobContext:
    """One run of one job.

    `failing` outlives the run: an item that failed is left alone for growing waits, so that it can't hold up others.
    `item_name` returns what an item is called in the log and on the dashboard.
    """

    name: str
    now: datetime
    budget: timedelta
    is_stopping: Callable[[], bool]
    item_name: Callable[[Any], str] | None = None
    failing: dict[Hashable, ItemFailure] = field(default_factory=dict)
    # Whether something was left for a next run, which then comes at once.
    cut_short: bool = False
    _started: float = field(default_factory=lambda: time.monotonic())

    def seconds_left(self) -> float:
        """Return how many seconds of the budget are left; below 0 where it is used up."""
        return self.budget.total_seconds() - (time.monotonic() - self._started)

    def must_stop(self) -> bool:
        """Whether to leave the rest for later: the worker is asked to end, or this run has used its time."""
        if self.is_stopping() or self.seconds_left() <= 0:
            self.cut_short = True
        return self.cut_short

    def each(self, items: Iterable[Item], act: Callable[[Item], int], /) -> int:
        """Do `act` to each item in a try of its own, and return the sum of what it returned.

        Stops between two items when it must. Raises DatabaseAway; any other error is logged, and its item put off.
        """
        done = 0
        seen: set[Hashable] = set()
        for item in items:
            if self.must_stop():
                return done
            seen.add(item)
            if self._is_put_off(item):
                continue
            try:
                done += act(item)
            except Exception as error:
                raise_if_database_away(error)
                name = self.item_name(item) if self.item_name else ""
                logger.error("%s: %s failed: %s", self.name, name or "one item", describe(error))
                earlier = self.failing.get(item)
                self.failing[item] = ItemFailure(
                    tried_at=timezone.now(), failures=(earlier.failures if earlier else 0) + 1, name=name
                )
            else:
                self.failing.pop(item, None)
        # What is not among the items any more is no failure any more.
        for gone in set(self.failing) - seen:
            del self.failing[gone]
        return done

    def _is_put_off(self, item: Hashable) -> bool:
        failure = self.failing.get(item)
        if failure is None:
            return False
        due = due_at(started_at=failure.tried_at, failures=failure.failures, every=timedelta(), now=self.now)
        return due > self.now
