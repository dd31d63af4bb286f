"""Small files that processes share by mapping them into memory."""

import mmap
import os


def map_file(descriptor: int, size: int) -> mmap.mmap:
    """Map the first `size` bytes of an open file, with their place on the disk. Raises OSError where there is none.

    Without its place, the first write into the memory would kill the process on a full disk (SIGBUS).
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    elif os.fstat(descriptor).st_size < size:
        os.ftruncate(descriptor, size)
    return mmap.mmap(descriptor, size)
