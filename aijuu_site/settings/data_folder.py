"""DATA_DIR, and the secrets stored in it."""

import os
import secrets
from pathlib import Path

from django.core.checks.security.base import SECRET_KEY_MIN_LENGTH, SECRET_KEY_MIN_UNIQUE_CHARACTERS

from aijuu_site.settings.environment import SettingError

# Ignored by git.
_DEFAULT_FOLDER = "var"
# What the program makes in DATA_DIR, and empties, serves or backs up.
OWN_FOLDERS = ("static", "static.earlier", "media", "uploads", "mail", "metrics", "backup-work")


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
    """Create `folder` with mode 700 if missing. Raises SettingError where it can't be used."""
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
