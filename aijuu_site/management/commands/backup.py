"""`manage.py backup`: one encrypted file of database and uploads, made while the site runs."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from aijuu_site.backup.archive import BackupError
from aijuu_site.backup.destination import Destination, Folder, backup_name, configured_destination, described
from aijuu_site.backup.making import make_backup, make_recorded_backup
from aijuu_site.backup.work_folder import exit_on_signal
from aijuu_site.serving.checks import disk_full_as_command_error
from aijuu_site.settings.data import backup_folder
from aijuu_site.settings.environment import SettingError

_NICE = 10


class Command(BaseCommand):
    help = (
        "Make one encrypted file of the database and the uploads while the site runs, check it by reading it again, "
        "and print where it is. It is encrypted to BACKUP_KEY and kept at BACKUP_TO, where the worker makes one each "
        "night. Exit status 0 only where it held. docs/backup.md tells how to restore it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", metavar="FOLDER", help="a folder instead of BACKUP_TO, as that of a USB drive")
        parser.add_argument("--nightly", action="store_true", help="as the worker starts it: at the lowest priority")

    def handle(self, *args: Any, to: str | None, nightly: bool, **options: Any) -> None:
        if nightly:
            os.nice(_NICE)
        now = timezone.now()
        try:
            with exit_on_signal(), disk_full_as_command_error():
                if to is not None:
                    made = make_backup(_folder(to), name=backup_name(now), now=now)
                else:
                    made = make_recorded_backup(configured_destination(), now=now)
        except BackupError as error:
            raise CommandError(f"No backup: {error}.") from error
        except OSError as error:
            raise CommandError(f"No backup: {described(error, with_path=not nightly)}.") from error
        self.stdout.write(made.place)


def _folder(text: str) -> Destination:
    try:
        return Folder(backup_folder("--to", text, data_dir=settings.DATA_DIR, sources=settings.BASE_DIR))
    except SettingError as error:
        raise CommandError(str(error)) from error
