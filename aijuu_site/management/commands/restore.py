"""`manage.py restore`: restore a backup into an empty database and storage, and verify it."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from aijuu_site.backup.archive import BackupError, file_chunks, read_identities
from aijuu_site.backup.destination import Folder, configured_destination, described, is_backup
from aijuu_site.backup.removals import Removed, parse_removals, read_removals
from aijuu_site.backup.restoring import restore
from aijuu_site.backup.work_folder import exit_on_signal
from aijuu_site.serving.checks import AlreadyRunningError, disk_full_as_command_error, exclusive_start, require_database
from aijuu_site.settings.data import is_in_own_folder


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty DATA_DIR or an empty DATABASE_URL, with its uploads, and prove it: checksums, "
        "rows of each table, migrations, one enquiry read, the front page served. What was removed since the backup "
        "is removed again. Refuses a place that is not empty; after a failure it is empty again. Exit status 0 only "
        "where all of it held. docs/backup.md has the steps."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help='the backup; its name at BACKUP_TO; or "latest", the newest there'
        )
        parser.add_argument(
            "--key", metavar="KEYFILE", required=True, help="the file of the secret key; - reads it typed"
        )
        parser.add_argument(
            "--removals",
            metavar="PATH",
            action="append",
            default=[],
            help="a list of removals, or the folder of them; without it those beside FILE and at BACKUP_TO are used",
        )

    def handle(self, *args: Any, file: str, key: str, removals: list[str], **options: Any) -> None:
        try:
            with (
                exit_on_signal(),
                exclusive_start(settings.DATA_DIR),
                disk_full_as_command_error(),
                _files_of_the_owner(),
            ):
                require_database()
                for path in map(Path, (file, key, *removals)):
                    if is_in_own_folder(path, data_dir=settings.DATA_DIR):
                        raise BackupError(f"{path} lies in a folder that the site empties; move it elsewhere")
                identities = read_identities(_key_text(key))
                chunks, beside = self._chunks(file)
                restore(chunks, identities, _removals(removals, beside), self._say)
        except AlreadyRunningError as error:
            raise CommandError(f"The site runs with the data folder {settings.DATA_DIR}. Stop it first.") from error
        except BackupError as error:
            raise CommandError(f"Not restored: {error}.") from error
        except OSError as error:
            raise CommandError(f"Not restored: {described(error)}.") from error
        self._say("Restored and proven. Start the site.")

    def _chunks(self, file: str) -> tuple[Iterator[bytes], Folder | None]:
        """Return the content of the backup, and its folder; None instead of the folder for a backup at BACKUP_TO."""
        path = Path(file)
        if _is_file(path):
            return file_chunks(path), Folder(path.resolve().parent)
        destination = configured_destination()
        names = [name for name in destination.names() if is_backup(name)]
        if file == "latest" and names:
            # If it is damaged, the user has to name another one.
            others = f"; before it {', '.join(reversed(names[-4:-1]))}" if len(names) > 1 else ""
            self._say(f"The newest backup is {names[-1]}{others}.")
            return destination.chunks(names[-1]), None
        if file in names:
            return destination.chunks(file), None
        raise BackupError(f"there is no backup {file}, neither as a file nor at BACKUP_TO")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


@contextmanager
def _files_of_the_owner() -> Iterator[None]:
    """Make created files readable for their owner only, as a start does."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _key_text(path: str) -> str:
    return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8", errors="replace")


def _is_file(path: Path) -> bool:
    """Like Path.is_file(), but raises PermissionError, for which Path.is_file() returns False since Python 3.14."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _removals(paths: list[str], beside: Folder | None) -> set[Removed]:
    found: set[Removed] = set()
    for path in map(Path, paths):
        if path.is_dir():
            found |= read_removals(Folder(path))
        else:
            found |= parse_removals(path.read_text(encoding="ascii", errors="replace"), path.name)
    if not paths:
        found = read_removals(configured_destination())
        if beside is not None:
            found |= read_removals(beside)
    return found
