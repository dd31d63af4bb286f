"""The database backend. Every write of web server, worker and commands waits for its turn here."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from aijuu_site.queued_sqlite.queue import QueueTimeout, WriterQueue

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class QueuedCursor(base.SQLiteCursorWrapper):
    """A cursor whose writes outside a transaction wait for their turn."""

    queued: Callable[[str], Any]

    def execute(self, query: str, params: Any = None) -> Any:
        with self.queued(query):
            return super().execute(query, params)

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
        if not is_alone or not query.lstrip()[:7].upper().startswith(_WRITES):
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
