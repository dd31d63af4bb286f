"""The registry of periodic jobs, and the runner that gives each its turn."""

import logging
import signal
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.functional import Promise

from intake.jobs.models import JobRun, WorkerHeartbeat
from intake.jobs.schedule import BEAT_EVERY, due_at, is_from_future

_ROOT = Path(__file__).resolve().parent.parent.parent


def describe(error: BaseException) -> str:
    """Return one line: the kind, the kinds it came from, and file:line:function of each frame, the innermost last."""
    kinds = [type(error).__name__]
    cause = error.__cause__ or error.__context__
    while cause is not None and len(kinds) < 5:
        kinds.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    frames = [
        f"{_short(frame.filename)}:{frame.lineno}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    return f"{' from '.join(kinds)} at {' > '.join(frames) or 'unknown'}"


def _short(filename: str) -> str:
    """Return the path below the project or the packages: no log tells where a machine keeps its files."""
    _before, packages, inside = filename.rpartition("site-packages/")
    if packages:
        return inside
    path = Path(filename)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name


@contextmanager
def set_by_signals(stopping: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stopping`; afterwards both do what they did before. In the main thread only."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda _number, _frame: stopping.set())
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


# How long one run of a job may keep the others waiting.
BUDGET = timedelta(seconds=20)
_NAMES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something to do every so often. `title` says to the supervisor what is not done when it fails.

    `item_name` returns what one of its items is called; none where that would tell of a visitor.
    """

    name: str
    title: str | Promise
    every: timedelta
    run: Callable[[JobContext], object]
    budget: timedelta = BUDGET
    item_name: Callable[[Any], str] | None = None


_jobs: dict[str, Job] = {}


def register(*jobs: Job) -> None:
    """Add jobs for the worker to run, from an app's ready(). A name names one job."""
    for job in jobs:
        _jobs[job.name] = job


def registered_jobs() -> list[Job]:
    """Return every registered job, in the order of registration."""
    return list(_jobs.values())


@dataclass
class _State:
    """What the runner remembers of a job: what its row says, and which of its items fail."""

    started_at: datetime | None = None
    failures: int = 0
    written_at: datetime | None = None
    failing: dict[Hashable, ItemFailure] = field(default_factory=dict)


def _names(failing: dict[Hashable, ItemFailure]) -> str:
    """Return the names of failing items, no more of them than one reads at a glance."""
    names = list(dict.fromkeys(failure.name for failure in failing.values() if failure.name))
    return ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")


class JobRunner:
    """Gives each job its turn. The rows (JobRun) let a new worker go on where the last one was, however that ended."""

    def __init__(self, jobs: Sequence[Job], is_stopping: Callable[[], bool]) -> None:
        self._jobs = list(jobs)
        self._is_stopping = is_stopping
        self._states: dict[str, _State] | None = None
        self._beat_at: datetime | None = None

    def run_due(self) -> None:
        """Run every job that is due, the one that has waited longest first. Raises DatabaseAway."""
        while not self._is_stopping():
            self._beat()
            job = self._next_due()
            if job is None:
                return
            self.run(job)

    def run_all(self) -> list[Job]:
        """Run each job once, due or not, and return those that failed. Raises DatabaseAway."""
        return [job for job in self._jobs if not self._is_stopping() and not self.run(job)]

    def run(self, job: Job) -> bool:
        """Run one job now, and record how it went. Returns whether it succeeded. Raises DatabaseAway."""
        state = self._state(job)
        previous, now = state.started_at, timezone.now()
        state.started_at = now
        # Before it begins: a job that takes the whole process down is not the first one after the next start.
        self._record(job, started_at=now)
        context = JobContext(
            name=job.name,
            now=now,
            budget=job.budget,
            is_stopping=self._is_stopping,
            item_name=job.item_name,
            failing=state.failing,
        )
        try:
            job.run(context)
        except DatabaseAway:
            state.started_at = previous
            raise
        except Exception as error:
            try:
                raise_if_database_away(error)
            except DatabaseAway:
                state.started_at = previous
                raise
            state.failures += 1
            logger.error("%s failed (%d in a row): %s", job.name, state.failures, describe(error))
            self._record(job, force=True, failures=state.failures, error=type(error).__name__[:100])
            return False
        recovered, state.failures = state.failures > 0, 0
        if context.cut_short:
            # Due again now: the others that are due have waited longer, and come first.
            state.started_at = timezone.now() - job.every
            self._record(job, force=True, started_at=state.started_at)
        self._record(
            job,
            force=recovered,
            succeeded_at=timezone.now(),
            failures=0,
            failing_items=len(state.failing),
            failing_names=_names(state.failing),
            error="",
        )
        return not state.failing

    def _next_due(self) -> Job | None:
        now = timezone.now()
        waiting = []
        for job in self._jobs:
            state = self._state(job)
            due = due_at(started_at=state.started_at, failures=state.failures, every=job.every, now=now)
            if due <= now:
                waiting.append((due, job))
        return min(waiting, key=lambda pair: pair[0])[1] if waiting else None

    def _state(self, job: Job) -> _State:
        if self._states is None:
            try:
                rows = list(JobRun.objects.all())
            except DatabaseError as error:
                raise_if_database_away(error)
                raise
            self._states = {row.name: _State(started_at=row.started_at, failures=row.failures) for row in rows}
        return self._states.setdefault(job.name, _State())

    def _record(self, job: Job, *, force: bool = False, **values: Any) -> None:
        """Write what the row should say; of a job that runs all the time only now and then."""
        state, now = self._state(job), timezone.now()
        written = state.written_at
        is_fresh = written is not None and not is_from_future(written, now) and now - written < BEAT_EVERY
        if job.every < BEAT_EVERY and is_fresh and not force:
            return
        try:
            JobRun.objects.update_or_create(name=job.name, defaults=values)
        except DatabaseError as error:
            raise_if_database_away(error)
            logger.error("%s: its run could not be recorded: %s", job.name, describe(error))
            return
        if "started_at" not in values or force:
            state.written_at = now

    def _beat(self) -> None:
        now = timezone.now()
        last = self._beat_at
        if last is not None and not is_from_future(last, now) and now - last < BEAT_EVERY:
            return
        try:
            WorkerHeartbeat.objects.update_or_create(pk=1, defaults={"beat_at": now})
        except DatabaseError as error:
            raise_if_database_away(error)
            logger.error("the heartbeat could not be written: %s", describe(error))
            return
        self._beat_at = now
