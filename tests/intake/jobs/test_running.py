"""Each job has its own schedule and error handling, and so has each of its items."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DataError, IntegrityError, OperationalError, connections
from django.utils import timezone

from intake.jobs.runner import DatabaseUnavailable, Job, JobContext, JobRunner
from intake.models import JobRun, WorkerHeartbeat

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Calls:
    """A job that records its runs and raises `error` if that is set."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.at: list[datetime] = []

    def __call__(self, context: JobContext) -> None:
        self.at.append(context.now)
        if self.error is not None:
            raise self.error


def job(name: str, run: Callable[[JobContext], object], every: timedelta = MINUTE, **more: Any) -> Job:
    return Job(name=name, title=name, every=every, run=run, **more)


def runner(*jobs: Job) -> JobRunner:
    return JobRunner(jobs, lambda: False)


def run_for(worker: JobRunner, minutes: int, *, start: datetime = NOON) -> None:
    """Let the worker run the due jobs once a minute."""
    for minute in range(minutes):
        with time_machine.travel(start + minute * MINUTE, tick=False):
            worker.run_due()


def test_running_all_once_returns_the_failed() -> None:
    well, failing = Calls(), Calls()
    failing.error = RuntimeError("fails")
    jobs = [job("well", well), job("failing", failing)]
    assert runner(*jobs).run_all() == jobs[1:]
    assert len(well.at) == len(failing.at) == 1
    assert JobRunner(jobs, lambda: True).run_all() == []
    assert len(well.at) == len(failing.at) == 1


def test_each_job_runs_on_its_own_schedule() -> None:
    often, seldom = Calls(), Calls()
    run_for(runner(job("often", often), job("seldom", seldom, timedelta(minutes=10))), 21)
    assert len(often.at) == 21
    assert seldom.at == [NOON, NOON + 10 * MINUTE, NOON + 20 * MINUTE]


@pytest.mark.parametrize(
    "error", [ValueError(), IntegrityError(), DataError(), OperationalError(), KeyError(), RecursionError(), OSError()]
)
def test_failing_job_stops_no_other_job(error: Exception) -> None:
    broken, others = Calls(), (Calls(), Calls())
    broken.error = error
    run_for(runner(job("a", others[0]), job("b", broken), job("c", others[1])), 30)
    assert [len(other.at) for other in others] == [30, 30]
    # After a minute, two, four, eight, and a quarter of an hour.
    assert [(moment - NOON) // MINUTE for moment in broken.at] == [0, 1, 3, 7, 15]
    row = JobRun.objects.get(name="b")
    assert (row.failures, row.error, row.succeeded_at) == (5, type(error).__name__, None)


def test_a_job_that_recovers_is_on_schedule_again() -> None:
    broken = Calls()
    broken.error = ValueError()
    worker = runner(job("a", broken))
    run_for(worker, 4)
    broken.error = None
    run_for(worker, 10, start=NOON + 4 * MINUTE)
    row = JobRun.objects.get()
    assert (row.failures, row.error, row.succeeded_at) == (0, "", NOON + 13 * MINUTE)
    assert broken.at[-3:] == [NOON + 11 * MINUTE, NOON + 12 * MINUTE, NOON + 13 * MINUTE]


def test_new_worker_continues_the_schedule() -> None:
    daily = Calls()
    run_for(runner(job("a", daily, timedelta(days=1))), 1)
    run_for(runner(job("a", daily, timedelta(days=1))), 1, start=NOON + timedelta(hours=23))
    assert len(daily.at) == 1
    run_for(runner(job("a", daily, timedelta(days=1))), 1, start=NOON + timedelta(hours=24))
    assert len(daily.at) == 2


def test_job_killing_worker_does_not_block_others() -> None:
    def killed(context: JobContext) -> None:
        raise SystemExit(137)

    mail = Calls()
    jobs = (job("killer", killed, timedelta(hours=1)), job("mail", mail))
    with pytest.raises(SystemExit):
        run_for(runner(*jobs), 1)
    run_for(runner(*jobs), 5, start=NOON + MINUTE)
    assert len(mail.at) == 5


def test_clock_that_was_ahead_stops_no_job() -> None:
    calls = Calls()
    worker = runner(job("a", calls))
    run_for(worker, 1, start=NOON + timedelta(days=1500))
    run_for(worker, 2)
    run_for(runner(job("a", calls)), 1, start=NOON + 5 * MINUTE)
    assert calls.at[1:] == [NOON, NOON + MINUTE, NOON + 5 * MINUTE]
    assert WorkerHeartbeat.objects.get().beat_at == NOON + 5 * MINUTE


def test_failing_item_stops_no_other_item() -> None:
    done: list[tuple[int, datetime]] = []

    def act(number: int) -> int:
        done.append((number, timezone.now()))
        if number == 1:
            raise IntegrityError("maija@esimerkki.fi")
        return 1

    run_for(runner(job("a", lambda context: context.each([1, 2, 3], act))), 10)
    assert [number for number, _at in done if number != 1] == [2, 3] * 10
    assert [(at - NOON) // MINUTE for number, at in done if number == 1] == [0, 1, 3, 7]
    row = JobRun.objects.get()
    assert (row.failures, row.failing_items) == (0, 1)


def test_failing_item_is_forgotten_when_gone() -> None:
    items = [1, 2]

    def act(number: int) -> int:
        if number == 1:
            raise ValueError
        return 1

    worker = runner(job("a", lambda context: context.each(items, act)))
    run_for(worker, 1)
    assert JobRun.objects.get().failing_items == 1
    items.remove(1)
    run_for(worker, 1, start=NOON + MINUTE)
    assert JobRun.objects.get().failing_items == 0


def test_job_stops_between_two_items() -> None:
    done: list[int] = []
    stopping = False

    def act(number: int) -> int:
        nonlocal stopping
        done.append(number)
        stopping = number == 2
        return 1

    worker = JobRunner([job("a", lambda context: context.each(range(5), act), timedelta(days=1))], lambda: stopping)
    run_for(worker, 1)
    assert done == [0, 1, 2]
    stopping = False
    # The remaining items are not postponed by a day.
    run_for(JobRunner(worker._jobs, lambda: False), 1, start=NOON + MINUTE)
    assert done == [0, 1, 2, 0, 1, 2, 3, 4]


def test_long_job_keeps_no_items_in_memory() -> None:
    context = JobContext(name="many", now=NOON, budget=timedelta(hours=1), is_stopping=lambda: False)
    tracemalloc.start()
    try:
        assert context.each((number for number in range(100_000, 150_000)), lambda item: 1) == 50_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The numbers alone would take some megabytes.
    assert peak < 100_000


def test_long_job_lets_other_jobs_run(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, order = 0.0, []
    monkeypatch.setattr("intake.jobs.runner.time.monotonic", lambda: seconds)
    left = list(range(6))

    def act(number: int) -> int:
        nonlocal seconds
        seconds += 15
        clock.shift(15)
        left.remove(number)
        order.append("item")
        return 1

    jobs = (
        job("long", lambda context: context.each(list(left), act), timedelta(hours=1)),
        job("mail", lambda context: order.append("mail"), timedelta(seconds=2)),
    )
    with time_machine.travel(NOON, tick=False) as clock:
        runner(*jobs).run_due()
    assert order == ["item", "item", "mail", "item", "item", "mail", "item", "item", "mail"]


def test_database_outage_ends_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Calls()

    def loses_database(context: JobContext) -> None:
        monkeypatch.setattr(connections["default"], "cursor", away)
        raise OperationalError("could not receive data: maija@esimerkki.fi")

    def away(*_arguments: Any) -> None:
        raise OperationalError

    worker = runner(job("a", loses_database), job("b", other))
    with pytest.raises(DatabaseUnavailable):
        run_for(worker, 1)
    assert other.at == []
    # After the outage no job has been postponed.
    monkeypatch.undo()
    with pytest.raises(DatabaseUnavailable):
        run_for(worker, 1)
    monkeypatch.undo()
    assert JobRun.objects.get(name="a").failures == 0


def test_errors_are_logged_with_frames_without_messages(caplog: pytest.LogCaptureFixture) -> None:
    def act(number: int) -> int:
        try:
            raise KeyError("maija@esimerkki.fi")
        except KeyError as error:
            raise ValueError("Salainen viesti") from error

    run_for(runner(job("a", lambda context: context.each([1], act)), job("b", lambda context: act(1))), 1)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 2
    for record in errors:
        line = record.getMessage()
        assert "ValueError from KeyError" in line
        assert "tests/intake/jobs/test_running.py:" in line
        assert line.endswith(":act")
        assert record.exc_info is None
    assert "maija@" not in caplog.text
    assert "Salainen" not in caplog.text


def test_frequent_job_rarely_writes_to_database(django_assert_max_num_queries: Any) -> None:
    worker = runner(job("mail", lambda context: None, timedelta(seconds=2)))
    with time_machine.travel(NOON, tick=False) as clock:
        worker.run_due()
        with django_assert_max_num_queries(0):
            for _ in range(10):
                clock.shift(2)
                worker.run_due()
        clock.shift(20)
        worker.run_due()
    assert WorkerHeartbeat.objects.get().beat_at == NOON + timedelta(seconds=40)
    assert JobRun.objects.get().succeeded_at == NOON + timedelta(seconds=40)


def test_unrecordable_run_stops_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()

    def full(**values: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(JobRun.objects, "update_or_create", full)
    monkeypatch.setattr(WorkerHeartbeat.objects, "update_or_create", full)
    run_for(runner(job("a", calls)), 3)
    assert len(calls.at) == 3
