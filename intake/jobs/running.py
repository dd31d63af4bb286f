"""The registry of periodic jobs, and the runner that gives each its turn."""

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.utils import timezone
from django.utils.functional import Promise

from intake.jobs.context import DatabaseAway, ItemFailure, JobContext, raise_if_database_away
from intake.jobs.errors import describe
from intake.jobs.schedule import BEAT_EVERY, due_at, is_from_future
from intake.models.jobs import JobRun, WorkerHeartbeat

logger = logging.getLogger(__name__)

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
