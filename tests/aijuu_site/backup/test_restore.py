"""`manage.py restore`: restores a backup and checks the result. A failed restore leaves the site empty."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from aijuu_site.backup import contents, restoring
from aijuu_site.backup.removals import export_removals
from aijuu_site.backup.work_folder import remove_leftovers, work_folder
from aijuu_site.serving.checks import close_connections, exclusive_start
from aijuu_site.serving.preparation import pending_migrations
from intake.choices import Outcome
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry, OutgoingMail
from tests.accounts import make_user
from tests.aijuu_site.backup.restored_site import PICTURE, backup, destroy, is_empty, restore
from tests.intake.enquiries import closed, received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_uploads_left", "collected")]

DAY = timedelta(days=1)


@pytest.mark.usefixtures("folder")
def test_backup_and_restore_round_trip(site: Enquiry, key_file: Path, collected: list[Any]) -> None:
    counts = contents.count_rows()
    everything = Enquiry.objects.values().get(pk=site.pk)
    mails = list(OutgoingMail.objects.values())
    path = backup()
    destroy()
    assert is_empty()
    output = restore(path, key_file)
    assert Enquiry.objects.values().get(pk=site.pk) == everything
    assert list(OutgoingMail.objects.values()) == mails
    # The row that records the backup is created before the database is copied, so the copy includes it.
    assert contents.count_rows() == counts | {"aijuu_site_backup": 1}
    assert default_storage.open(PICTURE).read() == b"a picture" * 100_000
    assert len(collected) == 1
    for words in (
        "files with the right checksums",
        f"enquiry {site.reference} with",
        "The front page is served",
        "Restored and proven",
    ):
        assert words in output
    assert "Aino" not in output
    assert not work_folder().exists()
    # New rows get new primary keys.
    assert received().pk > site.pk


@pytest.mark.usefixtures("site", "folder")
def test_restored_database_has_same_schema(key_file: Path) -> None:
    def schema() -> Any:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                return cursor.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            tables = connection.introspection.table_names(cursor)
            return {name: connection.introspection.get_constraints(cursor, name) for name in tables}

    before, path = schema(), backup()
    destroy()
    restore(path, key_file)
    assert schema() == before
    assert pending_migrations() == []


@pytest.mark.usefixtures("site", "folder")
def test_restore_by_latest_or_by_file_name(key_file: Path) -> None:
    backup()
    received(name="Myöhempi")
    # Backup names have a resolution of one second.
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        newest = backup()
    destroy()
    restore("latest", key_file)
    assert Enquiry.objects.filter(name="Myöhempi").exists()
    destroy()
    restore(newest.name, key_file)
    with pytest.raises(CommandError, match="there is no backup aijuu-nothing"):
        restore("aijuu-nothing.age", key_file)


@pytest.mark.usefixtures("folder")
def test_restore_refuses_a_database_in_use(site: Enquiry, key_file: Path) -> None:
    path = backup()
    with pytest.raises(CommandError, match="the database is not empty"):
        restore(path, key_file)
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert default_storage.exists(PICTURE)


@pytest.mark.usefixtures("site", "folder")
def test_restore_refuses_existing_uploads(key_file: Path) -> None:
    path = backup()
    close_connections()
    contents.drop_database()
    with pytest.raises(CommandError, match="place of the uploads is not empty"):
        restore(path, key_file)
    assert default_storage.exists(PICTURE)


@pytest.mark.usefixtures("site", "folder")
def test_restore_refuses_a_running_site(key_file: Path) -> None:
    path = backup()
    destroy()
    with exclusive_start(django_settings.DATA_DIR), pytest.raises(CommandError, match="Stop it first"):
        restore(path, key_file)


@pytest.mark.usefixtures("site", "folder")
@pytest.mark.parametrize("which", ["backup", "key", "list of removals"])
def test_restore_refuses_files_in_work_folder(key_file: Path, folder: Path, which: str) -> None:
    path = backup()
    removals = folder / "removals.txt"
    removals.touch()
    destroy()
    work_folder().mkdir()
    moved = {"backup": path, "key": key_file, "list of removals": removals}[which]
    moved.rename(work_folder() / "moved")
    content = (work_folder() / "moved").read_bytes()
    given = {name: work_folder() / "moved" if name == moved else name for name in (path, key_file, removals)}
    with pytest.raises(CommandError, match=r"lies in a folder that the site empties; move it elsewhere"):
        restore(given[path], given[key_file], removals=[str(given[removals])])
    assert (work_folder() / "moved").read_bytes() == content
    remove_leftovers()


@pytest.mark.usefixtures("site", "folder")
def test_failure_at_end_of_restore_leaves_site_empty(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()

    def full(_say: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "_prove", full)
    with pytest.raises(CommandError, match="is full"):
        restore(path, key_file)
    assert is_empty()


@pytest.mark.once
@pytest.mark.skipif(connection.vendor != "sqlite", reason="a file of SQLite")
@pytest.mark.usefixtures("site", "folder")
def test_full_disk_leaves_no_partial_database(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    place = Path(connection.settings_dict["NAME"]).parent
    before = set(place.iterdir())

    def full(_source: Path, target: Path) -> None:
        target.write_bytes(b"half a database")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aijuu_site.backup.contents.shutil.copyfile", full)
    with pytest.raises(CommandError, match="is full"):
        restore(path, key_file)
    assert {file.name for file in set(place.iterdir()) - before} <= {"backup.lock", "serve.lock"}


@pytest.mark.usefixtures("folder")
def test_restore_removes_removed_enquiries_again(key_file: Path) -> None:
    now = timezone.now()
    gone, kept, other = received(name="Poistettu Henkilö"), received(), received()
    leaving = make_user("lähtevä")
    path = backup()
    leaving.delete()
    remove_enquiry(enquiry_id=gone.pk, now=now)
    assert export_removals(now=now) == 2
    destroy()
    output = restore(path, key_file)
    assert "Removed again: 2 that had been removed since the backup" in output
    assert set(Enquiry.objects.values_list("pk", flat=True)) == {kept.pk, other.pk}
    assert not OutgoingMail.objects.filter(enquiry=gone.pk).exists()
    # The repeated removals are recorded again for the next restore.
    assert export_removals(now=now) == 2


@pytest.mark.usefixtures("identity")
def test_restore_reads_removals_beside_backup_or_named(
    folder: Path, key_file: Path, tmp_path: Path, settings: Any, site: Enquiry
) -> None:
    path = backup()
    remove_enquiry(enquiry_id=site.pk, now=timezone.now())
    export_removals(now=timezone.now())
    destroy()
    # Another machine, to which the backup folder was copied.
    settings.BACKUP_TO = {"folder": tmp_path / "elsewhere"}
    assert "Removed again: 1" in restore(path, key_file)
    destroy()
    (listed,) = folder.glob("removals-*.txt")
    moved = listed.rename(tmp_path / "listed.txt")
    assert "Removed again: 0" in restore(path, key_file)
    destroy()
    assert "Removed again: 1" in restore(path, key_file, removals=[str(moved)])
    destroy()
    moved.write_text("not a list")
    with pytest.raises(CommandError, match=r"listed\.txt is no list of removals"):
        restore(path, key_file, removals=[str(moved)])
    assert is_empty()


@pytest.mark.usefixtures("folder", "loaded_rows")
def test_restore_removes_enquiries_past_retention(key_file: Path) -> None:
    closed(at=timezone.now() - 400 * DAY, outcome=Outcome.AGREEMENT)
    path = backup()
    destroy()
    assert "Removed: 1 whose time had come meanwhile." in restore(path, key_file)
    assert not Enquiry.objects.exists()


@pytest.mark.usefixtures("site", "folder")
def test_restore_runs_newer_migrations(key_file: Path, tmp_path: Path) -> None:
    call_command("migrate", "usersessions", "zero", verbosity=0)
    path = backup("--to", str(tmp_path / "usb"))
    destroy()
    output = restore(path, key_file)
    assert "and has added 1 newer ones" in output
    assert pending_migrations() == []


@pytest.mark.usefixtures("site", "folder")
def test_restore_ends_sessions_and_reports_other_secret_key(key_file: Path, settings: Any) -> None:
    client = Client()
    client.force_login(make_user("kati"))
    assert Session.objects.exists()
    path = backup()
    destroy()
    assert "SECRET_KEY" not in restore(path, key_file)
    assert not Session.objects.exists()
    destroy()
    settings.SECRET_KEY = "another key that is long enough to be taken for a real one"
    assert "SECRET_KEY is not that of the backup" in restore(path, key_file)


@pytest.mark.usefixtures("site", "folder")
def test_restore_names_unreadable_file(key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    missing = tmp_path / "missing"
    with pytest.raises(CommandError, match=f"^Not restored: {missing}: No such file"):
        restore(path, missing)
    with pytest.raises(CommandError, match=f"^Not restored: {missing}: No such file"):
        call_command("restore", str(path), "--key", str(key_file), "--removals", str(missing))

    real_stat = Path.stat

    def refused(self: Path, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return real_stat(self, **options)

    # As for a file in a folder that this user may not enter, such as root's.
    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(CommandError, match=f"^Not restored: {path}: Permission denied"):
        restore(path, key_file)
