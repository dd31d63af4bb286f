"""Pictures for upload tests, and helpers that upload them."""

import struct
import zlib
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from PIL import Image
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

ORIENTATION, MAKER, GPS = 0x0112, 0x010F, 0x8825
RED, BLUE = (200, 20, 20), (20, 20, 200)
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><title>a</title></svg>'


def drawn(size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Image.Image:
    """Return a picture whose upper half is red and lower half blue."""
    picture = Image.new("RGB", size, BLUE)
    picture.paste(RED, (0, 0, size[0], size[1] // 2))
    return picture.convert(mode)


def photo_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKER] = "SecretPhone"
    exif.get_ifd(GPS)[2] = (61.0, 29.0, 7.0)
    return exif


def upload(picture: Image.Image, kind: str = "JPEG", name: str = "", **saving: Any) -> SimpleUploadedFile:
    out = BytesIO()
    picture.save(out, kind, **saving)
    return SimpleUploadedFile(name or f"kuva.{kind.lower()}", out.getvalue(), content_type=Image.MIME[kind])


def stored(client: Client, file: SimpleUploadedFile, title: str = "Kuva") -> AbstractImage:
    """Upload a file through the admin and return the stored image."""
    answer = client.post(reverse("wagtailimages:add"), {"title": title, "description": "Kati", "file": file})
    assert answer.status_code == 302, answer.context["form"].errors
    image: AbstractImage = get_image_model().objects.latest("pk")
    return image


def describe(client: Client, aside: int, **fields: str) -> Any:
    """Post the fields that the multiple-upload page asks for (title, description) for the unfinished upload `aside`."""
    form = {f"uploaded-image-{aside}-{name}": value for name, value in {"tags": "", **fields}.items()}
    return client.post(reverse("wagtailimages:create_multiple_from_uploaded_image", args=[aside]), form)


def huge_png(width: int, height: int) -> SimpleUploadedFile:
    """Return a small PNG file whose header declares a huge size; decoding it would need far too much memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
    return SimpleUploadedFile("suuri.png", content, content_type="image/png")


def huge_gif(width: int, height: int) -> SimpleUploadedFile:
    """Return a GIF of the same kind."""
    content = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    content += b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00\x3b"
    return SimpleUploadedFile("suuri.gif", content, content_type="image/gif")


def svg(attributes: str, inside: str = '<path d="M0 0h1v1z"/>') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


def content_of(picture: Image.Image, kind: str, **saving: Any) -> bytes:
    content: bytes = upload(picture, kind, **saving).read()
    return content


def by_form(client: Client, file: SimpleUploadedFile) -> HttpResponse:
    data = {"title": "Kuva", "description": "Kati", "file": file}
    answer: HttpResponse = client.post(reverse("wagtailimages:add"), data)  # type: ignore[assignment]
    return answer
