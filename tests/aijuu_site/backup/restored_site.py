"""Helpers that back up, destroy and restore the test's site."""

from io import StringIO
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.core.management import call_command

from aijuu_site.backup import contents
from aijuu_site.backup.contents import stored_names
from aijuu_site.backup.work_folder import mark_path, work_folder
from aijuu_site.serving.checks import close_connections

PICTURE = "original_images/" + "ab" * 16 + ".png"
WORDS = "Hei Kati, rivi\nja toinen: ääkköset, 'lainaus', \\ ja 😀."


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
