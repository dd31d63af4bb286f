"""The database backend. Every write of web server, worker and commands waits for its turn here.

The queue is first come, first served, for the threads and processes of one machine. It only decides whose turn it is;
SQLite's own lock protects the data.
"""

import fcntl
import os
import struct
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

# Offsets of bytes that are locked in the queue's file; they need not exist. The file contains the next ticket.
_COUNTER, _FIRST_TICKET = 0, 2
_NUMBER = struct.Struct("<q")
_POLL_SECONDS = 0.0005
# On Linux only. Elsewhere the threads of each process queue, and the processes wait for SQLite's lock.
_SET_LOCK = getattr(fcntl, "F_OFD_SETLK", None)
# After a wait shorter than this, SQLite's time limit is not adjusted.
_SHORT_WAIT = 0.1
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
# How long a new connection waits until the connections that were opened read-only are closed.
_READ_ONLY_SECONDS = 2.0
_read_only: weakref.WeakSet["DatabaseWrapper"] = weakref.WeakSet()
_read_only_ends = threading.Condition()


class QueueTimeout(Exception):
    """The turn did not come in time."""


class _Threads:
    """The queue of this process: a lock that is handed to the thread that has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, seconds: float) -> bool:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        # The lock was handed over just after the timeout.
        return True

    def release(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


_threads: dict[Path, _Threads] = {}
_threads_guard = threading.Lock()


def _threads_of(path: Path) -> _Threads:
    with _threads_guard:
        return _threads.setdefault(path, _Threads())


def _forget_threads() -> None:
    # In a forked child, no thread of the parent exists that would release its lock.
    global _threads_guard
    _threads_guard = threading.Lock()
    _threads.clear()


os.register_at_fork(after_in_child=_forget_threads)


class WriterQueue:
    """One writer's place in the queue of a file. Not thread-safe.

    Within a process, threads wait for each other. The first thread of each process then takes a ticket: it locks the
    byte with the ticket's number in the file, and has its turn once the byte before it is free. Only the next writer in
    the queue tries to lock that byte, so nobody overtakes. The kernel releases the locks of a process that dies.
    """

    def __init__(self, path: Path) -> None:
        self._threads = _threads_of(path)
        # Locks belong to an open file, so each writer opens its own.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._ticket: int | None = None

    @property
    def has_turn(self) -> bool:
        return self._ticket is not None

    def acquire(self, seconds: float) -> None:
        """Wait for the turn. Raises QueueTimeout if it does not come in time, OSError if the disk is full."""
        deadline = time.monotonic() + seconds
        if not self._threads.acquire(seconds):
            raise QueueTimeout
        try:
            self._ticket = self._take_turn(deadline)
        except BaseException:
            self._threads.release()
            raise

    def _take_turn(self, deadline: float) -> int:
        self._lock(_COUNTER, deadline)
        try:
            number = _NUMBER.unpack(os.pread(self._file, _NUMBER.size, 0).ljust(_NUMBER.size, b"\0"))[0]
            ticket = max(_FIRST_TICKET, number)
            self._lock(ticket, deadline)
            try:
                os.pwrite(self._file, _NUMBER.pack(ticket + 1), 0)
            except BaseException:
                self._unlock(ticket)
                raise
        finally:
            self._unlock(_COUNTER)
        try:
            self._lock(ticket - 1, deadline)
        except BaseException:
            self._unlock(ticket)
            raise
        self._unlock(ticket - 1)
        return ticket

    def release(self) -> None:
        """End the turn; do nothing without one."""
        if self._ticket is not None:
            ticket, self._ticket = self._ticket, None
            self._unlock(ticket)
            self._threads.release()

    def close(self) -> None:
        """End the turn and close the queue's file."""
        self.release()
        os.close(self._file)

    def _lock(self, byte: int, deadline: float) -> None:
        while not self._set_lock(fcntl.F_WRLCK, byte):
            # The kernel could wait for the lock, but only without a time limit.
            if time.monotonic() > deadline:
                raise QueueTimeout
            time.sleep(_POLL_SECONDS)

    def _unlock(self, byte: int) -> None:
        self._set_lock(fcntl.F_UNLCK, byte)

    def _set_lock(self, kind: int, byte: int) -> bool:
        if _SET_LOCK is None:
            return True
        # struct flock: type, whence, start, length, process.
        try:
            fcntl.fcntl(self._file, _SET_LOCK, struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, 1, 0))
        except BlockingIOError:
            return False
        return True


def is_write(query: str) -> bool:
    return query.lstrip()[:7].upper().startswith(_WRITES)


class QueuedCursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction wait for their turn.

    SQLite ends an INSERT … RETURNING only when its last row is fetched. Until then the database stays locked, and a
    transaction around it can't be committed. So this class fetches the rows of a write at once and stores them.
    """

    queued: Callable[[str], Any]
    _rows: deque[Any] | None = None

    def execute(self, query: str, params: Any = None) -> Any:
        self._rows = None
        with self.queued(query):
            result = super().execute(query, params)
            if self.description is not None and is_write(query):
                self._rows = deque(super().fetchall())
            return result

    def __next__(self) -> Any:
        if self._rows is None:
            return super().__next__()
        if not self._rows:
            raise StopIteration
        return self._rows.popleft()

    def fetchone(self) -> Any:
        if self._rows is None:
            return super().fetchone()
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        count = self.arraysize if size is None else size
        if self._rows is None:
            return super().fetchmany(count)
        return [self._rows.popleft() for _row in range(min(count, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        if self._rows is None:
            return super().fetchall()
        rows, self._rows = list(self._rows), deque()
        return rows

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        with self.queued(query):
            return super().executemany(query, param_list)


class DatabaseWrapper(base.DatabaseWrapper):
    """Waits for its turn before BEGIN, and ends the turn after the transaction.

    The queue's file is opened at the first write: where nothing can be written, pages can still be read.
    """

    _queue: WriterQueue | None = None
    _is_hurried = False

    def is_usable(self) -> bool:
        """Return False, so that Django opens the file again after an error."""
        return False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the database file.

        A connection that is opened while the file is not writable is closed after its request, even without an error.
        SQLite keeps such a connection read-only, and also the memory that all connections of the process to the file
        share, until the last of them is closed. So once the file is writable, a new connection waits until the
        read-only ones are closed.
        """
        if self.is_in_memory_db():
            return super().get_new_connection(conn_params)
        with _read_only_ends:
            if self._is_writable():
                _read_only_ends.wait_for(lambda: not self._has_read_only_neighbours(), _READ_ONLY_SECONDS)
            else:
                _read_only.add(self)
        try:
            opened = super().get_new_connection(conn_params)
        except BaseException:
            self._end_read_only()
            raise
        with _read_only_ends:
            if self._has_read_only_neighbours() or not self._is_writable():
                _read_only.add(self)
        return opened

    def close_if_unusable_or_obsolete(self) -> None:
        if self in _read_only and not self.in_atomic_block:
            self.close()
        super().close_if_unusable_or_obsolete()

    def _is_writable(self) -> bool:
        name = self.settings_dict["NAME"]
        return os.access(name, os.W_OK) or not os.path.exists(name)

    def _has_read_only_neighbours(self) -> bool:
        name = self.settings_dict["NAME"]
        return any(each.settings_dict["NAME"] == name for each in _read_only)

    def _end_read_only(self) -> None:
        with _read_only_ends:
            _read_only.discard(self)
            _read_only_ends.notify_all()

    def create_cursor(self, name: str | None = None) -> QueuedCursor:
        cursor: QueuedCursor = self.connection.cursor(factory=QueuedCursor)
        cursor.queued = self._queued
        return cursor

    @contextmanager
    def _queued(self, query: str) -> Iterator[None]:
        is_alone = not self.connection.in_transaction and not (self._queue and self._queue.has_turn)
        if not is_alone or not is_write(query):
            yield
            return
        self._take_turn()
        try:
            yield
        finally:
            self._end_turn()

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> Any:
        # If this raises, Django rolls back, which ends the turn.
        done = super()._commit()  # type: ignore[misc]
        self._end_turn()
        return done

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_read_only()
            if self._queue is not None:
                self._queue.close()
                self._queue = None

    def _take_turn(self) -> None:
        """Wait for the turn. The rest of `timeout` remains for a program that does not use the queue."""
        if self.is_in_memory_db():
            return
        seconds, began = float(self.settings_dict["OPTIONS"].get("timeout", 5.0)), time.monotonic()
        try:
            self._queue = self._queue or WriterQueue(Path(f"{self.settings_dict['NAME']}-queue"))
            self._queue.acquire(seconds)
        except QueueTimeout as timeout:
            raise OperationalError("database is locked: no turn to write in time") from timeout
        except OSError as error:
            raise OperationalError("the queue beside the database can't be written") from error
        waited = time.monotonic() - began
        if waited > _SHORT_WAIT:
            self._set_busy_timeout(max(0.0, seconds - waited))
            self._is_hurried = True

    def _end_turn(self) -> None:
        if self._queue is not None:
            self._queue.release()
        if self._is_hurried:
            self._is_hurried = False
            self._set_busy_timeout(float(self.settings_dict["OPTIONS"].get("timeout", 5.0)))

    def _set_busy_timeout(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
