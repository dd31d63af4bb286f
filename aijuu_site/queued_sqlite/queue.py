"""A first-come, first-served queue for the threads and processes of one machine.

It only decides whose turn it is. What protects the data is SQLite's own lock.
"""

import fcntl
import os
import struct
import threading
import time
from collections import deque
from pathlib import Path

# The bytes of the file that are locked; they need not exist. The file itself holds the next ticket.
_COUNTER, _FIRST_TICKET = 0, 2
_NUMBER = struct.Struct("<q")
_POLL_SECONDS = 0.0005
# Linux only. Elsewhere the threads of each process queue, and the processes wait as SQLite lets them.
_SET_LOCK = getattr(fcntl, "F_OFD_SETLK", None)


class QueueTimeout(Exception):
    """The turn did not come in time."""


class _Threads:
    """The queue of this process: a lock that is passed on to the thread that has waited longest."""

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
        # It was passed on at the last moment.
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
    # In a forked child, no thread of the parent will ever release what it held.
    global _threads_guard
    _threads_guard = threading.Lock()
    _threads.clear()


os.register_at_fork(after_in_child=_forget_threads)


class WriterQueue:
    """One writer's place in the queue of a file. Not for several threads.

    Within a process, threads wait for each other. The first of each process then takes a ticket: it locks the byte of
    its number in the file, and has its turn once the byte before is free. Only the next in the queue looks at that
    byte, so nobody overtakes. The kernel frees the bytes of a process that dies.
    """

    def __init__(self, path: Path) -> None:
        self._threads = _threads_of(path)
        # Locks belong to an open file, so each writer has its own.
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
        """End the turn and leave for good."""
        self.release()
        os.close(self._file)

    def _lock(self, byte: int, deadline: float) -> None:
        while not self._set_lock(fcntl.F_WRLCK, byte):
            # The kernel could wake us, but knows no time limit.
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
