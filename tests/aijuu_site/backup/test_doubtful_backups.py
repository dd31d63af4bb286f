"""A restore refuses a backup that is damaged, undecryptable or of another program, and leaves the site empty."""

import io
import json
import tarfile
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import IO, Any

import pyrage
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from aijuu_site.backup import contents
from aijuu_site.backup.archive import Member, checksum, file_chunks, read_archive, write_archive
from aijuu_site.backup.destination import backup_name
from tests.aijuu_site.backup.restored_site import PICTURE, backup, destroy, is_empty, restore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_uploads_left", "collected")]


@pytest.mark.usefixtures("site")
def test_error_of_damaged_latest_backup_names_previous_one(folder: Path, key_file: Path) -> None:
    good = Path(backup()).name
    damaged = backup_name(timezone.now() + timedelta(minutes=1))
    (folder / damaged).touch()
    destroy()
    out = StringIO()
    with pytest.raises(CommandError, match="can't be decrypted"):
        call_command("restore", "latest", key=str(key_file), stdout=out)
    assert out.getvalue().startswith(f"The newest backup is {damaged}; before it {good}.\n")


@pytest.mark.usefixtures("site", "folder")
def test_wrong_key_leaves_site_empty(key_file: Path, tmp_path: Path) -> None:
    path = backup()
    destroy()
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(CommandError, match="another key"):
        restore(path, other)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
@pytest.mark.parametrize("part", [0.5, 0.9999])
def test_damaged_backup_leaves_site_empty(key_file: Path, part: float) -> None:
    path = backup()
    destroy()
    content = bytearray(path.read_bytes())
    content[int(len(content) * part)] ^= 4
    path.write_bytes(content)
    with pytest.raises(CommandError, match="damaged"):
        restore(path, key_file)
    assert is_empty()


def rewritten(path: Path, identity: Any, change: Any) -> Path:
    """Write the backup again with changed content, as only an owner of both keys can, and return the new file."""
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
def test_changed_backup_gives_one_line_error(identity: Any, key_file: Path, change: Any, says: str) -> None:
    path = rewritten(backup(), identity, change)
    destroy()
    with pytest.raises(CommandError, match=says) as caught:
        restore(path, key_file)
    assert "\n" not in str(caught.value)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_damaged_database_leaves_site_empty(identity: Any, key_file: Path) -> None:
    path = rewritten(backup(), identity, damaged_database)
    destroy()
    with pytest.raises(CommandError, match=r"damaged|can't be read|pg_restore failed"):
        restore(path, key_file)
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_symlink_in_archive_writes_nothing(identity: Any, key_file: Path, tmp_path: Path) -> None:
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
