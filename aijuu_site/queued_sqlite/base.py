"""The database backend. Every write of web server, worker and commands waits for its turn here."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from aijuu_site.queued_sqlite.queue import QueueTimeout, WriterQueue

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


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
    """Take the turn before BEGIN and give it up after the end of the transaction."""

    _queue: WriterQueue | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if not self.is_in_memory_db():
            try:
                self._queue = WriterQueue(Path(f"{self.settings_dict['NAME']}-queue"))
            except OSError as error:
                connection.close()
                raise OperationalError("the queue beside the database can't be opened") from error
        return connection

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
            if self._queue is not None:
                self._queue.close()
                self._queue = None

    def _take_turn(self) -> None:
        if self._queue is not None:
            try:
                self._queue.acquire(float(self.settings_dict["OPTIONS"].get("timeout", 5.0)))
            except QueueTimeout as timeout:
                raise OperationalError("database is locked: no turn to write in time") from timeout
            except OSError as error:
                raise OperationalError("the queue beside the database can't be written") from error

    def _end_turn(self) -> None:
        if self._queue is not None:
            self._queue.release()
