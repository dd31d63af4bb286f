"""Validation of BACKUP_KEY and BACKUP_TO."""

import os
from pathlib import Path
from typing import Any

from aijuu_site.settings.data_folder import is_in_own_folder, overlaps_sources
from aijuu_site.settings.environment import SettingError
from aijuu_site.settings.files import bucket_options

_BACKUP_KEY = "write a public key of age, as in BACKUP_KEY=age1…; `manage.py backup_key` makes a pair"
_BACKUP_TO = "write a folder as in BACKUP_TO=/mnt/backups, or BACKUP_TO=s3://key:secret@s3.example.fi/bucket"


def backup_keys(text: str) -> list[str]:
    """Return the public keys in `text`, with commas or spaces between. Raises SettingError."""
    keys = text.replace(",", " ").split()
    for key in keys:
        if key.upper().startswith("AGE-SECRET-KEY-"):
            raise SettingError(
                "BACKUP_KEY",
                "it is the secret key, which must never be on this machine; write the public one (age1…).",
            )
        if not _is_public_key(key):
            raise SettingError("BACKUP_KEY", f"a key in it is none; {_BACKUP_KEY}")
    return keys


def _is_public_key(text: str) -> bool:
    # Here, so that a site without backups does not load it.
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def backup_destination(text: str, *, data_dir: Path, sources: Path) -> dict[str, Any]:
    """Return {"folder": Path} or {"bucket": options}; DATA_DIR/backups for an empty text. Raises SettingError."""
    if "://" in text:
        return {"bucket": bucket_options("BACKUP_TO", text, example=_BACKUP_TO)}
    if not text:
        return {"folder": data_dir / "backups"}
    return {"folder": backup_folder("BACKUP_TO", text, data_dir=data_dir, sources=sources)}


def backup_folder(name: str, text: str, *, data_dir: Path, sources: Path) -> Path:
    """Return the absolute path of `text`, relative to `sources`. Creates nothing. Raises SettingError for `name`."""
    try:
        folder = (sources / Path(text).expanduser()).resolve()
        if overlaps_sources(folder, sources=sources):
            raise SettingError(name, f"{folder} is, holds, or lies in the folder of the program; {_BACKUP_TO}")
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError(name, f"it names no folder; {_BACKUP_TO}") from error
    if folder == data_dir or is_in_own_folder(folder, data_dir=data_dir):
        raise SettingError(name, f"{folder} has other files of the site; {_BACKUP_TO}")
    # A folder that is not there may be on a disk that is away; where a file stands, there will never be one.
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not os.path.isdir(there):
        raise SettingError(name, f"{there} is no folder; {_BACKUP_TO}")
    return folder
