"""Fixtures for a site with backups: a key pair, the backup folder, and content to back up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from aijuu_site.backup import restoring
from aijuu_site.backup.contents import stored_names
from aijuu_site.backup.destination import Folder
from aijuu_site.backup.work_folder import unmark
from intake.models import Enquiry
from tests.aijuu_site.backup.restored_site import PICTURE, WORDS
from tests.intake.enquiries import received
from tests.loaded_rows import LoadedContent


@pytest.fixture
def identity(settings: Any) -> Any:
    """Set a new public key as BACKUP_KEYS and return the secret key that belongs to it."""
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


@pytest.fixture
def no_uploads_left() -> Iterator[None]:
    yield
    for name in list(stored_names(default_storage)):
        default_storage.delete(name)
    unmark()


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record the calls of prepare_static_files instead of running it, which would take half a minute."""
    noted: list[Any] = []
    monkeypatch.setattr(restoring, "prepare_static_files", noted.append)
    return noted


@pytest.fixture
def site(loaded_rows: None) -> Enquiry:
    """A site with a page, an enquiry and an upload."""
    default_storage._save(PICTURE, ContentFile(b"a picture" * 100_000))  # type: ignore[attr-defined]
    return received(message=WORDS, name="Aino Kallio")


@pytest.fixture
def loaded_rows(_loaded_content: LoadedContent) -> None:
    """Load the content as loaded_site does, but on PostgreSQL too, because this database is backed up and restored."""
    _loaded_content.put_back()
