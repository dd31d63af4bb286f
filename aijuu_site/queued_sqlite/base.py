"""The database backend. Every write of web server, worker and commands waits for its turn here."""

import os
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

from aijuu_site.queued_sqlite.queue import QueueTimeout, WriterQueue

# After a shorter one, setting another time limit is not worth it.
_SHORT_WAIT = 0.1
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
# How long a new connection waits for the end of those that were opened read-only.
_READ_ONLY_SECONDS = 2.0
_read_only: weakref.WeakSet["DatabaseWrapper"] = weakref.WeakSet()
_read_only_ends = threading.Condition()


def is_write(query: str) -> bool:
    return query.lstrip()[:7].upper().startswith(_WRITES)


class QueuedCursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction wait for their turn.

    SQLite ends an INSERT … RETURNING only when its last row is fetched. Until then the database stays locked, and a
    transaction around it can't be committed. So the rows of a write are fetched at once and kept here.
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
    """Take the turn before BEGIN and give it up after the end of the transaction.

    The file of the queue is opened with the first write: where nothing can be written, pages are still read.
    """

    _queue: WriterQueue | None = None
    _is_hurried = False

    def is_usable(self) -> bool:
        """Return False: after an error, the file is opened anew."""
        return False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open the file. What was opened while it could not be written ends with its request, also without an error.

        SQLite keeps such a connection read-only, and with it the memory that all connections of the process to the file
        share, until the last of them is closed. So once the file can be written, a new one waits for the end of these.
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
        # After an error Django rolls back.
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
        """Wait for the turn. What is left of `timeout` is for a program that does not queue."""
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
