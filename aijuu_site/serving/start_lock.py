"""One start at a time for one data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another `manage.py serve` holds this data folder."""


@contextmanager
def only_start(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir` for this process; the system lets go of it however the process ends.

    Two starts would migrate at once, and two workers would compete. Raises AlreadyRunningError.
    """
    descriptor = os.open(data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise AlreadyRunningError(str(data_dir)) from error
    try:
        yield
    finally:
        os.close(descriptor)
