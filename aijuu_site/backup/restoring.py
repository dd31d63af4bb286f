"""Restore a backup into an empty database and storage, and verify it. After a failure both are empty again."""

import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils import timezone

from aijuu_site.backup import contents
from aijuu_site.backup.archive import BLOCK, BackupError, Checksum, checksum, read_archive
from aijuu_site.backup.making import FORMAT, MANIFEST, fingerprint
from aijuu_site.backup.removals import Removed, repeat_removals
from aijuu_site.backup.work_folder import mark, private_folder, unmark, was_interrupted
from aijuu_site.serving.checks import close_connections
from aijuu_site.static_files import prepare_static_files
from intake.enquiry.models import Enquiry
from intake.enquiry.removal import remove_due
from intake.mapping.links import remove_unfinished

Say = Callable[[str], None]
_MANIFEST_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """The description of the backup's contents, which is a file in it."""

    begun_at: datetime
    database: str
    tables: dict[str, int]
    migrations: set[tuple[str, str]]
    files: dict[str, Checksum]
    secret_key: str

    @classmethod
    def read(cls, content: bytes) -> "Manifest":
        """Parse the file. Raises BackupError."""
        try:
            found = json.loads(content)
            if found["format"] != FORMAT:
                raise BackupError("the backup is of a newer format; restore it with the program that made it, or newer")
            return cls(
                begun_at=datetime.fromisoformat(found["begun_at"]),
                database=found["database"],
                tables=found["tables"],
                migrations={(app, name) for app, name in found["migrations"]},
                files={name: Checksum(**each) for name, each in found["files"].items()},
                secret_key=found["keys"]["SECRET_KEY"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("the backup's own description can't be read") from error


def restore(chunks: Iterator[bytes], identities: list[Any], removals: set[Removed], say: Say) -> None:
    """Restore into the empty database and storage, and report with `say` what was verified.

    Raises BackupError or OSError. The caller holds the lock of `manage.py serve`. The remains of a restore that was
    killed are removed once the backup is known to be complete.
    """
    interrupted = was_interrupted()
    if not interrupted:
        require_empty()
    with private_folder() as work:
        manifest = _unpack(chunks, identities, work)
        say(f"The file is whole: {len(manifest.files)} files with the right checksums, of {_day(manifest.begun_at)}.")
        _require_known(manifest)
        if interrupted:
            say("A restore was interrupted here. What it left is removed.")
            _empty()
        # Checked again, because reading the file may have taken long, and a failure below deletes whatever is there.
        require_empty()
        with _empty_after_failure():
            _restore_database(work, manifest, say)
            _restore_uploads(work, manifest, say)
            _migrate(manifest, say)
            _remove_again(manifest, removals, say)
            _end_sessions(say)
            _prove(say)
    if fingerprint(settings.SECRET_KEY) != manifest.secret_key:
        say(
            "SECRET_KEY is not that of the backup: codes of apps and recovery codes no longer fit. For each account: "
            "manage.py reset_second_step ADDRESS"
        )


def require_empty() -> None:
    """Raise BackupError if there is a database or an upload."""
    if not contents.is_database_empty():
        raise BackupError(
            "the database is not empty; restore into an empty DATA_DIR or an empty DATABASE_URL, and delete nothing yet"
        )
    if next(contents.stored_names(default_storage), None) is not None:
        raise BackupError(
            "the place of the uploads is not empty; restore into an empty one (DATA_DIR/uploads, or STORAGE_URL)"
        )


@contextmanager
def _empty_after_failure() -> Iterator[None]:
    had_static_files = Path(settings.STATIC_ROOT).exists()
    mark()
    try:
        yield
    except BaseException:
        _empty()
        if not had_static_files:
            shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
            (Path(settings.DATA_DIR) / "static.stamp").unlink(missing_ok=True)
        raise
    unmark()


def _empty() -> None:
    close_connections()
    contents.drop_database()
    for name in list(contents.stored_names(default_storage)):
        default_storage.delete(name)
    unmark()


def _unpack(chunks: Iterator[bytes], identities: list[Any], work: Path) -> Manifest:
    """Write the files of the backup into `work` and compare them with the manifest. Raises BackupError."""
    found: dict[str, Checksum] = {}
    manifests: list[bytes] = []

    def keep(member: tarfile.TarInfo, content: IO[bytes]) -> None:
        if member.name in found or manifests:
            raise BackupError("the archive has a file twice, or one behind its description")
        if member.name == MANIFEST:
            manifests.append(content.read(_MANIFEST_BYTES))
            return
        path = work / member.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            found[member.name] = checksum(_copied(content, file))

    read_archive(chunks, identities, keep)
    if not manifests:
        raise BackupError("the file is not a whole backup: its description is missing")
    manifest = Manifest.read(manifests[0])
    if found != manifest.files:
        raise BackupError("the files in the backup are not those of its description")
    return manifest


def _copied(content: IO[bytes], file: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(BLOCK):
        file.write(chunk)
        yield chunk


def _require_known(manifest: Manifest) -> None:
    """Raise BackupError if the backup is of another kind of database, or was made by a newer program."""
    if manifest.database != contents.database_kind():
        raise BackupError(
            f"the backup is of {_title(manifest.database)} and this site uses {_title(contents.database_kind())}; "
            "set DATABASE_URL to the same kind"
        )
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {*loader.disk_migrations, *(old for new in loader.disk_migrations.values() for old in new.replaces)}
    installed = {config.label for config in apps.get_app_configs()}
    unknown = sorted(f"{app}.{name}" for app, name in manifest.migrations - known if app in installed)
    unknown += sorted({app for app, _name in manifest.migrations if app not in installed})
    if unknown:
        raise BackupError(
            f"the backup was made by a newer program ({len(unknown)} unknown migrations, as {unknown[0]}); "
            "install that version of it"
        )


def _restore_database(work: Path, manifest: Manifest, say: Say) -> None:
    copy = work / contents.copy_name()
    if copy.name not in manifest.files:
        raise BackupError("the backup has no database")
    if contents.database_kind() == "sqlite":
        contents.check_copy(copy)
    contents.restore_database(copy)
    counts = contents.count_rows()
    # SQLite's own table of counters, which is not counted in the backup.
    counts.pop("sqlite_sequence", None)
    wrong = sorted(name for name in counts.keys() | manifest.tables if counts.get(name) != manifest.tables.get(name))
    if wrong:
        raise BackupError(f"{len(wrong)} tables have other rows than the backup says, as {wrong[0]}")
    say(f"The database is restored: {sum(counts.values())} rows in {len(counts)} tables, as counted in the backup.")


def _restore_uploads(work: Path, manifest: Manifest, say: Say) -> None:
    names = [name.removeprefix(contents.UPLOADS) for name in manifest.files if name.startswith(contents.UPLOADS)]
    for name in names:
        contents.save_upload(name, work / contents.UPLOADS / name)
        if checksum(contents.stored_chunks(name)) != manifest.files[contents.UPLOADS + name]:
            raise BackupError("an upload was stored, read again, and is another")
        (work / contents.UPLOADS / name).unlink()
    say(f"The uploads are restored: {len(names)} files, read again with the right checksums.")


def _migrate(manifest: Manifest, say: Say) -> None:
    before = len(manifest.migrations)
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        added = cursor.fetchone()[0] - before
    say(f"The program knows its {before} migrations" + (f" and has added {added} newer ones." if added else "."))


def _remove_again(manifest: Manifest, removals: set[Removed], say: Say) -> None:
    now = timezone.now()
    done = repeat_removals(removals, backup_at=manifest.begun_at)
    say(f"Removed again: {done} that had been removed since the backup (of {len(removals)} recorded removals).")
    due = remove_due(now=now) + remove_unfinished(now=now)
    if due:
        say(f"Removed: {due} whose time had come meanwhile.")


def _end_sessions(say: Say) -> None:
    """End all sessions: one that was ended since the backup must not give access to the admin again."""
    Session.objects.all().delete()
    say("All sessions are ended: everybody signs in again, with the password of the day of the backup.")


def _prove(say: Say) -> None:
    """Verify that the newest enquiry can be read and that the front page is served. Raises BackupError."""
    newest = Enquiry.objects.order_by("-pk").first()
    if newest is not None:
        say(f"Read: enquiry {newest.reference} with {newest.mails.count()} mails and {newest.steps.count()} steps.")
    prepare_static_files(say)
    address = urlsplit(settings.SITE_URL)
    try:
        answer = Client(raise_request_exception=False).get(
            "/", headers={"host": address.netloc, "x-forwarded-proto": address.scheme}, secure=settings.HTTPS
        )
    except DatabaseError as error:
        raise BackupError(f"the front page can't be served ({type(error).__name__})") from error
    if answer.status_code != 200 or b"</html>" not in answer.content:
        raise BackupError(f"the front page is not served (status {answer.status_code})")
    say(f"The front page is served ({len(answer.content)} bytes).")


def _title(kind: str) -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(kind, "another database")


def _day(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%d.%m.%Y %H.%M")
