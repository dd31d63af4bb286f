"""Keeps the total memory of all processes small, and maps small files into memory that processes share.

Without glibc, keep_heap_small() and trim_regularly() have no effect.
"""

import ctypes
import mmap
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
_BIG_BLOCK = 128 * 1024
_MADV_DONTNEED = 4
_TRIM_SECONDS = 10.0
# A line of /proc/self/smaps (proc(5)) that begins a mapping of a file which the process can't write to.
_READ_ONLY_FILE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-[-x]p [0-9a-f]+ \S+ [1-9]\d* +/")


def keep_heap_small() -> None:
    """Make glibc use one heap for all threads, and separate memory pages for each big block.

    Separate heaps take a fifth more memory over time. glibc's own threshold of a big block grows up to 32 MiB
    when such blocks are freed: then big blocks lie between small ones that stay, and the gaps can't be reused.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_ARENA_MAX, 1)
            mallopt(_M_MMAP_THRESHOLD, _BIG_BLOCK)


def trim_regularly(seconds: float = _TRIM_SECONDS) -> None:
    """Return free memory to the system every `seconds`: glibc keeps what a burst of requests used.

    Applies to the calling process only, because its thread does not survive a fork.
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


def forget_files() -> None:
    """Release the memory of library files: 14 MiB that were needed only to load them.

    The system maps again what the process still needs.
    """
    if sys.platform == "linux":
        madvise = ctypes.CDLL(None).madvise
        # Some sandboxes have no such file; the site runs without this, too.
        with suppress(OSError):
            for start, length in _unchanged_files(Path("/proc/self/smaps").read_text()):
                madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), _MADV_DONTNEED)


def _unchanged_files(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield address and length of the mappings that contain only unmodified data of their file."""
    start = length = 0
    for line in smaps.splitlines():
        if begins := _READ_ONLY_FILE.match(line):
            start = int(begins[1], 16)
            length = int(begins[2], 16) - start
        elif length and line.startswith("Anonymous:"):
            # The linker modified the others before they became read-only.
            if line.split()[1] == "0":
                yield start, length
            length = 0


def map_file(descriptor: int, size: int) -> mmap.mmap:
    """Map the first `size` bytes of an open file, and reserve their space on the disk. Raises OSError if it is full.

    Without the reservation, the first write into the memory would kill the process on a full disk (SIGBUS).
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    elif os.fstat(descriptor).st_size < size:
        os.ftruncate(descriptor, size)
    return mmap.mmap(descriptor, size)
