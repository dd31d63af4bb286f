"""Uploads are served only in the admin. Renditions are public, under unguessable names."""

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import reverse
from wagtail.documents import get_document_model
from wagtail.images.models import AbstractImage
from wagtail.models import Collection, CollectionViewRestriction

from home.images.preparation import make_files
from tests.accounts import make_user
from tests.uploading import DRAWING, drawn, photo_exif, stored, upload

pytestmark = pytest.mark.django_db

RANDOM = r"[0-9a-f]{32}"


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def kati() -> Client:
    user = make_user("kati")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def image(kati: Client) -> AbstractImage:
    picture = stored(kati, upload(drawn(), name="matti-meikalainen.jpeg", exif=photo_exif().tobytes()))
    make_files(picture)
    return picture


def wsgi_status(path: str) -> str:
    """Return the status of the WSGI application for a path that the server has decoded once."""
    statuses: list[str] = []

    def start(status: str, _headers: list[tuple[str, str]], _error: Any = None) -> Any:
        statuses.append(status)

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    # Otherwise Django closes the connection of the test's transaction. Django's test client does the same.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        body = get_wsgi_application()(environ, start)
        b"".join(body)
        getattr(body, "close", lambda: None)()
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)
    return statuses[0].split()[0]


def test_every_stored_name_has_128_random_bits(image: AbstractImage) -> None:
    assert re.fullmatch(rf"original_images/{RANDOM}\.jpeg", image.file.name)
    names = list(image.renditions.values_list("file", flat=True))
    assert len(names) == 9
    assert all(re.fullmatch(rf"images/{RANDOM}\.(jpg|webp|avif)", name) for name in names)
    assert len({Path(name).stem for name in [image.file.name, *names]}) == 10


@pytest.mark.once
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("images/kuva.JPG", "images/{}.jpg"),
        ("images/a.b.c.svg", "images/{}.svg"),
        ("images/" + "ä" * 90 + ".png", "images/{}.png"),
        ("documents/x.pdf", "documents/{}.pdf"),
        ("images/kuva", "images/{}"),
        ("images/x.php%00", "images/{}"),
        ("images/x.toolongextension", "images/{}"),
    ],
)
def test_stored_name_keeps_folder_and_extension(given: str, kept: str) -> None:
    name = storages["pictures"].save(given, ContentFile(b"x"), max_length=100)
    assert re.fullmatch(re.escape(kept).replace(r"\{\}", RANDOM), name)
    assert storages["pictures"].save(given, ContentFile(b"x"), max_length=100) != name


def test_removed_picture_names_are_not_reused(kati: Client) -> None:
    first = stored(kati, upload(drawn()))
    make_files(first)
    before = {first.file.name, *first.renditions.values_list("file", flat=True)}
    first.delete()
    second = stored(kati, upload(drawn()))
    make_files(second)
    assert not before & {second.file.name, *second.renditions.values_list("file", flat=True)}


def test_upload_is_served_only_in_admin(kati: Client, image: AbstractImage) -> None:
    assert image.file.url == f"/admin/uploads/{image.file.name}"
    assert Client().get(image.file.url).status_code == 404
    nobody = make_user("vieras")
    stranger = Client()
    stranger.force_login(nobody)
    assert stranger.get(image.file.url).status_code == 404
    answer = kati.get(image.file.url)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-cache"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_no_url_spelling_reaches_an_upload(image: AbstractImage) -> None:
    name = image.file.name
    # A copy in the public folder, where an earlier version stored uploads, must not be served either.
    left = Path(settings.MEDIA_ROOT) / name
    left.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(default_storage.path(name), left)
    plain = left.parent / "kuva.jpg"
    shutil.copy(left, plain)
    left.unlink()
    for path in (
        f"/media/{name}",
        "/media/original_images/kuva.jpg",
        "/media//original_images/kuva.jpg",
        "/media/./original_images/kuva.jpg",
        "/media/images/../original_images/kuva.jpg",
        "/media/%2foriginal_images/kuva.jpg",
        "/media/Original_Images/kuva.jpg",
        "/media/\\original_images\\kuva.jpg",
        "/media/original_images%2fkuva.jpg",
        "/media/original_images/kuva.jpg/",
        f"/media/../uploads/{name}",
        f"/media/images/../../uploads/{name}",
        f"/media/{name}\n",
        f"/uploads/{name}",
        f"/admin/uploads/{name}",
        f"/admin//uploads/{name}",
        f"/static/../uploads/{name}",
        f"/documents/1/{Path(name).name}",
        "/media/" + "a" * 3000,
        "/media/images/" + "a" * 300 + ".jpg",
    ):
        assert wsgi_status(path) in {"404", "301", "302", "400"}, path
        assert Client().get(path, follow=True).status_code in {200, 400, 404}
        assert b"SecretPhone" not in b"".join(Client().get(path, follow=True)), path


def test_rendition_is_public_and_cacheable(image: AbstractImage) -> None:
    rendition = image.renditions.first()
    assert rendition is not None
    answer = Client().get(rendition.url)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "public, max-age=2592000"
    assert wsgi_status(rendition.url) == "200"


def test_media_folder_contains_no_uploads(kati: Client, image: AbstractImage) -> None:
    stored(kati, SimpleUploadedFile("a.svg", DRAWING, content_type="image/svg+xml"))
    document = get_document_model().objects.create(title="x", file=ContentFile(b"%PDF-1.4", "salainen.pdf"))
    public = {path.relative_to(settings.MEDIA_ROOT).parts[0] for path in Path(settings.MEDIA_ROOT).rglob("*")}
    assert public == {"images"}
    assert not Path(default_storage.path(document.file.name)).is_relative_to(settings.MEDIA_ROOT)


def test_private_document_requires_login(kati: Client) -> None:
    private = Collection.get_first_root_node().add_child(name="Salaiset")
    CollectionViewRestriction.objects.create(collection=private, restriction_type=CollectionViewRestriction.LOGIN)
    document = get_document_model().objects.create(
        title="x", file=ContentFile(b"%PDF-1.4 salaisuus", "salainen.pdf"), collection=private
    )
    name = document.file.name
    assert re.fullmatch(rf"documents/{RANDOM}\.pdf", name)
    for path in (document.url, f"/media/{name}", "/media/documents/salainen.pdf", document.file.url):
        answer = Client().get(path)
        assert answer.status_code in {302, 404}, path
        assert b"salaisuus" not in b"".join(answer), path
    assert kati.get(document.file.url).status_code == 404
    document.collection = Collection.get_first_root_node()
    document.save()
    assert b"salaisuus" in b"".join(Client().get(document.url))


def test_removed_picture_leaves_no_file(
    kati: Client, image: AbstractImage, django_capture_on_commit_callbacks: Any
) -> None:
    kept = stored(kati, upload(drawn()))
    make_files(kept)
    paths = [image.file.path, *(one.file.path for one in image.renditions.all())]
    with django_capture_on_commit_callbacks(execute=True):
        assert kati.post(reverse("wagtailimages:delete", args=[image.pk])).status_code == 302
    assert not [path for path in paths if Path(path).exists()]
    assert Path(kept.file.path).exists()
    assert all(Path(one.file.path).exists() for one in kept.renditions.all())
