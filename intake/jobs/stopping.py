"""Being asked to end: a flag that is read between two items."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def set_by_signals(stopping: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stopping`; afterwards both do what they did before. In the main thread only."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, lambda _number, _frame: stopping.set())
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
