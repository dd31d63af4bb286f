"""The queue of SQLite's writers: threads and processes take turns, and a killed writer does not block the others."""

import errno
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connection, connections, transaction
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect

from aijuu_site.queued_sqlite import base as queue_module
from aijuu_site.queued_sqlite.base import QueueTimeout, WriterQueue, _threads_of
from intake.models import PostingTrace

ROOT = Path(__file__).resolve().parent.parent.parent
# A process that takes its turn, writes its name to the log, and holds the turn until its stdin ends.
_WRITER = """
import sys
from pathlib import Path
from aijuu_site.queued_sqlite.base import WriterQueue
queue = WriterQueue(Path(sys.argv[1]))
queue.acquire(60)
with open(sys.argv[2], "a") as turns:
    turns.write(sys.argv[3] + "\\n")
sys.stdin.read()
queue.release()
"""


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Line:
    """A queue with a log of the turns and with the processes that wait in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue"
        self.log = folder / "turns"
        self.log.touch()
        self.processes: list[subprocess.Popen[bytes]] = []

    def queue(self) -> WriterQueue:
        return WriterQueue(self.path)

    @property
    def turns(self) -> list[str]:
        return self.log.read_text().split()

    def tickets(self) -> int:
        """Return the number of tickets taken so far."""
        return int.from_bytes(self.path.read_bytes(), "little")

    def add_process(self, name: str, *, holds: bool) -> subprocess.Popen[bytes]:
        """Start a writer and return once it has taken its ticket. If `holds`, it keeps its turn."""
        before = self.tickets()
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(self.path), str(self.log), name],
            cwd=ROOT,
            stdin=subprocess.PIPE if holds else subprocess.DEVNULL,
        )
        self.processes.append(process)
        wait_until(lambda: self.tickets() > before)
        return process


@pytest.fixture
def line(tmp_path: Path) -> Any:
    line = Line(tmp_path)
    with closing(line.queue()) as first:
        first.acquire(1)
    yield line
    for process in line.processes:
        process.kill()
        process.communicate()


def in_thread(job: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            job()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_threads_write_in_order_of_arrival(line: Line) -> None:
    holder, turns = line.queue(), []
    holder.acquire(1)

    def take_turn(number: int) -> None:
        with closing(line.queue()) as queue:
            queue.acquire(30)
            turns.append(number)

    threads = []
    for number in range(6):
        threads.append(in_thread(lambda number=number: take_turn(number)))  # type: ignore[misc]
        wait_until(lambda number=number: len(_threads_of(line.path)._waiting) == number + 1)  # type: ignore[misc]
    holder.close()
    for thread in threads:
        thread.join(30)
    assert turns == [0, 1, 2, 3, 4, 5]


def test_processes_write_in_order_of_arrival(line: Line) -> None:
    holder = line.queue()
    holder.acquire(1)
    for name in ("a", "b", "c", "d"):
        line.add_process(name, holds=False)
    assert line.turns == []
    holder.close()
    wait_until(lambda: len(line.turns) == 4)
    assert line.turns == ["a", "b", "c", "d"]


def test_writer_does_not_overtake_waiting_process(line: Line) -> None:
    with closing(line.queue()) as greedy:
        greedy.acquire(1)
        line.add_process("waiting", holds=False)
        greedy.release()
        greedy.acquire(30)
        assert line.turns == ["waiting"]


def test_killed_writer_frees_the_queue(line: Line) -> None:
    holder = line.add_process("killed", holds=True)
    wait_until(lambda: line.turns == ["killed"])
    with closing(line.queue()) as queue:
        with pytest.raises(QueueTimeout):
            queue.acquire(0.05)
        holder.kill()
        holder.wait(30)
        queue.acquire(30)
        assert queue.has_turn


def test_killed_waiting_writer_does_not_block_others(line: Line) -> None:
    with closing(line.queue()) as holder:
        holder.acquire(1)
        waiting = line.add_process("killed", holds=False)
        line.add_process("after", holds=False)
        waiting.kill()
        waiting.wait(30)
        holder.release()
        wait_until(lambda: line.turns == ["after"])


def test_timed_out_writer_does_not_block_others(line: Line) -> None:
    with closing(line.queue()) as holder, closing(line.queue()) as impatient, closing(line.queue()) as patient:
        holder.acquire(1)
        with pytest.raises(QueueTimeout):
            impatient.acquire(0.05)
        holder.release()
        patient.acquire(1)
        assert not impatient.has_turn


def test_writer_without_ticket_does_not_block_others(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ticket can't be written on a full or read-only disk, and the writer's connection stays open."""

    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with closing(line.queue()) as unlucky, closing(line.queue()) as next_one:
        with monkeypatch.context() as patch:
            patch.setattr(queue_module.os, "pwrite", full)
            with pytest.raises(OSError, match="No space"):
                unlucky.acquire(1)
        next_one.acquire(1)
        assert next_one.has_turn


def test_writer_times_out_behind_another_process(line: Line) -> None:
    holder = line.add_process("holder", holds=True)
    wait_until(lambda: line.turns == ["holder"])
    with closing(line.queue()) as impatient, closing(line.queue()) as patient:
        with pytest.raises(QueueTimeout):
            impatient.acquire(0.05)
        holder.communicate()
        patient.acquire(30)


sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has many writers at once")
NAME = "a" * 64


def write(how: str) -> list[int]:
    if how == "update":
        PostingTrace.objects.update(address_key=NAME)
    elif how == "create":
        PostingTrace.objects.create(address_key=NAME, posted_at=timezone.now())
    else:
        with transaction.atomic():
            PostingTrace.objects.count()
    return [1]


@sqlite_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["transaction", "create", "update"])
def test_each_write_waits_for_its_turn(how: str) -> None:
    path = Path(f"{connection.settings_dict['NAME']}-queue")
    done: list[int] = []
    with closing(WriterQueue(path)) as other:
        other.acquire(5)
        thread = in_thread(lambda: done.extend(write(how)))
        wait_until(lambda: len(_threads_of(path)._waiting) == 1)
        # Reading needs no turn.
        assert PostingTrace.objects.count() == 0
        assert done == []
    thread.join(30)
    assert done == [1]
    with closing(WriterQueue(path)) as after:
        after.acquire(5)


@sqlite_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_returned_rows_are_fetched_within_the_turn(in_transaction: bool) -> None:
    """SQLite keeps an INSERT … RETURNING open until its last row is fetched, when another writer may have the turn."""
    insert = (
        "INSERT INTO wagtailredirects_redirect (old_path, is_permanent, redirect_link, redirect_page_route_path,"
        " automatically_created) SELECT value, 0, '', '', 0 FROM json_each(%s) RETURNING old_path"
    )
    with connection.cursor() as cursor:
        if in_transaction:
            with transaction.atomic():
                cursor.execute(insert, ['["0", "1", "2", "3", "4"]'])
        else:
            cursor.execute(insert, ['["0", "1", "2", "3", "4"]'])
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=0)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
        assert cursor.fetchone() == ("0",)
        assert cursor.fetchmany(2) == [("1",), ("2",)]
        assert next(cursor.cursor) == ("3",)
        assert cursor.fetchall() == [("4",)]
        assert cursor.fetchone() is None
        assert cursor.fetchmany(2) == cursor.fetchall() == []
        with pytest.raises(StopIteration):
            next(cursor.cursor)
        # The next statement of the same cursor returns its own rows.
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_parallel_page_creations_do_not_wait() -> None:
    """Each insert causes another one, which records the page change."""

    def create(name: str) -> None:
        for number in range(40):
            Redirect.objects.create(old_path=f"/{name}{number}", redirect_link="/uusi/")

    threads = [in_thread(partial(create, name)) for name in ("a", "b", "c")]
    for one in threads:
        one.join(60)
    assert Redirect.objects.count() == 120


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_failed_write_ends_its_turn() -> None:
    path = Path(f"{connection.settings_dict['NAME']}-queue")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 10")
        for how in ("transaction", "create"):
            with pytest.raises(OperationalError):
                write(how)
    connection.close()
    with closing(WriterQueue(path)) as after:
        after.acquire(1)


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_queue_timeout_is_operational_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    with closing(WriterQueue(Path(f"{connection.settings_dict['NAME']}-queue"))) as other:
        other.acquire(5)
        for how in ("transaction", "create", "update"):
            with pytest.raises(OperationalError):
                write(how)
    write("create")
    assert PostingTrace.objects.count() == 1


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_unusable_queue_file_is_a_database_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(queue_module.os, "pwrite", full)
        for how in ("transaction", "create", "update"):
            with pytest.raises(OperationalError):
                write(how)
    write("create")
    connection.close()
    with monkeypatch.context() as patch:
        patch.setattr(queue_module.os, "open", full)
        # Reading works when writing does not.
        assert PostingTrace.objects.count() == 1
        for how in ("transaction", "create", "update"):
            with pytest.raises(OperationalError):
                write(how)
    write("create")
    assert PostingTrace.objects.count() == 2


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_database_is_reopened_after_read_only_error() -> None:
    """A SQLite connection that was opened on a read-only disk stays read-only."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
    with pytest.raises(OperationalError, match="readonly"):
        write("create")
    # Django does this at the end of each request.
    close_old_connections()
    write("create")
    assert PostingTrace.objects.count() == 1


@sqlite_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["transaction", "create"])
def test_queue_and_foreign_lock_share_one_timeout(how: str) -> None:
    limit = 1000 * connection.settings_dict["OPTIONS"]["timeout"]
    seen: list[int] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        done = execute(sql, params, many, context)
        seen.append(busy_timeout())
        return done

    with closing(WriterQueue(Path(f"{connection.settings_dict['NAME']}-queue"))) as other:
        other.acquire(5)
        threading.Timer(0.5, other.release).start()
        with transaction.atomic() if how == "transaction" else nullcontext(), connection.execute_wrapper(watch):
            write("create")
    # Within a transaction the rest of the timeout applies. Without one the turn has ended already.
    assert (seen[0] < limit) == (how == "transaction")
    assert busy_timeout() == limit


def busy_timeout() -> int:
    (milliseconds,) = connection.connection.execute("PRAGMA busy_timeout").fetchone()
    return int(milliseconds)


def test_without_linux_locks_threads_still_queue(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "_SET_LOCK", None)
    with closing(line.queue()) as first, closing(line.queue()) as second:
        first.acquire(1)
        with pytest.raises(QueueTimeout):
            second.acquire(0.05)
        first.release()
        second.acquire(1)
