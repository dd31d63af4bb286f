"""Where the data is: DATA_DIR and the secrets in it, DATABASE_URL, STORAGE_URL, BACKUP_KEY and BACKUP_TO."""

import os
import re
import secrets
from pathlib import Path
from typing import Any

from django.core.checks.security.base import SECRET_KEY_MIN_LENGTH, SECRET_KEY_MIN_UNIQUE_CHARACTERS

from aijuu_site.settings.environment import ServerUrl, SettingError
from aijuu_site.settings.hosts import server_name

# Ignored by git.
_DEFAULT_FOLDER = "var"
# The folders that the program creates in DATA_DIR, and that it empties, serves or backs up.
OWN_FOLDERS = ("static", "static.earlier", "media", "uploads", "mail", "metrics", "backup-work")
SQLITE = "aijuu_site.queued_sqlite"
POSTGRESQL = "django.db.backends.postgresql"
_SOURCES = Path(__file__).resolve().parent.parent.parent
# The longest wait of a visitor for the database: ten seconds in all, with the wait for a thread (serving.shell).
WAIT_SECONDS = 5
_DATABASE_URL = (
    "write it as in DATABASE_URL=postgres://user:password@localhost:5432/aijuu or sqlite:////srv/aijuu/db.sqlite3, "
    "or leave it empty"
)
BUCKET = "aijuu_site.bucket.BucketStorage"
# Plain http sends the files unencrypted: only for a server on the same machine or network.
_BUCKET_SCHEMES = {"s3": "https", "s3+http": "http"}
# Servers with one region use this name, or accept any.
_BUCKET_REGION = "us-east-1"
# The names that every provider accepts. Without dots, so that they also fit a TLS host name.
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]{1,63}")
_STORAGE_URL = "write it as in STORAGE_URL=s3://key:secret@s3.example.fi/bucket?region=eu-north-1"
_BACKUP_KEY = "write a public key of age, as in BACKUP_KEY=age1…; `manage.py backup_key` makes a pair"
_BACKUP_TO = "write a folder as in BACKUP_TO=/mnt/backups, or BACKUP_TO=s3://key:secret@s3.example.fi/bucket"


def load_or_create_secret(path: Path) -> str:
    """Return the secret in `path`. Create it (50+ random characters, mode 600) if missing. Raises OSError.

    Safe with concurrent processes: the file appears complete, and the first one wins.
    """
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def data_folder(text: str, *, sources: Path) -> Path:
    """Return the absolute path of `text`, relative to `sources`; var/ for an empty text. Creates nothing.

    Raises SettingError for a folder that overlaps the sources: its files could be served, committed or deleted.
    """
    try:
        folder = (sources / Path(text or _DEFAULT_FOLDER).expanduser()).resolve()
        if overlaps_sources(folder, sources=sources):
            raise SettingError(
                "DATA_DIR",
                f"{folder} is, holds, or lies in the folder of the program ({sources}); name a folder of its own, "
                f"as in DATA_DIR=/srv/aijuu, or one below {sources / _DEFAULT_FOLDER}.",
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError("DATA_DIR", "it names no folder; write one as in DATA_DIR=/srv/aijuu") from error
    return folder


def overlaps_sources(path: Path, *, sources: Path) -> bool:
    """Return whether `path` equals, contains or is inside `sources`, except below var/."""
    real, home = path.resolve(), sources.resolve()
    own = home / _DEFAULT_FOLDER
    # var/ itself may be a symbolic link back into the sources.
    if own.resolve() == own and _is_within(real, own):
        return False
    return _is_within(real, home) or _is_within(home, real)


def is_in_own_folder(path: Path, *, data_dir: Path) -> bool:
    """Return whether `path` is one of OWN_FOLDERS or below it: nothing else may be kept there."""
    return any(_is_within(path.resolve(), (data_dir / name).resolve()) for name in OWN_FOLDERS)


def _is_within(path: Path, folder: Path) -> bool:
    """Return whether `path` is `folder` or below it, also under another spelling (case, mounts)."""
    if path.is_relative_to(folder):
        return True
    return folder.exists() and any(parent.exists() and parent.samefile(folder) for parent in (path, *path.parents))


def make_data_folder(folder: Path) -> None:
    """Create `folder` with mode 700 if missing. Raises SettingError if it can't be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise SettingError("DATA_DIR", f"{folder} is a file; name a folder.") from error
    except OSError as error:
        raise SettingError("DATA_DIR", f"the folder {folder} can't be made ({error.strerror}).") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingError("DATA_DIR", f"the folder {folder} can't be written by this user.")


def configured_secret_key(text: str) -> str:
    """Return the configured signing key, or "". Raises SettingError for a weak one."""
    if text and not _is_strong(text):
        raise SettingError(
            "SECRET_KEY",
            f"it needs at least {SECRET_KEY_MIN_LENGTH} random characters; leave it empty, and one is made and kept.",
        )
    return text


def stored_secret_key(folder: Path) -> str:
    """Return the signing key in `folder`, created at the first start. Raises SettingError."""
    path = folder / "secret_key"
    try:
        kept = load_or_create_secret(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            "SECRET_KEY", f"the key in {path} can't be read or made ({type(error).__name__})."
        ) from error
    if not _is_strong(kept):
        raise SettingError("SECRET_KEY", f"the file {path} holds no whole key; remove it, and another is made.")
    return kept


def _is_strong(key: str) -> bool:
    return len(key) >= SECRET_KEY_MIN_LENGTH and len(set(key)) >= SECRET_KEY_MIN_UNIQUE_CHARACTERS


def database_from_url(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database at `url`; SQLite at `data_dir`/db.sqlite3 for an empty one.

    Raises SettingError for an invalid `url`.
    """
    database: dict[str, Any] = _read_database(url, data_dir) if url else _sqlite(data_dir / "db.sqlite3")
    options = database.setdefault("OPTIONS", {})
    if database["ENGINE"] == SQLITE:
        # IMMEDIATE takes the write lock at the start, because upgrading a read lock later fails without waiting.
        # synchronous=FULL syncs each commit, so that a confirmed message survives a power failure. secure_delete
        # overwrites deleted data with zeros (intake.enquiry.removal also truncates the WAL). cache_size: half a MiB
        # instead of two for each of a dozen threads; the system's cache of the file serves all of them.
        options.setdefault("transaction_mode", "IMMEDIATE")
        # The longest wait in the writers' queue, and for a program that does not use the queue, together.
        options.setdefault("timeout", WAIT_SECONDS)
        pragmas = {"journal_mode": "WAL", "synchronous": "FULL", "secure_delete": "ON", "cache_size": "-512"}
        options.setdefault("init_command", " ".join(f"PRAGMA {name}={value};" for name, value in pragmas.items()))
        # Opening the file for each request would cost more than most of its queries.
        database["CONN_MAX_AGE"] = None
    else:
        # Soon after a failed attempt to connect, the next request starts another one. By default the pool would wait
        # for as long as the server was away.
        options.setdefault("pool", {"min_size": 1, "max_size": 10, "timeout": WAIT_SECONDS, "reconnect_timeout": 2})
        options.setdefault("connect_timeout", 3)
        # For a server that disappeared without closing the connection.
        options.setdefault("tcp_user_timeout", WAIT_SECONDS * 1000)
        # For a lock whose holder does not release it. The options of DATABASE_URL come last and take precedence.
        options["options"] = f"-c lock_timeout={WAIT_SECONDS}s {options.get('options', '')}".strip()
        database["CONN_HEALTH_CHECKS"] = True
    return database


def _read_database(url: str, data_dir: Path) -> dict[str, Any]:
    server = ServerUrl.read("DATABASE_URL", url, example=_DATABASE_URL)
    if server.scheme == "sqlite":
        if server.host or server.user or server.options or not server.path or server.path.endswith((":memory:", "/")):
            raise SettingError("DATABASE_URL", f"SQLite is one file and no more; {_DATABASE_URL}")
        path = data_dir / server.path
        if overlaps_sources(path, sources=_SOURCES):
            raise SettingError(
                "DATABASE_URL", f"the database may not lie in the folder of the program; {_DATABASE_URL}"
            )
        if is_in_own_folder(path, data_dir=data_dir):
            raise SettingError(
                "DATABASE_URL",
                f"the database may not lie in a folder of {data_dir} that has other files of the site "
                f"({', '.join(OWN_FOLDERS)}); {_DATABASE_URL}",
            )
        return _sqlite(path)
    if server.scheme not in ("postgres", "postgresql"):
        raise SettingError("DATABASE_URL", f"it must begin with postgres:// or sqlite:///; {_DATABASE_URL}")
    if not server.path or "/" in server.path:
        raise SettingError("DATABASE_URL", f"it names no database; {_DATABASE_URL}")
    return {
        "ENGINE": POSTGRESQL,
        "NAME": server.path,
        "USER": server.user,
        "PASSWORD": server.password,
        "HOST": server.host,
        "PORT": server.port or "",
        "OPTIONS": dict(server.options),
    }


def _sqlite(path: Path) -> dict[str, Any]:
    return {"ENGINE": SQLITE, "NAME": str(path)}


def file_storages(url: str, *, data_dir: Path, uploads_url: str, media_url: str) -> dict[str, dict[str, Any]]:
    """Return Django's STORAGES for uploaded originals (`default`) and for the files that pages show (`pictures`).

    They are in folders for an empty `url`. Raises SettingError for an invalid one.
    """
    if not url:
        return {
            "default": {
                "BACKEND": "aijuu_site.storages.UploadStorage",
                "OPTIONS": {"location": str(data_dir / "uploads"), "base_url": uploads_url},
            },
            "pictures": {"BACKEND": "aijuu_site.storages.PictureStorage"},
        }
    bucket = bucket_options("STORAGE_URL", url, example=_STORAGE_URL)
    return {
        "default": {"BACKEND": BUCKET, "OPTIONS": {**bucket, "location": "uploads", "base_url": uploads_url}},
        "pictures": {"BACKEND": BUCKET, "OPTIONS": {**bucket, "location": "media", "base_url": media_url}},
    }


def bucket_options(name: str, url: str, *, example: str) -> dict[str, str]:
    """Return the options of BucketStorage for `url`, the value of the setting `name`. Raises SettingError."""
    server = ServerUrl.read(name, url, example=example)
    if server.scheme not in _BUCKET_SCHEMES:
        raise SettingError(name, f"it must begin with s3:// (or s3+http:// without TLS); {example}")
    if not server.host:
        raise SettingError(name, f"it names no server; {example}")
    try:
        host = server_name(server.host)
    except ValueError as error:
        raise SettingError(name, f"its server is no host name; {example}") from error
    if not server.user or not server.password:
        raise SettingError(name, f"it needs key and secret; {example}")
    if not all("!" <= sign <= "~" for sign in server.user + server.password):
        raise SettingError(name, "key and secret have only ASCII letters and signs, no spaces.")
    if not _BUCKET_NAME.fullmatch(server.path):
        raise SettingError(
            name,
            f"behind the server stands the name of one bucket, of 3 to 63 small letters, digits and -; {example}",
        )
    region = server.options.get("region", _BUCKET_REGION)
    if server.options.keys() - {"region"} or not _REGION.fullmatch(region):
        raise SettingError(name, f"only a region may stand behind the bucket; {example}")
    return {
        "access_key": server.user,
        "secret_key": server.password,
        "endpoint_url": f"{_BUCKET_SCHEMES[server.scheme]}://{host}" + (f":{server.port}" if server.port else ""),
        "bucket_name": server.path,
        "region_name": region,
    }


def backup_keys(text: str) -> list[str]:
    """Return the public keys in `text`, separated by commas or spaces. Raises SettingError."""
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
    # Imported only here, so that a site without backups does not load it.
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
    # A missing folder may be on a disk that is not mounted; but below a file there can never be a folder.
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not os.path.isdir(there):
        raise SettingError(name, f"{there} is no folder; {_BACKUP_TO}")
    return folder
