"""Stopping on a signal. Imports nothing of Django: the web server and its supervisor stop like the worker."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue


class StopEvent:
    """A threading.Event for one waiting thread, whose set() may be called by a signal handler.

    Event.set() takes a lock. If the signal interrupts the main thread while it holds that lock in wait(), the handler
    waits for it for ever. SimpleQueue.put() can be called at any moment (documentation of `queue`).
    """

    def __init__(self) -> None:
        self._is_set = False
        self._wakeups: SimpleQueue[None] = SimpleQueue()

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self._wakeups.put(None)

    def clear(self) -> None:
        """Unset it. The next wait() may still return early: then nothing that was set meanwhile is missed."""
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most `timeout` seconds. Returns whether it is set."""
        if not self._is_set:
            try:
                self._wakeups.get(timeout=timeout)
            except Empty:
                pass
        return self._is_set


@contextmanager
def set_on_signal(stopping: StopEvent) -> Iterator[None]:
    """Set `stopping` on SIGTERM and SIGINT; restore the previous handlers on exit. Main thread only."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda _number, _frame: stopping.set())
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
