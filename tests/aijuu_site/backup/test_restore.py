"""`manage.py restore`: what was backed up comes back and is proven; anything doubtful leaves the place empty."""

import io
import json
import signal
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import IO, Any

import pyrage
import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from aijuu_site.backup import contents, restoring
from aijuu_site.backup.archive import Member, checksum, file_chunks, read_archive, write_archive
from aijuu_site.backup.contents import stored_names
from aijuu_site.backup.destination import backup_name
from aijuu_site.backup.removals import export_removals
from aijuu_site.backup.work_folder import mark, mark_path, remove_leftovers, unmark, work_folder
from aijuu_site.serving.checks import check_resources, close_connections, exclusive_start
from aijuu_site.settings.data import file_storages
from intake.choices import Outcome
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry, OutgoingMail
from tests.accounts import make_user
from tests.intake.enquiries import closed, received
from tests.loaded_rows import LoadedContent

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
URL = "s3://key:sala@s3.example.fi/aijuu-files"
PICTURE = "original_images/" + "ab" * 16 + ".png"
collected: list[Any] = []
WORDS = "Hei Kati, rivi\nja toinen: ääkköset, 'lainaus', \\ ja 😀."


@pytest.fixture(autouse=True)
def _no_uploads_left() -> Iterator[None]:
    yield
    for name in list(stored_names(default_storage)):
        default_storage.delete(name)
    unmark()


@pytest.fixture(autouse=True)
def _static_files_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """To collect them takes half a minute. That it is done is noted in `collected`."""
    collected.clear()
    monkeypatch.setattr(restoring, "prepare_static_files", collected.append)


@pytest.fixture
def site(loaded_rows: None) -> Enquiry:
    """A site with a page, an enquiry and an upload."""
    default_storage._save(PICTURE, ContentFile(b"a picture" * 100_000))  # type: ignore[attr-defined]
    return received(message=WORDS, name="Aino Kallio")


@pytest.fixture
def loaded_rows(_loaded_content: LoadedContent) -> None:
    """As loaded_site, but on PostgreSQL too: it is this database that is copied and comes back."""
    _loaded_content.put_back()


def backup(*arguments: str) -> Path:
    out = StringIO()
    call_command("backup", *arguments, stdout=out)
    return Path(out.getvalue().strip())


def destroy() -> None:
    close_connections()
    contents.drop_database()
    for name in list(stored_names(default_storage)):
        default_storage.delete(name)


def restore(path: Path | str, key_file: Path, **options: Any) -> str:
    out = StringIO()
    call_command("restore", str(path), key=str(key_file), stdout=out, **options)
    return out.getvalue()


def is_empty() -> bool:
    close_connections()
    left = [*stored_names(default_storage), *work_folder().parent.glob("backup-work/*")]
    return contents.is_database_empty() and not left and not mark_path().exists()


@pytest.mark.usefixtures("folder")
def test_backup_and_restore_round_trip(site: Enquiry, key_file: Path) -> None:
    counts = contents.count_rows()
    everything = Enquiry.objects.values().get(pk=site.pk)
    mails = list(OutgoingMail.objects.values())
    path = backup()
    destroy()
    assert is_empty()
    said = restore(path, key_file)
    assert Enquiry.objects.values().get(pk=site.pk) == everything
    assert list(OutgoingMail.objects.values()) == mails
    # The record of the backup is made before the database is copied.
    assert contents.count_rows() == counts | {"aijuu_site_backup": 1}
    assert default_storage.open(PICTURE).read() == b"a picture" * 100_000
    assert len(collected) == 1
    for words in (
        "files with the right checksums",
        f"enquiry {site.reference} with",
        "The front page is served",
        "Restored and proven",
    ):
        assert words in said
    assert "Aino" not in said
    assert not work_folder().exists()
    # It is a database that goes on.
    assert received().pk > site.pk


@pytest.mark.usefixtures("site", "folder")
def test_restored_database_has_the_schema_of_before(key_file: Path) -> None:
    def schema() -> Any:
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            return {name: connection.introspection.get_constraints(cursor, name) for name in tables}

    before, path = schema(), backup()
    destroy()
    restore(path, key_file)
    assert schema() == before
    call_command("migrate", check_unapplied=True, verbosity=0)


@pytest.mark.usefixtures("site", "folder")
def test_latest_backup_by_name(key_file: Path) -> None:
    backup()
    received(name="Myöhempi")
    # Their names tell seconds.
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        newest = backup()
    destroy()
    restore("latest", key_file)
    assert Enquiry.objects.filter(name="Myöhempi").exists()
    destroy()
    restore(newest.name, key_file)
    with pytest.raises(CommandError, match="there is no backup aijuu-nothing"):
        restore("aijuu-nothing.age", key_file)


@pytest.mark.usefixtures("site")
def test_damaged_latest_backup_is_named_with_the_one_before(folder: Path, key_file: Path) -> None:
    good = Path(backup()).name
    damaged = backup_name(timezone.now() + timedelta(minutes=1))
    (folder / damaged).touch()
    destroy()
    out = StringIO()
    with pytest.raises(CommandError, match="can't be decrypted"):
        call_command("restore", "latest", key=str(key_file), stdout=out)
    assert out.getvalue().startswith(f"The newest backup is {damaged}; before it {good}.\n")


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
def test_file_in_the_folder_that_is_emptied_first_is_refused(key_file: Path, folder: Path, which: str) -> None:
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
def test_wrong_key_leaves_the_place_empty(key_file: Path, tmp_path: Path) -> None:
    path = backup()
    destroy()
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(CommandError, match="another key"):
        restore(path, other)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
@pytest.mark.parametrize("part", [0.5, 0.9999])
def test_damaged_backup_leaves_the_place_empty(key_file: Path, part: float) -> None:
    path = backup()
    destroy()
    content = bytearray(path.read_bytes())
    content[int(len(content) * part)] ^= 4
    path.write_bytes(content)
    with pytest.raises(CommandError, match="damaged"):
        restore(path, key_file)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_failure_at_the_end_leaves_the_place_empty(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_disk_full_leaves_no_part_of_the_database(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_killed_restore_begins_anew(site: Enquiry, key_file: Path) -> None:
    path = backup()
    # As a SIGKILL leaves it: with the database and an upload there, and unencrypted files in the private folder.
    mark()
    work_folder().mkdir()
    (work_folder() / "database.dump").write_text("half")
    with pytest.raises(CommandError, match=f"A restore was interrupted here.* put back .* delete {mark_path()} inst"):
        check_resources()
    said = restore(path, key_file)
    assert "was interrupted" in said
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert not mark_path().exists()
    check_resources()


@pytest.fixture(params=["database", "bucket", "schema", "folder of uploads", "nothing"])
def elsewhere(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore was interrupted while DATABASE_URL or STORAGE_URL named another place."""
    other = request.param
    if other == "schema" and connection.vendor != "postgresql":
        pytest.skip("SQLite has none")
    url = URL if other == "bucket" else ""
    place = tmp_path if other == "folder of uploads" else settings.DATA_DIR
    chosen = file_storages(url, data_dir=place, uploads_url="/admin/uploads/", media_url="/media/")
    with monkeypatch.context() as before, override_settings(STORAGES=settings.STORAGES | chosen):
        if other == "database":
            before.setitem(connection.settings_dict, "NAME", "/another")
        if other == "schema":
            before.setitem(connection.settings_dict["OPTIONS"], "options", "-c search_path=other")
        mark()
    if other == "nothing":
        mark_path().write_text("")


@pytest.mark.usefixtures("folder", "elsewhere")
def test_restore_interrupted_elsewhere_empties_nothing_here(site: Enquiry, key_file: Path) -> None:
    path = backup()
    says = r"a restore was interrupted that wrote into .*\S and .*names another place now; set them as they were"
    with pytest.raises(CommandError, match=f"^Not restored: {says}") as caught:
        restore(path, key_file)
    assert "sala" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(CommandError, match=f"^Not started: {says}"):
        check_resources()
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert default_storage.exists(PICTURE)
    assert mark_path().exists()


@pytest.mark.usefixtures("folder")
def test_killed_restore_is_emptied_only_for_a_whole_backup(site: Enquiry, key_file: Path, tmp_path: Path) -> None:
    mark()
    none = tmp_path / "none.age"
    none.write_bytes(b"no backup" * 100)
    with pytest.raises(CommandError, match="can't be decrypted"):
        restore(none, key_file)
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert default_storage.exists(PICTURE)
    assert mark_path().exists()


@pytest.mark.usefixtures("site", "folder")
def test_upload_that_came_while_the_file_was_read_stays(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    monkeypatch.setattr(
        restoring,
        "_require_known",
        lambda _manifest: default_storage._save(PICTURE, ContentFile(b"new")),  # type: ignore[attr-defined]
    )
    with pytest.raises(CommandError, match="place of the uploads is not empty"):
        restore(path, key_file)
    assert default_storage.open(PICTURE).read() == b"new"


@pytest.mark.usefixtures("site", "folder")
def test_restore_of_a_lost_terminal_leaves_the_place_empty(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    monkeypatch.setattr(restoring, "_prove", lambda _say: signal.raise_signal(signal.SIGHUP))
    with pytest.raises(SystemExit) as caught:
        restore(path, key_file)
    assert caught.value.code == 129
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_restore_under_nohup_goes_on(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    monkeypatch.setattr(restoring, "_prove", lambda _say: signal.raise_signal(signal.SIGHUP))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert "Restored and proven" in restore(path, key_file)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("folder")
def test_removed_enquiries_do_not_come_back(key_file: Path) -> None:
    now = timezone.now()
    gone, kept, other = received(name="Poistettu Henkilö"), received(), received()
    leaving = make_user("lähtevä")
    path = backup()
    leaving.delete()
    remove_enquiry(enquiry_id=gone.pk, now=now)
    assert export_removals(now=now) == 2
    destroy()
    said = restore(path, key_file)
    assert "Removed again: 2 that had been removed since the backup" in said
    assert set(Enquiry.objects.values_list("pk", flat=True)) == {kept.pk, other.pk}
    assert not OutgoingMail.objects.filter(enquiry=gone.pk).exists()
    # They are recorded once more, for the next restore.
    assert export_removals(now=now) == 2


@pytest.mark.usefixtures("identity")
def test_removals_beside_the_file_or_named(
    folder: Path, key_file: Path, tmp_path: Path, settings: Any, site: Enquiry
) -> None:
    path = backup()
    remove_enquiry(enquiry_id=site.pk, now=timezone.now())
    export_removals(now=timezone.now())
    destroy()
    # Another machine, to which the folder was copied.
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
def test_removal_days_that_have_passed_are_heeded(key_file: Path) -> None:
    closed(at=timezone.now() - 400 * DAY, outcome=Outcome.AGREEMENT)
    path = backup()
    destroy()
    assert "Removed: 1 whose time had come meanwhile." in restore(path, key_file)
    assert not Enquiry.objects.exists()


def rewritten(path: Path, identity: Any, change: Any) -> Path:
    """The same backup with changed content, encrypted anew: by somebody who has both keys."""
    content: dict[str, bytes] = {}

    def keep(member: tarfile.TarInfo, file: IO[bytes]) -> None:
        content[member.name] = file.read()

    read_archive(file_chunks(path), [identity], keep)
    change(content)
    members = [Member(name=name, size=len(words), chunks=[words]) for name, words in content.items()]
    target = path.with_name("rewritten.age")
    write_archive(target, members, keys=[str(identity.to_public())])
    return target


def manifest_with(**changes: Any) -> Any:
    def change(content: dict[str, bytes]) -> None:
        manifest = json.loads(content.pop("manifest.json"))
        for name, value in changes.items():
            manifest[name] = value(manifest[name]) if callable(value) else value
        content["manifest.json"] = json.dumps(manifest).encode()

    return change


def without_upload(content: dict[str, bytes]) -> None:
    del content[f"uploads/{PICTURE}"]


def changed_upload(content: dict[str, bytes]) -> None:
    content[f"uploads/{PICTURE}"] = b"another"
    content["manifest.json"] = content.pop("manifest.json")


def damaged_database(content: dict[str, bytes]) -> None:
    name = contents.copy_name()
    content[name] = content[name][:5000] + b"\xff" * 20_000 + content[name][25_000:]
    manifest_with(files=lambda files: files | {name: vars(checksum([content[name]]))})(content)


@pytest.mark.once
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (manifest_with(migrations=lambda known: [*known, ["intake", "9999_future"]]), "made by a newer program"),
        (manifest_with(migrations=lambda known: [*known, ["future", "0001_initial"]]), "made by a newer program"),
        (manifest_with(format=2), "of a newer format"),
        (manifest_with(database="oracle"), "is of another database and this site uses"),
        (manifest_with(tables=lambda tables: tables | {"intake_enquiry": 7}), "1 tables have other rows"),
        (manifest_with(tables=lambda tables: tables | {"gone": 7}), "1 tables have other rows"),
        (manifest_with(begun_at="yesterday"), "own description can't be read"),
        (lambda content: content.pop("manifest.json"), "its description is missing"),
        (without_upload, "not those of its description"),
        (changed_upload, "not those of its description"),
    ],
)
@pytest.mark.usefixtures("site", "folder")
def test_doubtful_backup_is_refused_in_one_line(identity: Any, key_file: Path, change: Any, says: str) -> None:
    path = rewritten(backup(), identity, change)
    destroy()
    with pytest.raises(CommandError, match=says) as caught:
        restore(path, key_file)
    assert "\n" not in str(caught.value)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_damaged_database_leaves_the_place_empty(identity: Any, key_file: Path) -> None:
    path = rewritten(backup(), identity, damaged_database)
    destroy()
    with pytest.raises(CommandError, match=r"damaged|can't be read|pg_restore failed"):
        restore(path, key_file)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_link_in_the_archive_writes_nothing(identity: Any, key_file: Path, tmp_path: Path) -> None:
    path = backup()
    destroy()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, link in (("uploads/x", str(tmp_path)), ("uploads/x/written", "")):
            info = tarfile.TarInfo(name)
            if link:
                info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    path.write_bytes(pyrage.encrypt(target.getvalue(), [identity.to_public()]))
    with pytest.raises(CommandError, match="safe names"):
        restore(path, key_file)
    assert not (tmp_path / "written").exists()
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_older_migrations_are_brought_up_to_date(key_file: Path, tmp_path: Path) -> None:
    call_command("migrate", "usersessions", "zero", verbosity=0)
    path = backup("--to", str(tmp_path / "usb"))
    destroy()
    said = restore(path, key_file)
    assert "and has added 1 newer ones" in said
    call_command("migrate", check_unapplied=True, verbosity=0)


@pytest.mark.usefixtures("site", "folder")
def test_sessions_end_and_other_signing_key_is_told(key_file: Path, settings: Any) -> None:
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
def test_file_that_cannot_be_read_is_named(key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    missing = tmp_path / "missing"
    with pytest.raises(CommandError, match=f"^Not restored: {missing}: No such file"):
        restore(path, missing)
    with pytest.raises(CommandError, match=f"^Not restored: {missing}: No such file"):
        call_command("restore", str(path), "--key", str(key_file), "--removals", str(missing))

    looked_at = Path.stat

    def refused(self: Path, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return looked_at(self, **options)

    # In a folder that this account may not enter: root's, say.
    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(CommandError, match=f"^Not restored: {path}: Permission denied"):
        restore(path, key_file)
