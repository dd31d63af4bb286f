"""Uploads and renditions in an S3-compatible bucket: the bucket is private, and the site serves the files."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from moto import mock_aws
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage
from wagtail.models import UploadedFile

from aijuu_site import bucket as bucket_module
from aijuu_site.bucket import BucketStorage
from aijuu_site.serving.checks import require_storage
from aijuu_site.settings.data import file_storages
from aijuu_site.storages import StorageUnreachable
from home.images import preparation
from home.images.models import plain_specs, wanted_specs
from home.images.preparation import make_files
from home.models import HomePage, ServicePage
from tests.accounts import make_user
from tests.aijuu_site.environments import NEUTRAL, ROOT
from tests.uploading import drawn, photo_exif, stored, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NAME = "aijuu-test"
# Amazon's host, which moto mocks.
URL = f"s3://key:sala@s3.eu-north-1.amazonaws.com/{NAME}?region=eu-north-1"
# Nothing listens at this address.
AWAY = f"s3+http://key:sala@127.0.0.1:1/{NAME}"
RANDOM = r"[0-9a-f]{32}"


def store_at(url: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure this process to store its files at `url`, as a start with that STORAGE_URL does."""
    chosen = file_storages(url, data_dir=settings.DATA_DIR, uploads_url="/admin/uploads/", media_url="/media/")
    settings.STORAGES = {**settings.STORAGES, **chosen}
    # The renditions' file field looked up its storage when the model was loaded.
    field = get_image_model().get_rendition_model()._meta.get_field("file")
    monkeypatch.setattr(field, "storage", storages["pictures"])


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Create an empty bucket in moto's mock and use it as the site's storage."""
    with mock_aws():
        client = boto3.client("s3", region_name="eu-north-1")
        client.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        store_at(URL, settings, monkeypatch)
        yield client


@pytest.fixture
def away(bucket: Any, image: AbstractImage, settings: Any, monkeypatch: pytest.MonkeyPatch) -> AbstractImage:
    """Store a picture with its renditions, then let the bucket's server stop responding. Return the picture."""
    store_at(AWAY, settings, monkeypatch)
    picture: AbstractImage = get_image_model().objects.get(pk=image.pk)
    return picture


@pytest.fixture
def kati() -> Client:
    user = make_user("kati")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def image(bucket: Any, kati: Client) -> AbstractImage:
    picture = stored(kati, upload(drawn(), name="matti-meikalainen.jpeg", exif=photo_exif().tobytes()))
    make_files(picture, plain_specs(picture))
    return picture


def pictures() -> BucketStorage:
    storage = storages["pictures"]
    assert isinstance(storage, BucketStorage)
    return storage


def requests_of(storage: BucketStorage) -> list[str]:
    """Return a list to which each request of the storage appends its name."""
    sent: list[str] = []
    storage.connection.meta.client.meta.events.register(
        "before-call.s3", lambda **call: sent.append(call["model"].name)
    )
    return sent


def keys(bucket: Any) -> set[str]:
    return {one["Key"] for one in bucket.list_objects_v2(Bucket=NAME).get("Contents", [])}


def show(image: AbstractImage) -> str:
    page = ServicePage(title="K", slug="koe", image=image)
    HomePage.objects.get().add_child(instance=page)
    return "/koe/"


def content(answer: Any) -> bytes:
    return b"".join(answer)


def test_uploads_and_renditions_are_in_the_bucket(bucket: Any, image: AbstractImage) -> None:
    make_files(image)
    found = keys(bucket)
    assert f"uploads/{image.file.name}" in found
    assert len(found) == 1 + len(wanted_specs(image))
    assert all(
        re.fullmatch(rf"uploads/original_images/{RANDOM}\.jpeg|media/images/{RANDOM}\.(jpg|webp|avif)", key)
        for key in found
    )
    kept = bucket.get_object(Bucket=NAME, Key=f"uploads/{image.file.name}")
    assert kept["ContentType"] == "image/jpeg"
    assert b"SecretPhone" not in kept["Body"].read()
    owner = bucket.get_object_acl(Bucket=NAME, Key=f"uploads/{image.file.name}")
    assert [grant["Grantee"]["Type"] for grant in owner["Grants"]] == ["CanonicalUser"]


def test_bucket_media_has_headers_of_local_file(
    image: AbstractImage, bucket: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rendition in image.renditions.all():
        assert re.fullmatch(rf"/media/images/{RANDOM}\.\w+", rendition.url)
        there = Client().get(rendition.url)
        body = content(there)
        assert body == bucket.get_object(Bucket=NAME, Key=f"media/{rendition.file.name}")["Body"].read()
        settings.MEDIA_ROOT = tmp_path
        (tmp_path / rendition.file.name).parent.mkdir(exist_ok=True)
        (tmp_path / rendition.file.name).write_bytes(body)
        with monkeypatch.context() as patch:
            store_at("", settings, patch)
            here = Client().get(rendition.url)
            assert content(here) == body
        store_at(URL, settings, monkeypatch)
        assert there.status_code == here.status_code == 200
        differing = {"Last-Modified", "X-Request-ID"}
        assert {name: there[name] for name in there.headers if name not in differing} == {
            name: here[name] for name in here.headers if name not in differing
        }
        assert int(there["Content-Length"]) == len(body)
        assert "sandbox" in there["Content-Security-Policy"]


def test_unchanged_media_in_bucket_is_304(image: AbstractImage) -> None:
    url = image.renditions.first().url
    first = Client().get(url)
    again = Client().get(url, headers={"If-Modified-Since": first["Last-Modified"]})
    assert (again.status_code, content(again)) == (304, b"")
    assert again["Cache-Control"] == first["Cache-Control"] == "public, max-age=2592000"
    assert Client().get(url, headers={"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"}).status_code == 200


def test_bucket_upload_is_served_only_in_admin(kati: Client, image: AbstractImage) -> None:
    assert image.file.url == f"/admin/uploads/{image.file.name}"
    assert Client().get(image.file.url).status_code == 404
    stranger = Client()
    stranger.force_login(make_user("vieras"))
    assert stranger.get(image.file.url).status_code == 404
    assert Client().get(f"/media/{image.file.name}").status_code == 404
    assert Client().get(f"/media/images/../../uploads/{image.file.name}").status_code == 404
    answer = kati.get(image.file.url)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-cache")
    assert content(answer).startswith(b"\xff\xd8")
    for address in (reverse("wagtailimages:index"), reverse("wagtailimages:edit", args=[image.pk])):
        page = kati.get(address)
        assert page.status_code == 200
        assert "amazonaws" not in page.text


def test_file_missing_from_bucket_is_404(kati: Client, image: AbstractImage) -> None:
    assert Client().get(f"/media/images/{'0' * 32}.jpg").status_code == 404
    assert kati.get(f"/admin/uploads/original_images/{'0' * 32}.jpg").status_code == 404


def test_document_in_bucket_is_served(bucket: Any) -> None:
    document = get_document_model().objects.create(title="x", file=ContentFile(b"%PDF-1.4 esite", "esite.pdf"))
    assert f"uploads/{document.file.name}" in keys(bucket)
    assert content(Client().get(document.url)) == b"%PDF-1.4 esite"
    assert Client().get(document.file.url).status_code == 404


def test_removed_picture_leaves_no_object(
    bucket: Any, kati: Client, image: AbstractImage, django_capture_on_commit_callbacks: Any
) -> None:
    assert keys(bucket)
    with django_capture_on_commit_callbacks(execute=True):
        assert kati.post(reverse("wagtailimages:delete", args=[image.pk])).status_code == 302
    assert not keys(bucket)


def test_orphaned_object_is_removed_when_old(bucket: Any, image: AbstractImage) -> None:
    before = keys(bucket)
    left = storages["pictures"].save("images/x.jpg", ContentFile(b"x"))
    assert not preparation.orphaned_files(now=timezone.now())
    later = timezone.now() + timedelta(days=2)
    assert preparation.orphaned_files(now=later) == [left]
    assert preparation.remove_orphaned_file(left) == 1
    assert keys(bucket) == before


def test_missing_renditions_are_generated_again(bucket: Any, image: AbstractImage) -> None:
    make_files(image)
    later = timezone.now() + timedelta(hours=1)
    assert preparation.missing_files(now=later) == []
    for key in keys(bucket):
        if key.startswith("media/"):
            bucket.delete_object(Bucket=NAME, Key=key)
    missing = preparation.missing_files(now=later)
    assert {spec for _pk, spec in missing} == set(wanted_specs(image))
    assert [preparation.make_missing_file(item) for item in missing] == [1] * len(missing)
    assert {f"media/{name}" for name in image.renditions.values_list("file", flat=True)} == {
        key for key in keys(bucket) if key.startswith("media/")
    }


def test_page_render_sends_no_bucket_request(image: AbstractImage) -> None:
    address = show(image)
    asked = requests_of(pictures())
    assert "<picture" in Client().get(address).text
    assert asked == []
    Client().get(image.renditions.first().url)
    assert asked == ["HeadObject", "GetObject"]


def test_pages_work_while_bucket_is_unreachable(away: AbstractImage, kati: Client) -> None:
    page = Client().get(show(away))
    assert page.status_code == 200
    shown = set(re.findall(rf"/media/images/{RANDOM}\.\w+", page.text))
    assert shown
    assert shown <= {one.url for one in away.renditions.all()}
    for address in (reverse("wagtailimages:index"), reverse("wagtailimages:edit", args=[away.pk])):
        assert kati.get(address).status_code == 200


def test_media_is_503_while_bucket_is_unreachable(
    away: AbstractImage, kati: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for client, url in ((Client(), away.renditions.first().url), (kati, away.file.url)):
        answer = client.get(url)
        assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
        assert "Vika on sivustossa" in answer.text
    form = {"title": "k", "description": "Kati", "file": upload(drawn())}
    assert kati.post(reverse("wagtailimages:add"), form).status_code == 503
    assert get_image_model().objects.count() == 1
    assert "STORAGE_URL: the bucket can't be used: EndpointConnectionError" in caplog.text
    assert "Traceback" not in caplog.text
    assert away.file.name not in caplog.text
    assert "sala" not in caplog.text


def test_rows_of_renditions_survive_an_unreachable_bucket(away: AbstractImage) -> None:
    before = away.renditions.count()
    for job in (preparation.missing_files, preparation.orphaned_files):
        with pytest.raises(StorageUnreachable):
            job(now=timezone.now() + timedelta(days=2))
    assert away.renditions.count() == before


def test_unfinished_upload_survives_an_unreachable_bucket(
    bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = ContentType.objects.get_for_model(get_image_model())
    left = UploadedFile.objects.create(for_content_type=kind, file=upload(drawn()))
    store_at(AWAY, settings, monkeypatch)
    with pytest.raises(StorageUnreachable):
        preparation.unfinished_uploads(now=timezone.now())
    store_at(URL, settings, monkeypatch)
    assert preparation.unfinished_uploads(now=timezone.now()) == []
    assert preparation.unfinished_uploads(now=timezone.now() + timedelta(days=8)) == [left.pk]


def test_unreachable_bucket_is_retried_after_30_seconds(away: AbstractImage, monkeypatch: pytest.MonkeyPatch) -> None:
    name = away.renditions.first().file.name
    asked = requests_of(pictures())
    for _time in range(3):
        with pytest.raises(StorageUnreachable):
            pictures().open(name)
    assert asked == ["GetObject"]
    now = bucket_module.time.monotonic()
    monkeypatch.setattr(bucket_module.time, "monotonic", lambda: now + 31)
    with pytest.raises(StorageUnreachable):
        pictures().open(name)
    assert asked == ["GetObject", "GetObject"]


def test_bucket_client_timeouts_and_signature_version(bucket: Any) -> None:
    config = pictures().connection.meta.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries["total_max_attempts"] == 2
    assert (config.signature_version, config.s3["addressing_style"]) == ("s3v4", "path")


def test_forked_process_gets_its_own_connection(bucket: Any) -> None:
    storage = pictures()
    storage.save("images/x.jpg", ContentFile(b"x"))
    child = os.fork()
    if child == 0:
        os._exit("connection" in vars(storage) or storage._bucket is not None)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "connection" in vars(storage)


# Start of the site


def test_start_checks_bucket_and_leaves_no_object(bucket: Any) -> None:
    require_storage()
    assert keys(bucket) == set()


@pytest.mark.parametrize("reason", ["PutObject: NoSuchBucket", "EndpointConnectionError"])
def test_start_reports_unusable_bucket(
    reason: str, bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = AWAY if "Endpoint" in reason else URL.replace(NAME, "ei-ole")
    store_at(url, settings, monkeypatch)
    with pytest.raises(CommandError) as refused:
        call_command("prepare")
    assert str(refused.value) == f"STORAGE_URL: the bucket can't be used: {reason}"


def test_boto3_is_not_imported_without_storage_url(tmp_path: Path) -> None:
    script = (
        "import sys, django; django.setup(); import aijuu_site.urls; from django.core.files.storage import storages;"
        "storages['default'], storages['pictures']; print('boto3' in sys.modules)"
    )
    environment = {**NEUTRAL, "DATA_DIR": str(tmp_path), "PATH": ""}
    environment["DJANGO_SETTINGS_MODULE"] = "aijuu_site.settings.production"
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert (finished.stdout.strip(), finished.stderr) == ("False", "")
