"""Unusable uploads: every form refuses them with a message, and none causes a 500."""

import json
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from wagtail.images import get_image_model
from wagtail.models import UploadedFile

from tests.accounts import make_user
from tests.uploading import describe, drawn, huge_gif, huge_png, photo_exif, stored, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]

TOO_MANY = "enintään 60 miljoonaa"


@pytest.fixture
def kati(client: Client) -> Client:
    client.force_login(make_user(is_superuser=True))
    return client


def answer_of_form(client: Client, file: SimpleUploadedFile) -> str:
    return client.post(reverse("wagtailimages:add"), {"title": "Kuva", "file": file}).text


def answer_of_many(client: Client, file: SimpleUploadedFile) -> str:
    answer = client.post(reverse("wagtailimages:add_multiple"), {"title": "Kuva", "files[]": file})
    return str(json.loads(answer.content)["error_message"])


def answer_of_chooser(client: Client, file: SimpleUploadedFile) -> str:
    address = reverse("wagtailimages_chooser:create")
    data = {"image-chooser-upload-title": "Kuva", "image-chooser-upload-file": file}
    return str(json.loads(client.post(address, data).content))


def answer_of_change(client: Client, file: SimpleUploadedFile) -> str:
    image = stored(client, upload(drawn()))
    text = client.post(reverse("wagtailimages:edit", args=[image.pk]), {"title": "Kuva", "file": file}).text
    assert default_storage.exists(image.file.name)
    image.delete()
    return text


WAYS = [answer_of_form, answer_of_many, answer_of_chooser, answer_of_change]


# Above the limit at which Pillow raises an error; between its warning and that limit; just above our own limit.
PAST_PILLOW, BETWEEN, PAST_OURS = huge_png(30_000, 30_000), huge_png(12_000, 12_000), huge_png(7_746, 7_747)


@pytest.mark.parametrize(
    ("way", "file"),
    [
        *((way, file) for way in WAYS for file in (PAST_PILLOW, PAST_OURS)),
        (answer_of_form, BETWEEN),
        (answer_of_form, huge_png(2_000_000_000, 1)),
        (answer_of_form, huge_gif(65_535, 65_535)),
        (answer_of_form, huge_gif(9_000, 9_000)),
    ],
)
def test_too_many_pixels_are_refused(kati: Client, way: Any, file: SimpleUploadedFile) -> None:
    file.seek(0)
    assert TOO_MANY in way(kati, file)
    assert not get_image_model().objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_truncated_picture_is_refused(kati: Client, way: Any) -> None:
    assert "Kuvatiedosto on rikki" in way(kati, huge_png(4_000, 4_000))
    assert not get_image_model().objects.exists()


def test_temporary_upload_has_no_metadata(kati: Client) -> None:
    file = upload(drawn(), exif=photo_exif().tobytes())
    # Wagtail keeps the file until it has its alternative text.
    answer = kati.post(reverse("wagtailimages:add_multiple"), {"title": "Kuva", "files[]": file})
    assert answer.status_code == 200
    aside = UploadedFile.objects.get()
    assert b"SecretPhone" not in aside.file.open("rb").read()
    assert describe(kati, aside.pk, title="Kuva", description="Kati").json()["success"]
    image = get_image_model().objects.get()
    assert b"SecretPhone" not in image.file.open("rb").read()
    assert (image.width, image.height) == (60, 40)


def test_temporary_document_is_unchanged() -> None:
    from django.contrib.contenttypes.models import ContentType
    from wagtail.documents import get_document_model

    kind = ContentType.objects.get_for_model(get_document_model())
    aside = UploadedFile.objects.create(for_content_type=kind, file=ContentFile(b"%PDF-1.4", "x.pdf"))
    assert aside.file.open("rb").read() == b"%PDF-1.4"
