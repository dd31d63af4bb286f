"""The file of a backup: a tar archive, encrypted with age while it is written and decrypted while it is read.

Neither direction needs more memory than a few blocks.
"""

import hashlib
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage

BLOCK = 256 * 1024
HEADER = b"age-encryption.org/v1\n"
_SECRET_KEY = "AGE-SECRET-KEY-"  # noqa: S105 (how one begins)


class BackupError(Exception):
    """A backup can't be made or restored. The message is one line, without secrets or personal data."""


@dataclass(frozen=True)
class Checksum:
    """Size in bytes and SHA-256 of data that was written."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file of the archive. `chunks` yields exactly `size` bytes."""

    name: str
    size: int
    chunks: Iterable[bytes]


def checksum(chunks: Iterable[bytes]) -> Checksum:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return Checksum(size, digest.hexdigest())


def file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(BLOCK):
            yield chunk


def write_archive(path: Path, members: Iterable[Member], *, keys: list[str]) -> Checksum:
    """Write the encrypted archive to `path` and return its checksum. Raises OSError, or what `members` raise."""
    recipients = [pyrage.x25519.Recipient.from_str(key) for key in keys]
    source = _Reader(_tar_stream(members))
    with path.open("xb") as file:
        os.chmod(path, 0o600)
        target = _Writer(file)
        with _own_errors(source, target):
            pyrage.encrypt_io(source, target, recipients)
        file.flush()
        os.fsync(file.fileno())
    return Checksum(target.size, target.digest.hexdigest())


def _tar_stream(members: Iterable[Member]) -> Iterator[bytes]:
    for member in members:
        header = tarfile.TarInfo(member.name)
        header.size, header.mode = member.size, 0o600
        yield header.tobuf(tarfile.PAX_FORMAT)
        size = 0
        for chunk in member.chunks:
            size += len(chunk)
            yield chunk
        if size != member.size:
            raise BackupError(f"{member.name} changed while it was read")
        yield bytes(-size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


class _Reader:
    """A readable file made of an iterator's chunks. Keeps the original error: pyrage would keep only its text."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        taken = bytes(self._rest[:size]) if size >= 0 else bytes(self._rest)
        self._rest = self._rest[len(taken) :]
        return taken


class _Writer:
    """Writes to a file while it counts and hashes. Keeps the original error, like _Reader."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size, self.digest = 0, hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self._file.write(data)
        except BaseException as error:
            self.error = error
            raise
        self.size += len(data)
        self.digest.update(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def _own_errors(*files: _Reader | _Writer) -> Iterator[None]:
    """Raise the original error of a file instead of pyrage's."""
    try:
        yield
    except BaseException as error:
        for file in files:
            if file.error is not None:
                raise file.error from error
        raise


def read_identities(text: str) -> list[Any]:
    """Return the secret keys in `text`, the file of age-keygen. Raises BackupError."""
    lines = [line.strip() for line in text.splitlines()]
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line.upper().startswith(_SECRET_KEY)]
    except pyrage.IdentityError as error:
        raise BackupError("the secret key is not whole: a line AGE-SECRET-KEY-1… of it can't be read") from error
    if not found:
        raise BackupError("the key file has no line AGE-SECRET-KEY-1…")
    return found


def read_archive(
    chunks: Iterator[bytes], identities: list[Any], act: Callable[[tarfile.TarInfo, IO[bytes]], None]
) -> None:
    """Decrypt the archive and call `act` with each of its files, in order.

    Raises BackupError for a wrong key, a damaged or truncated file, and an entry that is not a plain file with a safe
    name. After an error, the caller must discard what `act` has received.
    """
    reading, writing = os.pipe()
    ends: list[BaseException | None] = []

    def decrypt() -> None:
        try:
            with os.fdopen(writing, "wb") as pipe:
                source, target = _Reader(chunks), _Writer(pipe)
                with _own_errors(source, target):
                    _decrypt(source, target, identities)
            ends.append(None)
        except BaseException as error:
            ends.append(error)

    thread = threading.Thread(target=decrypt, name="decrypt", daemon=True)
    failure: BaseException | None = None
    with os.fdopen(reading, "rb") as pipe:
        thread.start()
        try:
            with tarfile.open(fileobj=pipe, mode="r|", bufsize=BLOCK) as archive:
                for member in archive:
                    _require_safe(member)
                    content = archive.extractfile(member)
                    if content is not None:
                        act(member, content)
            # Read on to the end of the encrypted file: damage may follow the end of the archive.
            while pipe.read(BLOCK):
                pass
        except BaseException as error:
            failure = error
    thread.join()
    _raise_first(ends[0], failure)


def _decrypt(source: _Reader, target: _Writer, identities: list[Any]) -> None:
    try:
        pyrage.decrypt_io(source, target, identities)
    except (pyrage.DecryptError, OSError) as error:
        raise BackupError("the file can't be decrypted: it is damaged, or encrypted to another key") from error


def _raise_first(decrypting: BaseException | None, reading: BaseException | None) -> None:
    """Raise the error that caused the other one: decrypting fails with a broken pipe when reading has stopped."""
    if decrypting is not None and not isinstance(decrypting, BrokenPipeError):
        raise decrypting
    if isinstance(reading, tarfile.TarError):
        raise BackupError("the decrypted file is no backup: its archive can't be read") from reading
    if reading is not None:
        raise reading


def _require_safe(member: tarfile.TarInfo) -> None:
    parts = member.name.split("/")
    is_safe = member.isreg() and not any(part in ("", ".", "..") for part in parts)
    if not is_safe or "\\" in member.name or "\0" in member.name:
        raise BackupError("the archive has something else than plain files with safe names; nothing of it is used")
