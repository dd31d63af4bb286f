"""What keeps the memory of all processes together small. With another C library than glibc, nothing."""

import ctypes
import sys
import threading
import time
from contextlib import suppress

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
_BIG_BLOCK = 128 * 1024
_TRIM_SECONDS = 10.0


def keep_heap_small() -> None:
    """Let glibc keep the free memory of all threads together, and give each big block pages of its own.

    Apart, free memory costs a fifth more over time. glibc's own limit of a big block grows with those that are freed,
    up to 32 MiB: then they lie between small ones that stay, and what is left of them can't be used.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_ARENA_MAX, 1)
            mallopt(_M_MMAP_THRESHOLD, _BIG_BLOCK)


def trim_regularly(seconds: float = _TRIM_SECONDS) -> None:
    """Give free memory back to the system every `seconds`: glibc keeps what a burst of requests took.

    For the process that calls it: its thread does not outlive a fork.
    """
    threading.Thread(target=_trim, args=(seconds,), name="trim", daemon=True).start()


def _trim(seconds: float) -> None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return
    while True:
        time.sleep(seconds)
        trim(0)
