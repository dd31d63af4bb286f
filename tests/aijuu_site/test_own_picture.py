"""The avatar of an account: processed like every uploaded picture, and served only in the admin."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.fields.files import ImageFieldFile
from django.http import HttpResponse
from django.test import Client
from PIL import Image
from wagtail.users.models import UserProfile

from aijuu_site.accounts.models import User
from tests.accounts import make_user
from tests.uploading import BLUE, DRAWING, drawn, huge_png, photo_exif, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ADDRESS = "/admin/account/"


@pytest.fixture
def user() -> User:
    user = make_user("kati")
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    return user


@pytest.fixture
def kati(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, **picture: object) -> HttpResponse:
    answer: HttpResponse = client.post(  # type: ignore[assignment]
        ADDRESS,
        {
            "name_email-name": "Kati Levola",
            "name_email-email": "kati@example.fi",
            "theme-theme": "dark",
            "theme-density": "default",
            "theme-contrast": "system",
            "theme-keyboard_shortcuts": "on",
            **{name.replace("_", "-"): value for name, value in picture.items()},
        },
    )
    return answer


def stored_avatar(user: User) -> ImageFieldFile:
    file: ImageFieldFile = UserProfile.objects.get(user=user).avatar
    return file


def avatar(user: User) -> str:
    return str(stored_avatar(user).name)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_avatar_metadata_is_removed(kind: str, kati: Client, user: User) -> None:
    file = upload(drawn((900, 600)), kind, name=f"kati-kotona.{kind.lower()}", exif=photo_exif(6).tobytes())
    assert send(kati, avatar_avatar=file).status_code == 302
    assert re.fullmatch(rf"avatar_images/[0-9a-f]{{32}}\.{kind.lower()}", str(stored_avatar(user).name))
    content = stored_avatar(user).open("rb").read()
    assert b"SecretPhone" not in content
    with Image.open(BytesIO(content)) as picture:
        assert not dict(picture.getexif())
        # The picture is upright and has the largest size that is ever shown.
        assert picture.size == (267, 400)


@pytest.mark.parametrize(
    ("kind", "name", "ending"),
    [
        ("HEIF", "IMG_1.HEIC", "jpg"),
        ("MPO", "IMG_1.JPG", "jpg"),
        ("JPEG", "a.jfif", "jpg"),
        ("PNG", "a.apng", "png"),
        ("PNG", "a.png", "png"),
    ],
)
def test_avatar_accepts_formats_of_phones(kind: str, name: str, ending: str, kati: Client, user: User) -> None:
    several = {"save_all": True, "append_images": [drawn()]} if kind in {"MPO", "PNG"} else {}
    file = upload(drawn((900, 600)), kind, name=name, **several)
    assert send(kati, avatar_avatar=file).status_code == 302
    assert avatar(user).endswith(f".{ending}")
    with Image.open(stored_avatar(user).open("rb")) as picture:
        assert (picture.size, getattr(picture, "n_frames", 1)) == ((400, 267), 1)


def test_lost_avatar_file_can_be_replaced(kati: Client, user: User) -> None:
    send(kati, avatar_avatar=upload(drawn()))
    Path(stored_avatar(user).path).unlink()
    assert kati.get(ADDRESS).status_code == 200
    assert send(kati).status_code == 302
    assert send(kati, avatar_avatar=upload(drawn())).status_code == 302
    assert stored_avatar(user).size


def test_small_avatar_loses_metadata(kati: Client, user: User) -> None:
    assert send(kati, avatar_avatar=upload(drawn(), exif=photo_exif().tobytes())).status_code == 302
    assert b"SecretPhone" not in stored_avatar(user).open("rb").read()


def test_avatar_is_served_only_in_admin(kati: Client, user: User) -> None:
    send(kati, avatar_avatar=upload(drawn()))
    address = stored_avatar(user).url
    assert address in kati.get(ADDRESS).text
    assert kati.get(address).status_code == 200
    assert Client().get(address).status_code == 404
    assert Client().get(f"/media/{avatar(user)}").status_code == 404


def sent_as(name: str, content: bytes, kind: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=f"image/{kind}")


NO_PHOTOS = {
    "bomb": (huge_png(30_000, 30_000), "enintään 60 miljoonaa"),
    "many pixels": (huge_png(10_000, 10_000), "enintään 60 miljoonaa"),
    "cut": (huge_png(300, 300), "Kuvatiedosto on rikki"),
    "drawing": (sent_as("a.svg", DRAWING, "svg+xml"), "Valitse valokuva"),
    "odd drawing": (sent_as("a.svg", b'<svg width="100,5"/>', "svg+xml"), "Piirrosta (SVG) ei voi"),
    "no HEIC": (sent_as("a.heic", b"not a picture", "heic"), "kuva"),
    "text": (sent_as("a.jpg", b"not a picture", "jpeg"), "kuva"),
    "other kind": (sent_as("a.jpg", upload(drawn(), "PNG").read(), "jpeg"), "Tiedostopääte"),
}


def test_invalid_avatar_is_refused_with_message(kati: Client, user: User) -> None:
    send(kati, avatar_avatar=upload(drawn()))
    before = avatar(user)
    for kind, (file, words) in NO_PHOTOS.items():
        file.seek(0)
        answer = send(kati, avatar_avatar=file)
        assert answer.status_code == 200, kind
        (shown,) = re.findall(r'<p class="error-message">(.*?)</p>', answer.text)
        assert words in shown, kind
        assert avatar(user) == before, kind


def test_too_large_avatar_is_refused(kati: Client, user: User) -> None:
    whole = upload(drawn()).read()
    large = SimpleUploadedFile("a.jpg", whole + bytes(16 * 1024 * 1024), content_type="image/jpeg")
    assert "liian suuri" in send(kati, avatar_avatar=large).text
    assert not avatar(user)


def test_new_avatar_replaces_old_file(kati: Client, user: User) -> None:
    send(kati, avatar_avatar=upload(drawn()))
    first = Path(stored_avatar(user).path)
    send(kati, avatar_avatar=upload(Image.new("RGB", (50, 50), BLUE)))
    assert not first.exists()
    assert avatar(user) != f"avatar_images/{first.name}"
    # A form without a file keeps the avatar; the ticked checkbox removes it.
    now = avatar(user)
    send(kati)
    assert avatar(user) == now
    assert send(kati, **{"avatar_avatar-clear": "on"}).status_code == 302
    assert not avatar(user)


def test_avatar_is_deleted_with_account(kati: Client, user: User, django_capture_on_commit_callbacks: object) -> None:
    send(kati, avatar_avatar=upload(drawn()))
    path = Path(stored_avatar(user).path)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        User.objects.get(pk=user.pk).delete()
    assert not path.exists()
