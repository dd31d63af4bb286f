"""The running sites, direct access to their database, their processes, and the threads that restart them."""

import os
import signal
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.tools.postgres import Postgres
from tests.tools.running_site import RunningSite
from tests.tools.smtp_server import SmtpServer

PATIENCE_SECONDS = 180.0
# The RestartSec of deploy/aijuu.service.
RESTART_SECONDS = 1.0
UTC = "-c timezone=UTC"


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `is_so` returns true. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s there is no {what}"
        time.sleep(0.1)


class Database(ABC):
    """Direct access to the database, without the site."""

    @abstractmethod
    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run one statement on a new connection, and return its rows, if there are any."""


class SqliteFile(Database):
    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
            return connection.execute(query).fetchall()


class PostgresServer(Database):
    def __init__(self, server: Postgres) -> None:
        self.server = server

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.url, autocommit=True, connect_timeout=10, options=UTC) as connection:
            cursor = connection.execute(query)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Process:
    """A process of a site, as /proc shows it."""

    pid: int
    name: str
    children: tuple["Process", ...]

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Read a process and its children. Raises OSError if it has ended."""
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        children = []
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                children.append(cls.of(int(child)))
        return cls(pid, name, tuple(children))

    def all(self) -> Iterator["Process"]:
        yield self
        for child in self.children:
            yield from child.all()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


@dataclass
class Machines:
    """One site, or two on one database, with their mail server. A site that ends is restarted, as by systemd."""

    sites: list[RunningSite]
    database: Database
    smtp: SmtpServer
    # Number of interrupted workers: each may have sent a mail without recording it.
    interruptions: int = 0
    restarts: int = 0
    problems: list[BaseException] = field(default_factory=list)
    _watching: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        for site in self.sites:
            site.start()
        self._watching.set()
        watchers = [threading.Thread(target=self._watch, args=(site,)) for site in self.sites]
        for watcher in watchers:
            watcher.start()
        try:
            yield
        finally:
            self._watching.clear()
            for watcher in watchers:
                watcher.join(PATIENCE_SECONDS)
            for site in self.sites:
                site.stop()

    def _watch(self, site: RunningSite) -> None:
        failed = 0
        while self._watching.is_set():
            time.sleep(0.1)
            if site.process is None or site.process.poll() is None:
                continue
            self.restarts += 1
            time.sleep(RESTART_SECONDS)
            try:
                site.output.clear()
                site.start()
                failed = 0
            except RuntimeError as error:
                # The database may be unreachable. Unlike systemd, give up after some attempts.
                failed += 1
                if failed > 20:
                    self.problems.append(error)
                    return

    def set_clocks(self, seconds: float, *sites: RunningSite) -> None:
        """Set the clocks of these sites (default: all) wrong by `seconds`; 0 sets them right."""
        for site in sites or self.sites:
            file = Path(site.overrides["CHAOS_CLOCK"])
            # Replace the file atomically, since a process may be reading it.
            new = file.with_suffix(".new")
            new.write_text(str(seconds))
            new.replace(file)

    def processes(self, site: RunningSite, name: str) -> list[Process]:
        """Return the site's processes called "worker" or "web server", or the "web processes" of the latter."""
        try:
            assert site.process
            root = Process.of(site.process.pid)
        except (FileNotFoundError, ProcessLookupError):
            return []
        if name == "web processes":
            return [child for server in root.children if server.name == "web server" for child in server.children]
        return [child for child in root.children if child.name == name]

    def kill(self, *names: str) -> None:
        """Kill these processes of each site with SIGKILL."""
        for site in self.sites:
            for name in names:
                self._kill(self.processes(site, name))

    def kill_all(self) -> None:
        """Kill all processes of each site, as when the memory is exhausted or the machine crashes."""
        for site in self.sites:
            assert site.process
            with suppress(FileNotFoundError, ProcessLookupError):
                self._kill(list(Process.of(site.process.pid).all()))

    def _kill(self, processes: list[Process]) -> None:
        for process in processes:
            self.interruptions += process.name == "worker"
            process.kill()
