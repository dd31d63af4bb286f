"""`manage.py backup`: writes one complete encrypted file or none, and leaves nothing unencrypted."""

import os
import signal
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from aijuu_site.backup import archive, making
from aijuu_site.backup.archive import BackupError, file_chunks, read_archive
from aijuu_site.backup.destination import Folder, backup_name, removals_name
from aijuu_site.backup.making import delete_old, make_recorded_backup
from aijuu_site.backup.work_folder import private_folder, remove_leftovers, work_folder
from aijuu_site.models import Backup
from tests.intake.enquiries import received

pytestmark = pytest.mark.django_db(transaction=True)

of_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own programs")
of_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own check")
ROOT = django_settings.BASE_DIR
DAY = timedelta(days=1)
WORDS = "Erotettu kirje, jota kukaan muu ei saa lukea."


def back_up(*arguments: str) -> Path:
    out = StringIO()
    call_command("backup", *arguments, stdout=out)
    return Path(out.getvalue().strip())


def read_backup(path: Path, identity: Any) -> dict[str, bytes]:
    found = {}

    def keep(member: Any, content: IO[bytes]) -> None:
        found[member.name] = content.read()

    read_archive(file_chunks(path), [identity], keep)
    return found


@pytest.fixture
def upload() -> Any:
    name = default_storage.save("original_images/kuva.png", ContentFile(b"a picture"))
    yield name
    default_storage.delete(name)


def test_backup_prints_the_path_of_a_file(identity: Any, folder: Path, upload: str) -> None:
    received(message=WORDS)
    path = back_up()
    assert path.parent == folder
    assert path.stat().st_mode & 0o777 == 0o600
    assert WORDS.encode() not in path.read_bytes()
    content = read_backup(path, identity)
    assert content[f"uploads/{upload}"] == b"a picture"
    manifest = content["manifest.json"].decode()
    assert django_settings.SECRET_KEY not in manifest
    assert not work_folder().exists()
    assert list(folder.iterdir()) == [path]


@pytest.mark.usefixtures("identity")
def test_good_backup_is_recorded(folder: Path) -> None:
    path = back_up()
    (row,) = Backup.objects.all()
    assert (row.name, row.size, row.error) == (path.name, path.stat().st_size, "")
    assert row.checked_at is not None


@pytest.mark.usefixtures("identity", "folder")
def test_backup_to_another_folder(tmp_path: Path) -> None:
    path = back_up("--to", str(tmp_path / "usb"))
    assert path.parent == tmp_path / "usb"
    # A backup to another folder is not recorded: it may be on a removable drive and does not replace the nightly one.
    assert not Backup.objects.exists()


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize(
    "place", ["", str(django_settings.BASE_DIR), str(django_settings.BASE_DIR / "static" / "x"), "docs"]
)
def test_backup_into_program_folder_is_refused(place: str) -> None:
    with pytest.raises(CommandError, match="folder of the program"):
        call_command("backup", "--to", place)


@pytest.mark.usefixtures("identity")
def test_only_manual_backup_error_names_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Path("/proc/backups")
    with pytest.raises(CommandError, match=f"^No backup: {place}: No such file"):
        call_command("backup", "--to", str(place))
    # The error of the worker's nightly backup goes to the log, so it names no path.
    monkeypatch.setattr("os.nice", lambda _by: 0)
    with pytest.raises(CommandError, match=r"^No backup: No such file"):
        call_command("backup", "--to", str(place), "--nightly")


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("name", ["", "static", "media/x", "uploads", "backup-work", "backup-work/x"])
def test_backup_into_served_folders_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="other files of the site"):
        call_command("backup", "--to", str(django_settings.DATA_DIR / name))


@pytest.mark.usefixtures("folder")
def test_backup_without_key_gives_one_line_error() -> None:
    with pytest.raises(CommandError, match=r"^No backup: BACKUP_KEY is not set"):
        call_command("backup")


def fail_at(monkeypatch: pytest.MonkeyPatch, calls: int, error: BaseException) -> None:
    """Let the archive's write number `calls` raise `error`."""
    write = archive._Writer.write
    done: list[None] = []

    def failing(self: Any, data: bytes) -> int:
        done.append(None)
        if len(done) == calls:
            raise error
        return write(self, data)

    def kept(self: Any, data: bytes) -> int:
        try:
            return failing(self, data)
        except BaseException as caught:
            self.error = caught
            raise

    monkeypatch.setattr(archive._Writer, "write", kept)


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize("calls", [1, 5])
def test_disk_full_leaves_no_backup(folder: Path, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    fail_at(monkeypatch, calls, OSError(28, "No space left on device"))
    # The message names the disk of the backup folder, not that of DATA_DIR, which holds the copy of the database.
    with pytest.raises(CommandError, match=rf"^No backup: the disk of {folder} is full\.$"):
        call_command("backup")
    assert list(folder.iterdir()) == []
    assert not work_folder().exists()
    (row,) = Backup.objects.all()
    assert (row.checked_at, row.error) == (None, "BackupError")


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize(("number", "calls"), [(signal.SIGTERM, 1), (signal.SIGTERM, 3), (signal.SIGHUP, 1)])
def test_signal_leaves_nothing_unencrypted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, calls: int
) -> None:
    write, done = archive._Writer.write, []

    def stopped(self: Any, data: bytes) -> int:
        done.append(data)
        if len(done) == calls:
            signal.raise_signal(number)
        return write(self, data)

    monkeypatch.setattr(archive._Writer, "write", stopped)
    with pytest.raises(SystemExit) as caught:
        call_command("backup")
    assert caught.value.code == 128 + number
    assert list(folder.iterdir()) == []
    assert not work_folder().exists()
    assert Backup.objects.get().checked_at is None


def test_killed_backup_leaves_no_plain_copy(identity: Any, folder: Path) -> None:
    """A killed backup leaves plain files only in the private work folder. The next start or backup erases them."""
    work_folder().mkdir()
    left = work_folder() / "database.sqlite3"
    left.write_text(WORDS)
    linked = folder.parent / "second-name"
    os.link(left, linked)
    remove_leftovers()
    assert not work_folder().exists()
    assert linked.read_bytes() == bytes(len(WORDS.encode()))
    half = folder / f".{backup_name(timezone.now())}.part"
    folder.mkdir()
    half.write_bytes(b"half")
    assert Folder(folder).names() == []
    back_up()
    assert len(Folder(folder).names()) == 1


def test_only_own_draft_files_are_deleted(folder: Path) -> None:
    folder.mkdir()
    now = timezone.now()
    own = {f".{backup_name(now)}.part", f".{removals_name(now)}.part"}
    others = {".kesäloma.mp4.part", ".aijuu-kuvat.age.part", f".x{backup_name(now)}.part", ".part"}
    for name in own | others:
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    Folder(folder).draft(backup_name(now), folder)
    assert {path.name for path in folder.iterdir()} == others


def test_files_of_running_backup_are_not_removed(identity: Any) -> None:
    with private_folder() as work:
        (work / "database.sqlite3").write_text(WORDS)
        remove_leftovers()
        assert (work / "database.sqlite3").read_text() == WORDS


@pytest.mark.usefixtures("identity", "folder")
def test_concurrent_backup_is_refused() -> None:
    with private_folder(), pytest.raises(CommandError, match="another backup or restore is running"):
        call_command("backup")


@pytest.mark.usefixtures("identity")
def test_damaged_backup_on_disk_is_detected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = making.write_archive

    def damaged(path: Path, *args: Any, **options: Any) -> Any:
        result = written(path, *args, **options)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        return result

    monkeypatch.setattr(making, "write_archive", damaged)
    with pytest.raises(CommandError, match="is not what was written"):
        call_command("backup")
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("identity")
def test_backups_are_kept_for_thirty_days(destination: Folder) -> None:
    now = timezone.now()
    moments = [now - days * DAY for days in (31, 29, 1)]
    old, kept, previous = (make_recorded_backup(destination, now=moment).place for moment in moments)
    stranger = destination.path / "notes.txt"
    stranger.write_text("not ours")
    latest = make_recorded_backup(destination, now=now).place
    assert not Path(old).exists()
    assert all(Path(each).exists() for each in (kept, previous, latest, stranger))
    assert Backup.objects.count() == 3


@pytest.mark.usefixtures("identity")
def test_backup_is_still_kept_on_its_thirtieth_day(destination: Folder) -> None:
    now = timezone.now().replace(microsecond=0)
    place = make_recorded_backup(destination, now=now).place
    delete_old(destination, now=now + 30 * DAY)
    assert Path(place).exists()
    assert Backup.objects.count() == 1
    delete_old(destination, now=now + 30 * DAY + timedelta(seconds=1))
    assert not Path(place).exists()
    assert not Backup.objects.exists()


@pytest.mark.usefixtures("identity")
def test_clock_ahead_deletes_no_backup(destination: Folder) -> None:
    now = timezone.now()
    place = make_recorded_backup(destination, now=now).place
    make_recorded_backup(destination, now=now + 400 * DAY)
    assert Path(place).exists()


Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Return a function that replaces a program in PATH by a shell script."""

    def put(name: str, script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    return put


@of_postgresql
@pytest.mark.usefixtures("identity", "folder")
def test_missing_pg_dump_gives_one_line_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match=r"^No backup: pg_dump is not installed"):
        call_command("backup")


@of_postgresql
@pytest.mark.usefixtures("identity", "folder")
def test_old_pg_dump_gives_one_line_error(program: Program) -> None:
    program("pg_dump", 'echo "pg_dump (PostgreSQL) 11.2"')
    with pytest.raises(CommandError, match=r"pg_dump is of version 11 and the database server of \d+"):
        call_command("backup")


@of_postgresql
@pytest.mark.usefixtures("identity", "folder")
def test_failing_pg_dump_gives_one_line_error(program: Program) -> None:
    program(
        "pg_dump",
        '[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit 0\n'
        "echo 'pg_dump: error: connection failed' >&2; echo 'DETAIL: a letter' >&2; exit 1",
    )
    with pytest.raises(CommandError) as caught:
        call_command("backup")
    assert str(caught.value) == "No backup: pg_dump failed: pg_dump: error: connection failed."


@of_sqlite
@pytest.mark.usefixtures("identity")
def test_disk_too_small_for_database_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def small(database: Any, **options: Any) -> sqlite3.Connection:
        opened = connect(database, **options)
        if database == work_folder() / "database.sqlite3":
            opened.execute("PRAGMA max_page_count = 20")
        return opened

    monkeypatch.setattr("aijuu_site.backup.contents.sqlite3.connect", small)
    with pytest.raises(CommandError, match=rf"^No backup: the disk of {work_folder()} is full\.$"):
        call_command("backup")
    assert not work_folder().exists()
    assert Backup.objects.get().error == "BackupError"


@of_sqlite
@pytest.mark.usefixtures("identity", "folder")
def test_unopenable_database_gives_one_line_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aijuu_site.backup.contents._sqlite_path", lambda: Path("/proc/none/db.sqlite3"))
    with pytest.raises(CommandError, match=r"^No backup: the database can't be copied \(SQLITE_CANTOPEN\)\.$"):
        call_command("backup")


@of_sqlite
def test_failed_integrity_check_makes_no_backup(identity: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_path: Path) -> Any:
        raise BackupError("the copy of the database is damaged (PRAGMA integrity_check)")

    monkeypatch.setattr("aijuu_site.backup.contents.check_copy", damaged)
    with pytest.raises(CommandError, match="integrity_check"):
        call_command("backup")
    assert not folder.exists()
