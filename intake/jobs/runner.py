"""The periodic jobs: their registry, their stored state, and the runner that executes them.

No error message is stored: it may quote a visitor.
"""

import logging
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, models
from django.utils import timezone
from django.utils.functional import Promise

from intake.jobs.errors import describe
from intake.jobs.schedule import BEAT_EVERY, due_at, is_from_future

logger = logging.getLogger(__name__)

# The longest time that one run of a job may delay the others.
BUDGET = timedelta(seconds=20)
_NAMES_SHOWN = 5

Item = TypeVar("Item", bound=Hashable)


class JobRun(models.Model):
    """The latest run of one periodic job (intake.jobs)."""

    name = models.CharField(max_length=50, unique=True)
    started_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    # Failures in a row; they determine the next wait.
    failures = models.PositiveIntegerField(default=0)
    # How many items failed in the latest successful run.
    failing_items = models.PositiveIntegerField(default=0)
    # Their names, for jobs with Job.item_name.
    failing_names = models.TextField(blank=True)
    # The type of the last error, "" after a success.
    error = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["name"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class ClockSlip(models.Model):
    """When stored times were first seen to lie in the future, in one row (intake.periodic_jobs)."""

    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class WorkerHeartbeat(models.Model):
    """When the worker was last alive, in one row."""

    beat_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Each(Protocol):
    """Call `act` with each item and return the sum of its results."""

    def __call__(self, items: Iterable[Item], act: Callable[[Item], int], /) -> int: ...


def each_or_raise(items: Iterable[Item], act: Callable[[Item], int], /) -> int:
    """Implement Each without error handling: the first error is raised."""
    return sum(act(item) for item in items)


class DatabaseUnavailable(Exception):
    """The database does not answer, so no job can run."""


def raise_if_database_unavailable(error: Exception) -> None:
    """Raise DatabaseUnavailable if the database does not answer; return if `error` has another cause."""
    if not isinstance(error, OperationalError | InterfaceError):
        return
    if not connection.in_atomic_block:
        # A broken connection does not mean that the database is down: try a new one.
        connection.close_if_unusable_or_obsolete()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError) as away:
        raise DatabaseUnavailable from away


@dataclass
class ItemFailure:
    """An item that failed: when it was last tried, failures in a row, and its name ("" if it must not be shown)."""

    tried_at: datetime
    failures: int
    name: str = ""


@dataclass
class JobContext:
    """One run of one job.

    `failing` is kept between runs: a failed item is retried after growing waits, so that it can't block the others.
    `item_name` returns the name of an item for the log and the dashboard.
    """

    name: str
    now: datetime
    budget: timedelta
    is_stopping: Callable[[], bool]
    item_name: Callable[[Any], str] | None = None
    failing: dict[Hashable, ItemFailure] = field(default_factory=dict)
    # Whether items were left over; the next run then starts at once.
    cut_short: bool = False
    # Whether the run counts neither as a success nor as a failure: its work still runs in another process, or failed
    # earlier and is not due again yet.
    undecided: bool = False
    _started: float = field(default_factory=lambda: time.monotonic())

    def seconds_left(self) -> float:
        """Return the remaining seconds of the budget; negative once it is used up."""
        return self.budget.total_seconds() - (time.monotonic() - self._started)

    def must_stop(self) -> bool:
        """Whether to leave the rest for a later run: the worker is stopping, or the budget is used up."""
        if self.is_stopping() or self.seconds_left() <= 0:
            self.cut_short = True
        return self.cut_short

    def each(self, items: Iterable[Item], act: Callable[[Item], int], /) -> int:
        """Call `act` with each item and return the sum of its results.

        Stops between two items if `must_stop()`. An error of one item is logged and that item is retried later.
        Raises DatabaseUnavailable.
        """
        done = 0
        # The failing items that `items` has not yielded. The items themselves are not collected: they may be very many.
        unlisted = set(self.failing)
        for item in items:
            if self.must_stop():
                return done
            unlisted.discard(item)
            if self._is_postponed(item):
                continue
            try:
                done += act(item)
            except Exception as error:
                raise_if_database_unavailable(error)
                name = self.item_name(item) if self.item_name else ""
                logger.error("%s: %s failed: %s", self.name, name or "one item", describe(error))
                earlier = self.failing.get(item)
                self.failing[item] = ItemFailure(
                    tried_at=timezone.now(), failures=(earlier.failures if earlier else 0) + 1, name=name
                )
            else:
                self.failing.pop(item, None)
        # A failing item that `items` no longer yields is forgotten.
        for gone in unlisted:
            del self.failing[gone]
        return done

    def _is_postponed(self, item: Hashable) -> bool:
        failure = self.failing.get(item)
        if failure is None:
            return False
        due = due_at(started_at=failure.tried_at, failures=failure.failures, every=timedelta(), now=self.now)
        return due > self.now


@dataclass(frozen=True, kw_only=True)
class Job:
    """A periodic job. The dashboard shows `title` when the job fails.

    `item_name` returns the name of an item to show; None if a name would identify a visitor. A job may start work that
    goes on after its run, in another process. It then has `wait`, which waits for the end of that work and raises an
    error if it failed, and `at_stop`, which stops that work when the worker stops.
    """

    name: str
    title: str | Promise
    every: timedelta
    run: Callable[[JobContext], object]
    budget: timedelta = BUDGET
    item_name: Callable[[Any], str] | None = None
    wait: Callable[[JobContext], object] | None = None
    at_stop: Callable[[], object] | None = None


_jobs: dict[str, Job] = {}


def register(*jobs: Job) -> None:
    """Add jobs for the worker, from an app's ready(). A job of the same name is replaced."""
    for job in jobs:
        _jobs[job.name] = job


def registered_jobs() -> list[Job]:
    """Return all registered jobs in the order of registration."""
    return list(_jobs.values())


@dataclass
class _State:
    """What the runner keeps of a job: a copy of its row, and its failing items."""

    started_at: datetime | None = None
    failures: int = 0
    undecided: bool = False
    written_at: datetime | None = None
    failing: dict[Hashable, ItemFailure] = field(default_factory=dict)


def _names(failing: dict[Hashable, ItemFailure]) -> str:
    """Return the names of failing items, at most _NAMES_SHOWN of them."""
    names = list(dict.fromkeys(failure.name for failure in failing.values() if failure.name))
    return ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")


class JobRunner:
    """Runs jobs when they are due. The JobRun rows let a new worker continue where the last one stopped."""

    def __init__(self, jobs: Sequence[Job], is_stopping: Callable[[], bool]) -> None:
        self._jobs = list(jobs)
        self._is_stopping = is_stopping
        self._states: dict[str, _State] | None = None
        self._beat_at: datetime | None = None

    def run_due(self) -> None:
        """Run all due jobs, the longest overdue first. Raises DatabaseUnavailable."""
        while not self._is_stopping():
            self._beat()
            job = self._next_due()
            if job is None:
                return
            self.run(job)

    def run_all(self) -> list[Job]:
        """Run each job once, due or not, and wait for its work. Returns the failed ones. Raises DatabaseUnavailable."""
        waits = [replace(job, run=job.wait) for job in self._jobs if job.wait is not None]
        return [job for job in [*self._jobs, *waits] if not self._is_stopping() and not self.run(job)]

    def stop(self) -> None:
        """Stop the work that jobs have started: call `at_stop` of each job that has it."""
        for job in self._jobs:
            if job.at_stop is not None:
                job.at_stop()

    def run(self, job: Job) -> bool:
        """Run one job now and record the result. Returns whether it succeeded. Raises DatabaseUnavailable."""
        state = self._state(job)
        previous, now = state.started_at, timezone.now()
        state.started_at, state.undecided = now, False
        # Recorded before it starts: a job that kills the process must not be the first to run after a restart.
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
        except DatabaseUnavailable:
            state.started_at = previous
            raise
        except Exception as error:
            try:
                raise_if_database_unavailable(error)
            except DatabaseUnavailable:
                state.started_at = previous
                raise
            state.failures += 1
            logger.error("%s failed (%d in a row): %s", job.name, state.failures, describe(error))
            self._record(job, force=True, failures=state.failures, error=type(error).__name__[:100])
            return False
        if context.undecided:
            state.undecided = True
            return True
        recovered, state.failures = state.failures > 0, 0
        if context.cut_short:
            # Due again at once; jobs that have been due for longer run first.
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
            failures = 0 if state.undecided else state.failures
            due = due_at(started_at=state.started_at, failures=failures, every=job.every, now=now)
            if due <= now:
                waiting.append((due, job))
        return min(waiting, key=lambda pair: pair[0])[1] if waiting else None

    def _state(self, job: Job) -> _State:
        if self._states is None:
            try:
                rows = list(JobRun.objects.all())
            except DatabaseError as error:
                raise_if_database_unavailable(error)
                raise
            self._states = {row.name: _State(started_at=row.started_at, failures=row.failures) for row in rows}
        return self._states.setdefault(job.name, _State())

    def _record(self, job: Job, *, force: bool = False, **values: Any) -> None:
        """Write `values` to the job's row; for a very frequent job at most every BEAT_EVERY, unless `force`."""
        state, now = self._state(job), timezone.now()
        written = state.written_at
        is_fresh = written is not None and not is_from_future(written, now) and now - written < BEAT_EVERY
        if job.every < BEAT_EVERY and is_fresh and not force:
            return
        try:
            JobRun.objects.update_or_create(name=job.name, defaults=values)
        except DatabaseError as error:
            raise_if_database_unavailable(error)
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
            raise_if_database_unavailable(error)
            logger.error("the heartbeat could not be written: %s", describe(error))
            return
        self._beat_at = now
