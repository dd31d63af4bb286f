"""A site with backups: a pair of keys, and a folder that they go to."""

from pathlib import Path
from typing import Any

import pyrage
import pytest

from aijuu_site.backup.destination import Folder


@pytest.fixture
def identity(settings: Any) -> Any:
    """The secret key of the public one that is set."""
    identity = pyrage.x25519.Identity.generate()
    settings.BACKUP_KEYS = [str(identity.to_public())]
    return identity


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    path = tmp_path / "backups"
    settings.BACKUP_TO = {"folder": path}
    return path


@pytest.fixture
def destination(folder: Path) -> Folder:
    return Folder(folder)


@pytest.fixture
def key_file(identity: Any, tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(f"# public key: {identity.to_public()}\n{identity}\n", encoding="ascii")
    return path
