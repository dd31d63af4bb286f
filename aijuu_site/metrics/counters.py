"""Counts of requests and how long they took, over all processes of the machine and their restarts.

Each process has a small file of its own below DATA_DIR/metrics, mapped into memory, and holds it by a lock that ends
with the process. The next process goes on in the same file, so no count ever falls. The sum of the files is the total.
"""

import fcntl
import logging
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from aijuu_site.mapped_file import map_file
from aijuu_site.middleware import MACHINE_PATHS

KEPT = "kept"
CLASSES = (KEPT, "page", "post", "admin", "static", "media", "private", "machine")
# Of a request whose client went away before the answer, as nginx has it. Any other status counts as OTHER.
CLIENT_GONE, OTHER = 499, 0
STATUSES = (
    *(200, 201, 206, 301, 302, 303, 304, 308),
    *(400, 401, 403, 404, 405, 408, 409, 411, 413, 422, 429, 431, CLIENT_GONE, 500, 503, OTHER),
)
# The upper ends of the histogram in seconds; one more is without an end.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MOST_PROCESSES = 128
# For each class: a number for each status, one for each part of the histogram, and the sum of the seconds.
_OF_A_CLASS = len(STATUSES) + len(BOUNDS) + 2
_NUMBERS = struct.Struct(f"={len(CLASSES) * _OF_A_CLASS}d")
_NUMBER = struct.Struct("=d")
_logger = logging.getLogger(__name__)


def class_of(method: str, path: str) -> str:
    """Return the class of a request that was not answered from memory."""
    if path in MACHINE_PATHS:
        return "machine"
    for name, prefix in (
        ("admin", settings.ADMIN_PATH),
        ("static", settings.STATIC_URL),
        ("media", settings.MEDIA_URL),
        ("private", settings.PRIVATE_PATH),
    ):
        if path.startswith(prefix):
            return name
    return "post" if method == "POST" else "page"


class Counters:
    """The counters of this process. Only one thread may count."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _own_file(folder)
        try:
            if os.fstat(self._descriptor).st_size != _NUMBERS.size:
                # Of a release with other columns.
                os.ftruncate(self._descriptor, 0)
            self._memory = map_file(self._descriptor, _NUMBERS.size)
        except OSError:
            os.close(self._descriptor)
            raise

    def count(self, class_name: str, status: int, seconds: float) -> None:
        first = CLASSES.index(class_name) * _OF_A_CLASS
        known = status if status in STATUSES else OTHER
        part = next((number for number, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        self._add(first + STATUSES.index(known), 1)
        self._add(first + len(STATUSES) + part, 1)
        self._add(first + _OF_A_CLASS - 1, seconds)

    def close(self) -> None:
        self._memory.close()
        os.close(self._descriptor)

    def _add(self, index: int, amount: float) -> None:
        offset = index * _NUMBER.size
        _NUMBER.pack_into(self._memory, offset, _NUMBER.unpack_from(self._memory, offset)[0] + amount)


def _own_file(folder: Path) -> int:
    """Return the descriptor of the first file that no running process holds."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(_MOST_PROCESSES):
        descriptor = os.open(folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    raise OSError("too many processes count requests")


def metrics_folder() -> Path:
    folder: Path = settings.DATA_DIR / "metrics"
    return folder


@cache
def own_counters() -> Counters | None:
    """Return the counters of this process; None where nobody may see them, or the disk takes none.

    Call it in the process that counts.
    """
    if not settings.MONITORING_TOKEN:
        return None
    try:
        return Counters(metrics_folder())
    except OSError as error:
        _logger.warning("This process counts no requests: %s", error.strerror or error)
        return None


@dataclass(frozen=True)
class ClassTotals:
    """What all processes have counted of one class. `parts`: requests in each part of the histogram."""

    name: str
    by_status: dict[int, int]
    parts: tuple[int, ...]
    seconds: float


def totals(folder: Path) -> Iterator[ClassTotals]:
    """Yield the totals of the classes that had any request."""
    files = [file.read_bytes() for file in folder.glob("[0-9]*")] if folder.is_dir() else []
    rows = [_NUMBERS.unpack(content) for content in files if len(content) == _NUMBERS.size]
    numbers = [sum(column) for column in zip(*rows, strict=True)]
    for position, name in enumerate(CLASSES if numbers else ()):
        own = numbers[position * _OF_A_CLASS : (position + 1) * _OF_A_CLASS]
        by_status = {status: int(n) for status, n in zip(STATUSES, own, strict=False) if n}
        if by_status:
            yield ClassTotals(name, by_status, tuple(int(n) for n in own[len(STATUSES) : -1]), own[-1])
