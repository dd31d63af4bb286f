"""A site with backups: a pair of keys, and a folder that they go to."""

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


@pytest.fixture
def no_uploads_left() -> Iterator[None]:
    yield
    for name in list(stored_names(default_storage)):
        default_storage.delete(name)
    unmark()


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collecting static files takes half a minute. That it would be done is noted here."""
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
    """As loaded_site, but on PostgreSQL too: it is this database that is copied and comes back."""
    _loaded_content.put_back()
