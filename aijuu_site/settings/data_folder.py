"""Where the data lies: DATA_DIR, and the secrets kept in it."""

import os
import secrets
from pathlib import Path

from django.core.checks.security.base import SECRET_KEY_MIN_LENGTH, SECRET_KEY_MIN_UNIQUE_CHARACTERS

from aijuu_site.settings.environment import SettingError


def load_or_create_secret(path: Path) -> str:
    """Return the secret in `path`, making it (50+ random characters, mode 600) if there is none.

    Safe when two processes start at once: the file appears whole, and the first one wins.
    Raises OSError where the folder can't be written.
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


# Where git does not look.
_OWN_PLACE = "var"


def data_folder(text: str, *, sources: Path) -> Path:
    """Return the folder that `text` names, absolute; an empty one is var/ in `sources`, which others start from.

    Nothing is made yet. Raises SettingError for one that is, holds, or lies in the sources: its files would be
    served, committed, or emptied with them.
    """
    try:
        folder = (sources / Path(text or _OWN_PLACE).expanduser()).resolve()
        if overlaps_sources(folder, sources=sources):
            raise SettingError(
                "DATA_DIR",
                f"{folder} is, holds, or lies in the folder of the program ({sources}); name a folder of its own, "
                f"as in DATA_DIR=/srv/aijuu, or one below {sources / _OWN_PLACE}.",
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError("DATA_DIR", "it names no folder; write one as in DATA_DIR=/srv/aijuu") from error
    return folder


def overlaps_sources(path: Path, *, sources: Path) -> bool:
    """Tell whether `path` is, holds, or lies in `sources`; what is below var/ does not."""
    real, home = path.resolve(), sources.resolve()
    own = home / _OWN_PLACE
    # A link may lead it back to where it must not be.
    if own.resolve() == own and _is_within(real, own):
        return False
    return _is_within(real, home) or _is_within(home, real)


def _is_within(path: Path, folder: Path) -> bool:
    """Tell whether `path` is `folder` or below it, also where it is written in another way (case, mounts)."""
    if path.is_relative_to(folder):
        return True
    return folder.exists() and any(parent.exists() and parent.samefile(folder) for parent in (path, *path.parents))


def make_data_folder(folder: Path) -> None:
    """Make `folder`, its owner's alone, unless it is there. Raises SettingError where it can't be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise SettingError("DATA_DIR", f"{folder} is a file; name a folder.") from error
    except OSError as error:
        raise SettingError("DATA_DIR", f"the folder {folder} can't be made ({error.strerror}).") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingError("DATA_DIR", f"the folder {folder} can't be written by this user.")


def configured_secret_key(text: str) -> str:
    """Return the signing key that is set, or nothing. Raises SettingError for a weak one."""
    if text and not _is_strong(text):
        raise SettingError(
            "SECRET_KEY",
            f"it needs at least {SECRET_KEY_MIN_LENGTH} random characters; leave it empty, and one is made and kept.",
        )
    return text


def stored_secret_key(folder: Path) -> str:
    """Return the signing key that is kept in `folder`, made at the first start."""
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
