"""SQLite after a disk was read-only for a while: connections opened meanwhile don't block later writes."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from aijuu_site.kept_pages import keeper as keeper_module
from aijuu_site.queued_sqlite import base
from aijuu_site.serving.processes import Forked
from aijuu_site.settings.data import database_from_url

# User id of `nobody`. Unlike root, it can't write to read-only files.
_NOBODY = 65534


class Disk:
    """A folder with a database that can be made read-only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connections = ConnectionHandler({"default": database_from_url("", folder)})

    def set_writable(self, writable: bool) -> None:
        for path in (self.folder, *self.folder.iterdir()):
            path.chmod((0o700 if path.is_dir() else 0o600) if writable else 0o500)

    def write(self) -> None:
        with self.connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO letter VALUES (1)")

    def letters(self) -> int:
        with self.connections["default"].cursor() as cursor:
            return int(cursor.execute("SELECT count(*) FROM letter").fetchone()[0])

    def end_request(self) -> None:
        self.connections["default"].close_if_unusable_or_obsolete()

    def read(self) -> int:
        """Count the letters and end the request, as a visitor's page view does."""
        letters = self.letters()
        self.end_request()
        return letters

    def fill(self) -> None:
        with self.connections["default"].cursor() as cursor:
            cursor.execute("CREATE TABLE letter (number integer)")
        self.write()


@pytest.fixture
def folder(django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    with django_db_blocker.unblock():
        yield folder
    shutil.rmtree(folder)


def on_read_only_disk(folder: Path, run: Callable[[Disk], object]) -> None:
    """Call `run` in a new process without connections, while one letter is stored and the disk is read-only."""

    def prepare_and_run() -> None:
        if os.geteuid() == 0:
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        # The writer closes no connection, so SQLite's files beside the database stay, as after a kill.
        writer = Forked("writer", Disk(folder).fill)
        assert writer.ends_by(time.monotonic() + 30)
        assert writer.poll() == 0
        disk = Disk(folder)
        disk.set_writable(False)
        run(disk)

    process = Forked("read-only", prepare_and_run)
    assert process.ends_by(time.monotonic() + 60)
    assert process.poll() == 0


def test_writes_work_after_read_only_disk_despite_readers(folder: Path) -> None:
    def run(disk: Disk) -> None:
        with ThreadPoolExecutor(1) as reader:
            assert reader.submit(disk.read).result() == 1
            with pytest.raises(OperationalError):
                disk.write()
            disk.end_request()
            assert disk.read() == 1
            disk.set_writable(True)
            disk.write()
            assert reader.submit(disk.read).result() == 2

    on_read_only_disk(folder, run)


def test_writer_waits_for_request_from_read_only_time(folder: Path) -> None:
    def run(disk: Disk) -> None:
        has_read, may_end = threading.Event(), threading.Event()

        def read_slowly() -> None:
            assert disk.letters() == 1
            has_read.set()
            assert may_end.wait(30)
            disk.end_request()

        with ThreadPoolExecutor(1) as other:
            slow = other.submit(read_slowly)
            assert has_read.wait(30)
            disk.set_writable(True)
            threading.Timer(0.3, may_end.set).start()
            disk.write()
            slow.result()
            assert disk.letters() == 2

    on_read_only_disk(folder, run)


def test_writer_timeout_is_an_error_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_READ_ONLY_SECONDS", 0.1)

    def run(disk: Disk) -> None:
        with ThreadPoolExecutor(1) as reader:
            assert reader.submit(disk.letters).result() == 1
            disk.set_writable(True)
            with pytest.raises(OperationalError, match="readonly"):
                disk.write()
            disk.end_request()
            reader.submit(disk.end_request).result()
            disk.write()
            assert disk.letters() == 2
            # The connection is persistent again.
            disk.end_request()
            assert disk.connections["default"].connection is not None

    on_read_only_disk(folder, run)


def test_writes_work_despite_thread_of_kept_pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "_DATABASE_SECONDS", 0.0)
    keeper = keeper_module.Keeper()

    def run(disk: Disk) -> None:
        has_read = threading.Event()

        def follow() -> None:
            disk.letters()
            has_read.set()

        monkeypatch.setattr(keeper_module, "follow_database", follow)
        monkeypatch.setattr("django.db.connections", disk.connections)
        keeper.start(lambda _key: None, list)
        assert has_read.wait(30)
        disk.set_writable(True)
        disk.write()
        assert disk.letters() == 2

    on_read_only_disk(folder, run)
