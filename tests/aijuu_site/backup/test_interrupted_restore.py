"""After a killed or stopped restore, only what that restore wrote is removed."""

import signal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError
from django.db import connection
from django.test import override_settings

from aijuu_site.backup import restoring
from aijuu_site.backup.work_folder import mark, mark_path, work_folder
from aijuu_site.serving.checks import check_resources
from aijuu_site.settings.data import file_storages
from intake.models import Enquiry
from tests.aijuu_site.backup.restored_site import PICTURE, backup, destroy, is_empty, restore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_uploads_left", "collected")]

URL = "s3://key:sala@s3.example.fi/aijuu-files"


@pytest.mark.usefixtures("folder")
def test_killed_restore_can_be_repeated(site: Enquiry, key_file: Path) -> None:
    path = backup()
    # The state after a SIGKILL: the database and an upload are there, and unencrypted files in the private folder.
    mark()
    work_folder().mkdir()
    (work_folder() / "database.dump").write_text("half")
    with pytest.raises(CommandError, match=f"A restore was interrupted here.* put back .* delete {mark_path()} inst"):
        check_resources()
    output = restore(path, key_file)
    assert "was interrupted" in output
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert not mark_path().exists()
    check_resources()


@pytest.fixture(params=["database", "bucket", "schema", "folder of uploads", "nothing"])
def elsewhere(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the mark of an interrupted restore into another place (or of one that names no place)."""
    other = request.param
    if other == "schema" and connection.vendor != "postgresql":
        pytest.skip("SQLite has none")
    url = URL if other == "bucket" else ""
    place = tmp_path if other == "folder of uploads" else settings.DATA_DIR
    chosen = file_storages(url, data_dir=place, uploads_url="/admin/uploads/", media_url="/media/")
    with monkeypatch.context() as before, override_settings(STORAGES=settings.STORAGES | chosen):
        if other == "database":
            before.setitem(connection.settings_dict, "NAME", "/another")
        if other == "schema":
            before.setitem(connection.settings_dict["OPTIONS"], "options", "-c search_path=other")
        mark()
    if other == "nothing":
        mark_path().write_text("")


@pytest.mark.usefixtures("folder", "elsewhere")
def test_restore_interrupted_elsewhere_removes_nothing_here(site: Enquiry, key_file: Path) -> None:
    path = backup()
    says = r"a restore was interrupted that wrote into .*\S and .*names another place now; set them as they were"
    with pytest.raises(CommandError, match=f"^Not restored: {says}") as caught:
        restore(path, key_file)
    assert "sala" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(CommandError, match=f"^Not started: {says}"):
        check_resources()
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert default_storage.exists(PICTURE)
    assert mark_path().exists()


@pytest.mark.usefixtures("folder")
def test_unusable_backup_keeps_data_of_killed_restore(site: Enquiry, key_file: Path, tmp_path: Path) -> None:
    mark()
    none = tmp_path / "none.age"
    none.write_bytes(b"no backup" * 100)
    with pytest.raises(CommandError, match="can't be decrypted"):
        restore(none, key_file)
    assert Enquiry.objects.filter(pk=site.pk).exists()
    assert default_storage.exists(PICTURE)
    assert mark_path().exists()


@pytest.mark.usefixtures("site", "folder")
def test_upload_during_restore_is_kept(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    monkeypatch.setattr(
        restoring,
        "_require_known",
        lambda _manifest: default_storage._save(PICTURE, ContentFile(b"new")),  # type: ignore[attr-defined]
    )
    with pytest.raises(CommandError, match="place of the uploads is not empty"):
        restore(path, key_file)
    assert default_storage.open(PICTURE).read() == b"new"


@pytest.mark.usefixtures("site", "folder")
def test_restore_stopped_by_sighup_leaves_site_empty(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    monkeypatch.setattr(restoring, "_prove", lambda _say: signal.raise_signal(signal.SIGHUP))
    with pytest.raises(SystemExit) as caught:
        restore(path, key_file)
    assert caught.value.code == 129
    assert is_empty()


@pytest.mark.usefixtures("site", "folder")
def test_restore_under_nohup_ignores_sighup(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = backup()
    destroy()
    monkeypatch.setattr(restoring, "_prove", lambda _say: signal.raise_signal(signal.SIGHUP))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert "Restored and proven" in restore(path, key_file)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
