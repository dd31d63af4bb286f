"""The encrypted archive: only the secret key opens it, and an incomplete or damaged one is refused."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyrage
import pytest

from aijuu_site.backup.archive import (
    BackupError,
    Member,
    file_chunks,
    read_archive,
    read_identities,
    write_archive,
)

pytestmark = pytest.mark.once

CONTENT = {"manifest.json": b"{}", "uploads/original_images/1.png": b"a picture" * 100_000, "empty": b""}


@pytest.fixture
def identity() -> Any:
    return pyrage.x25519.Identity.generate()


def members(content: dict[str, bytes] = CONTENT) -> Iterator[Member]:
    for name, words in content.items():
        # In two chunks, as files are read from a disk.
        yield Member(name=name, size=len(words), chunks=[words[:7], words[7:]])


def read(path: Path, *identities: Any) -> dict[str, bytes]:
    found = {}

    def keep(member: tarfile.TarInfo, file: IO[bytes]) -> None:
        found[member.name] = file.read()

    read_archive(file_chunks(path), list(identities), keep)
    return found


def encrypted(path: Path, content: bytes, identity: Any) -> Path:
    path.write_bytes(pyrage.encrypt(content, [identity.to_public()]))
    return path


def test_archive_round_trip_with_any_key(tmp_path: Path, identity: Any) -> None:
    other = pyrage.x25519.Identity.generate()
    path = tmp_path / "a.age"
    written = write_archive(path, members(), keys=[str(identity.to_public()), str(other.to_public())])
    assert read(path, identity) == read(path, other) == CONTENT
    assert path.stat().st_size == written.size
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"a picture" not in path.read_bytes()


def test_wrong_key_opens_nothing(tmp_path: Path, identity: Any) -> None:
    path = tmp_path / "a.age"
    write_archive(path, members(), keys=[str(identity.to_public())])
    with pytest.raises(BackupError, match="another key"):
        read(path, pyrage.x25519.Identity.generate())


@pytest.mark.parametrize("part", [0.0, 0.0001, 0.3, 0.6, 0.99999])
def test_flipped_bit_is_detected_anywhere(tmp_path: Path, identity: Any, part: float) -> None:
    path = tmp_path / "a.age"
    write_archive(path, members(), keys=[str(identity.to_public())])
    damaged = bytearray(path.read_bytes())
    damaged[int(len(damaged) * part)] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(BackupError, match="damaged"):
        read(path, identity)


@pytest.mark.parametrize("missing", [1, 16, 70_000, 500_000])
def test_truncated_file_is_detected(tmp_path: Path, identity: Any, missing: int) -> None:
    path = tmp_path / "a.age"
    write_archive(path, members(), keys=[str(identity.to_public())])
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(BackupError, match="damaged"):
        read(path, identity)


def tar_of(name: str, **fields: Any) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo(name)
        for field, value in fields.items():
            setattr(info, field, value)
        archive.addfile(info)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        tar_of("../outside"),
        tar_of("/etc/outside"),
        tar_of("uploads/../../outside"),
        tar_of("uploads/./x"),
        tar_of("uploads//x"),
        tar_of("uploads\\x"),
        tar_of("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        tar_of("link", type=tarfile.LNKTYPE, linkname="manifest.json"),
        tar_of("folder", type=tarfile.DIRTYPE),
        tar_of("pipe", type=tarfile.FIFOTYPE),
        tar_of("device", type=tarfile.CHRTYPE),
    ],
)
def test_path_traversal_and_links_are_refused(tmp_path: Path, identity: Any, content: bytes) -> None:
    path = encrypted(tmp_path / "a.age", content, identity)
    with pytest.raises(BackupError, match="safe names"):
        read(path, identity)


def test_encrypted_file_without_archive_is_refused(tmp_path: Path, identity: Any) -> None:
    path = encrypted(tmp_path / "a.age", b"Hei! " * 1000, identity)
    with pytest.raises(BackupError, match="no backup"):
        read(path, identity)


def test_unencrypted_archive_is_refused(tmp_path: Path, identity: Any) -> None:
    path = tmp_path / "a.age"
    path.write_bytes(tar_of("manifest.json"))
    with pytest.raises(BackupError, match="decrypted"):
        read(path, identity)


def test_file_that_shrinks_while_read_is_an_error(tmp_path: Path, identity: Any) -> None:
    shrunk = Member(name="uploads/x", size=10, chunks=[b"short"])
    with pytest.raises(BackupError, match="changed while it was read"):
        write_archive(tmp_path / "a.age", [shrunk], keys=[str(identity.to_public())])


def test_full_disk_raises_the_original_error(tmp_path: Path, identity: Any) -> None:
    def full() -> Iterator[bytes]:
        raise OSError(28, "No space left on device")
        yield b""

    with pytest.raises(OSError, match="No space left") as caught:
        write_archive(tmp_path / "a.age", [Member(name="x", size=1, chunks=full())], keys=[str(identity.to_public())])
    assert caught.value.errno == 28


@pytest.mark.parametrize("text", ["", "age1qqq\n", "AGE-SECRET-KEY-1TYPO\n", "# only a comment\n"])
def test_key_file_without_whole_key_is_refused(text: str) -> None:
    with pytest.raises(BackupError, match="AGE-SECRET-KEY-1"):
        read_identities(text)
