"""Backups to an S3-compatible bucket, with the uploads in another bucket."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from moto import mock_aws

from aijuu_site.backup import restoring
from aijuu_site.backup.contents import stored_names
from aijuu_site.backup.removals import export_removals
from aijuu_site.backup.work_folder import work_folder
from aijuu_site.models import Backup
from aijuu_site.settings.data import backup_destination
from aijuu_site.storages import StorageUnreachable
from intake.enquiry.removal import remove_enquiry
from intake.models import Enquiry
from tests.aijuu_site.backup.restored_site import PICTURE, destroy, restore
from tests.aijuu_site.test_bucket import store_at
from tests.intake.enquiries import received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

URL = "s3://key:sala@s3.eu-north-1.amazonaws.com/{}?region=eu-north-1"
AWAY = "s3+http://key:sala@127.0.0.1:1/aijuu-backups"


@pytest.fixture
def buckets(settings: Any, monkeypatch: pytest.MonkeyPatch, identity: Any) -> Iterator[Any]:
    """Create one bucket for the uploads and one for the backups, and configure the site to use them."""
    monkeypatch.setattr(restoring, "prepare_static_files", lambda _say: None)
    with mock_aws():
        client = boto3.client("s3", region_name="eu-north-1")
        for name in ("aijuu-files", "aijuu-backups"):
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        store_at(URL.format("aijuu-files"), settings, monkeypatch)
        keep_backups_at(URL.format("aijuu-backups"), settings)
        yield client


def keep_backups_at(url: str, settings: Any) -> None:
    settings.BACKUP_TO = backup_destination(url, data_dir=settings.DATA_DIR, sources=settings.BASE_DIR)


def names(client: Any) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket="aijuu-backups").get("Contents", [])]


def test_backup_and_restore_with_buckets(buckets: Any, key_file: Path) -> None:
    call_command("load_content", stdout=io.StringIO())
    default_storage._save(PICTURE, ContentFile(b"a picture"))  # type: ignore[attr-defined]
    kept, gone = received(), received()
    out = io.StringIO()
    call_command("backup", stdout=out)
    (name,) = names(buckets)
    assert out.getvalue() == f"s3://aijuu-backups/{name}\n"
    assert Backup.objects.get().checked_at is not None
    assert not work_folder().exists()
    remove_enquiry(enquiry_id=gone.pk, now=timezone.now())
    assert export_removals(now=timezone.now()) == 1
    uploads = set(stored_names(default_storage))
    destroy()
    assert list(stored_names(default_storage)) == []
    assert "Removed again: 1" in restore("latest", key_file)
    assert set(stored_names(default_storage)) == uploads
    assert default_storage.open(PICTURE).read() == b"a picture"
    assert list(Enquiry.objects.values_list("pk", flat=True)) == [kept.pk]


def test_unreachable_bucket_gives_one_line_error(buckets: Any, settings: Any) -> None:
    keep_backups_at(AWAY, settings)
    with pytest.raises(CommandError, match=r"^No backup: bucket aijuu-backups: EndpointConnectionError"):
        call_command("backup")
    assert not work_folder().exists()
    assert Backup.objects.get().checked_at is None


@pytest.mark.parametrize(("error", "raised"), [(StorageUnreachable("x"), CommandError), (SystemExit(143), SystemExit)])
def test_unverified_backup_in_bucket_is_deleted(
    buckets: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, raised: type[BaseException]
) -> None:
    from aijuu_site.bucket import BucketStorage

    seen: list[str] = []

    def cut_off(self: Any, name: str, size: int = 0) -> Iterator[bytes]:
        seen.extend(names(buckets))
        yield b"the beginning"
        raise error

    monkeypatch.setattr(BucketStorage, "chunks", cut_off)
    with pytest.raises(raised):
        call_command("backup")
    assert len(seen) == 1
    assert names(buckets) == []


def test_damaged_backup_in_bucket_is_detected(buckets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from aijuu_site.bucket import BucketStorage

    def damaged(self: Any, name: str, size: int = 0) -> Iterator[bytes]:
        yield b"something else"

    monkeypatch.setattr(BucketStorage, "chunks", damaged)
    with pytest.raises(CommandError, match="is not what was written"):
        call_command("backup")
    assert names(buckets) == []
