"""The mark of a restore under way. One that was killed leaves it: it says which place may be emptied, and no other."""

import json
import os
from pathlib import Path

from django.conf import settings
from django.db import connection

from aijuu_site.backup.archive import BackupError

# What says where a PostgreSQL connection leads: the user and the options may choose the schema.
_WHERE = ("service", "host", "hostaddr", "port", "dbname", "user", "options")


def mark_path() -> Path:
    return Path(settings.DATA_DIR) / "restore.unfinished"


def mark() -> None:
    """Write down that a restore begins to write into the database and storage that are set."""
    draft = mark_path().with_name(f".{mark_path().name}")
    with draft.open("w", encoding="utf-8") as file:
        os.chmod(draft, 0o600)
        json.dump(_place(), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, mark_path())


def unmark() -> None:
    mark_path().unlink(missing_ok=True)


def was_interrupted() -> bool:
    """Return whether a restore into this place was interrupted. Raises BackupError where it was one into another."""
    try:
        place = json.loads(mark_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        place = None
    if place != _place():
        raise BackupError(
            f"a restore was interrupted that wrote into {' and '.join(place or ['an unknown place'])}, and "
            "DATABASE_URL or STORAGE_URL names another place now; set them as they were then and run "
            f"`manage.py restore` again, or delete what it wrote, and {mark_path()}"
        )
    return True


def _place() -> list[str]:
    """Return where the database and the uploads are, without any secret."""
    if connection.vendor == "sqlite":
        database = _path(connection.settings_dict["NAME"])
    else:
        known = connection.get_connection_params()
        database = " ".join(f"{name}={known[name]}" for name in _WHERE if known.get(name))
    options = settings.STORAGES["default"]["OPTIONS"]
    if "bucket_name" in options:
        return [database, f"{options['endpoint_url']}/{options['bucket_name']}/{options['location']}"]
    return [database, _path(options["location"])]


def _path(text: str) -> str:
    """Return the path, relative to DATA_DIR where it lies in it, since that may be moved as a whole."""
    path, home = Path(text).resolve(), Path(settings.DATA_DIR).resolve()
    return str(path.relative_to(home) if path.is_relative_to(home) else path)
