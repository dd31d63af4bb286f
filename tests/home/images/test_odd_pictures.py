"""Unusual pictures: files from phones are accepted, and files that can't be shown are refused with a message."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageCms
from wagtail.images import get_image_model

from home.images import preparation as upkeep
from home.images.preparation import make_files
from home.images.upload import PictureField
from tests.uploading import BLUE, by_form, content_of, describe, drawn, photo_exif, stored, svg, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def named(content: bytes, name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/octet-stream")


def by_many(client: Client, file: SimpleUploadedFile) -> HttpResponse:
    """Both steps: the file, then its alternative text."""
    data = {"title": "Kuva", "files[]": file}
    answer: HttpResponse = client.post(reverse("wagtailimages:add_multiple"), data)  # type: ignore[assignment]
    aside = json.loads(answer.content).get("uploaded_file_id")
    return describe(client, aside, title="Kuva", description="Kati") if aside else answer


def by_chooser(client: Client, file: SimpleUploadedFile) -> HttpResponse:
    form = {"title": "Kuva", "description": "Kati", "file": file}
    data = {f"image-chooser-upload-{name}": value for name, value in form.items()}
    answer: HttpResponse = client.post(reverse("wagtailimages_chooser:create"), data)  # type: ignore[assignment]
    return answer


WAYS = [by_form, by_many, by_chooser]


def refusal(content: bytes, name: str) -> str:
    """Return the validation error of the field. No other exception may be raised."""
    with pytest.raises(ValidationError) as refused:
        PictureField().clean(named(content, name))
    return str(refused.value)


def kept(content: bytes, name: str) -> Any:
    return PictureField().clean(named(content, name))


class TestDrawings:
    @pytest.mark.parametrize(
        "attributes",
        [
            'viewBox="0 0 1 0.6"',
            'viewBox="0 0 0 0"',
            'viewBox="0 0 -5 10"',
            'viewBox="0 0 0 10" width="10" height="10"',
            'viewBox="0 0 -5 10" width="10" height="10"',
            'viewBox="0 0 10"',
            'viewBox="a b c d"',
            'height="0.5"',
            'width="0" height="0"',
            'width="-4" height="4"',
            'width="100,5"',
            'width="1.5rem" height="2rem"',
            'width="calc(1px + 2px)"',
            'width="nan" height="nan"',
            'width="9" height="9" viewBox="0 0 1e400 9"',
            'width="10" height="10" preserveAspectRatio="odd"',
        ],
    )
    def test_drawing_without_measurable_size_is_refused(self, attributes: str) -> None:
        assert "Piirrosta (SVG) ei voi näyttää" in refusal(svg(attributes), "a.svg")

    @pytest.mark.parametrize(
        "attributes", ['width="inf" height="2"', 'width="1e400" height="1"', 'width="1e30" height="1e30"']
    )
    def test_drawing_of_huge_size_is_refused(self, attributes: str) -> None:
        assert "liikaa kuvapisteitä" in refusal(svg(attributes), "a.svg")

    @pytest.mark.parametrize("way", WAYS)
    def test_every_form_refuses_invalid_drawing(self, kati: Client, way: Any) -> None:
        for attributes in ('viewBox="0 0 1 0.6"', 'viewBox="0 0 0 0"', 'width="100,5"'):
            answer = way(kati, named(svg(attributes), "a.svg"))
            assert answer.status_code == 200
            words = answer.text if way is by_form else str(json.loads(answer.content))
            assert "Piirrosta (SVG) ei voi näyttää" in words
        assert not get_image_model().objects.exists()

    @pytest.mark.parametrize(
        "content",
        [
            b"<!doctype html><title>x</title><p>Hei",
            b"<html><body><p>Hei</p></body></html>",
            b'<html><body><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/></body></html>',
            b"<rss><channel/></rss>",
            # Without the SVG namespace, a browser does not show it as a drawing.
            b'<svg width="9" height="9"/>',
            b'<?xml version="1.0"?><svg',
            b'<!DOCTYPE a [<!ENTITY b "c">]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">&b;</svg>',
            svg('width="9" height="9"', "<g>" * 5000 + "</g>" * 5000),
            b"hei",
            b"<",
            b"",
        ],
    )
    def test_invalid_svg_is_refused(self, content: bytes) -> None:
        assert refusal(content, "a.svg")

    def test_valid_drawing_is_stored_unchanged(self, kati: Client) -> None:
        for attributes in (
            'width="8" height="8"',
            'viewBox="0 0 1 0.6" width="100" height="60"',
            'viewBox="-5 -5 10 10"',
            'viewBox="0,0,1000,1"',
            'viewBox="0 0 24 24" width="100%" height="100%"',
            'width="1.5em" height="2cm"',
            'width="1" height="1"',
            "",
        ):
            image = stored(kati, named(svg(attributes), "A.SVG"))
            assert image.file.open("rb").read() == svg(attributes), attributes
            make_files(image)
            assert image.renditions.get(filter_spec="original").file.size, attributes
        assert kati.get(reverse("wagtailimages:index")).status_code == 200


class TestNames:
    @pytest.mark.parametrize(
        ("stem", "ending"),
        [
            *((stem, "svg") for stem in ("😀", " ", "_", "ä" * 300, "a.b", "kuva 1")),
            *((stem, ending) for stem in (" ", "ä" * 300) for ending in ("PNG", "heic")),
        ],
    )
    def test_file_type_is_kept_with_any_name(self, kati: Client, stem: str, ending: str) -> None:
        content = svg('width="9" height="9"')
        if ending != "svg":
            content = content_of(drawn(mode="RGBA"), "PNG" if ending == "PNG" else "HEIF")
        image = stored(kati, named(content, f"{stem}.{ending}"))
        assert image.file.name.endswith(".svg" if ending == "svg" else ".png")
        make_files(image)
        assert kati.get(reverse("wagtailimages:edit", args=[image.pk])).status_code == 200

    @pytest.mark.parametrize("name", [".jpg", "a", "a.jpg.", "a.svg", "a.heic", "a.exe", "a.jpg.exe"])
    def test_photo_with_wrong_extension_is_refused(self, name: str) -> None:
        assert refusal(content_of(drawn(), "JPEG"), name)

    @pytest.mark.parametrize("way", WAYS)
    def test_every_form_refuses_wrong_extension(self, kati: Client, way: Any) -> None:
        for name in ("\x01.jpg", "a.svg", "a.jpg.exe"):
            assert way(kati, named(content_of(drawn(), "JPEG"), name)).status_code == 200
        assert not get_image_model().objects.exists()


def two_frames(kind: str) -> bytes:
    return content_of(drawn(), kind, save_all=True, append_images=[Image.new("RGB", (60, 40), BLUE)])


class TestPhotos:
    @pytest.mark.parametrize(
        ("content", "name", "ending"),
        [
            (lambda: two_frames("MPO"), "IMG_1.JPG", ".jpg"),
            (lambda: two_frames("MPO"), "a.mpo", ".jpg"),
            (lambda: content_of(drawn(), "JPEG"), "a.jfif", ".jpg"),
            (lambda: content_of(drawn(), "JPEG"), "a.JPE", ".jpg"),
            (lambda: two_frames("PNG"), "a.png", ".png"),
            (lambda: two_frames("PNG"), "a.apng", ".png"),
            (lambda: two_frames("WEBP"), "a.webp", ".webp"),
            (lambda: two_frames("GIF"), "a.gif", ".gif"),
            (lambda: content_of(drawn(), "HEIF", exif=photo_exif().tobytes()), "IMG_1.HEIC", ".jpg"),
            (lambda: content_of(drawn(), "HEIF"), "a.heif", ".jpg"),
            (lambda: content_of(drawn(mode="RGBA"), "HEIF"), "a.hif", ".png"),
        ],
    )
    def test_phone_photo_is_accepted(self, kati: Client, content: Callable[[], bytes], name: str, ending: str) -> None:
        assert by_form(kati, named(content(), name)).status_code == 302
        self.check(ending)

    @pytest.mark.parametrize("way", [by_many, by_chooser])
    def test_every_form_accepts_phone_photo(self, kati: Client, way: Any) -> None:
        heic = content_of(drawn(), "HEIF", exif=photo_exif().tobytes())
        assert way(kati, named(heic, "IMG_1.HEIC")).status_code == 200
        self.check(".jpg")

    @staticmethod
    def check(ending: str) -> None:
        image = get_image_model().objects.get()
        assert image.file.name.endswith(ending)
        kept = image.file.open("rb").read()
        assert b"SecretPhone" not in kept
        with Image.open(BytesIO(kept)) as opened:
            assert (opened.size, getattr(opened, "n_frames", 1)) == ((60, 40), 1)
            # The first of its frames is kept, which is red at the top.
            red, _green, blue = opened.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert red > blue
        make_files(image)
        assert not upkeep.missing_files(now=timezone.now() + timedelta(hours=1))

    def test_16_bit_scan_keeps_grey_levels(self, kati: Client) -> None:
        image = stored(kati, upload(Image.new("I;16", (9, 9), 128 * 256), "PNG"))
        with Image.open(image.file.open("rb")) as opened:
            assert abs(int(opened.convert("L").getpixel((4, 4))) - 128) < 3  # type: ignore[arg-type]

    def test_cmyk_with_broken_profile_is_accepted(self, kati: Client) -> None:
        image = stored(kati, upload(drawn(mode="CMYK"), icc_profile=b"no profile"))
        with Image.open(image.file.open("rb")) as opened:
            assert opened.mode == "RGB"

    def test_cmyk_with_lab_profile_is_accepted(self, kati: Client) -> None:
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        assert stored(kati, upload(drawn(mode="CMYK"), icc_profile=lab)).width == 60

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
    def test_narrow_picture_gets_all_renditions(self, kati: Client, kind: str) -> None:
        sizes = ((1, 1), (1, 1200), (1200, 1), (3, 2560)) if kind == "JPEG" else ((1, 200), (600, 1))
        for size in sizes:
            image = stored(kati, upload(Image.new("RGB", size), kind))
            make_files(image)
            assert not upkeep.missing_files(now=timezone.now() + timedelta(hours=1)), size
            assert kati.get(reverse("wagtailimages:edit", args=[image.pk])).status_code == 200, size
            image.delete()

    @pytest.mark.parametrize(
        ("kind", "modes"),
        [
            ("JPEG", ["1", "L", "RGB", "CMYK", "YCbCr"]),
            ("PNG", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
            ("WEBP", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"]),
            ("AVIF", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"]),
            ("GIF", ["1", "L", "LA", "P", "RGB", "RGBA"]),
            ("HEIF", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"]),
        ],
    )
    def test_every_colour_mode_is_accepted(self, kind: str, modes: list[str]) -> None:
        for mode in modes:
            content = content_of(Image.new(mode, (40, 60)), kind)
            file = kept(content, f"a.{'heic' if kind == 'HEIF' else kind.lower()}")
            assert file.image.get_size() == (40, 60), mode

    @pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI", "ICNS", "JPEG2000"])
    def test_other_file_formats_are_refused(self, kind: str) -> None:
        content = content_of(drawn((64, 64)), kind)
        for ending in (kind.lower(), "jpg", "heic", "svg", ""):
            assert refusal(content, f"a.{ending}"), ending

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIF", "MPO"])
    def test_damaged_file_is_accepted_or_refused(self, kind: str) -> None:
        whole = content_of(drawn((90, 70)), kind) if kind != "MPO" else two_frames(kind)
        name = f"a.{ ({'HEIF': 'heic', 'MPO': 'jpg'}.get(kind, kind.lower())) }"
        chance, taken = random.Random(kind), 0
        for number in range(80):
            damaged = bytearray(whole)
            for _flip in range(chance.randint(0, 9)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            if number % 3 == 0:
                del damaged[chance.randrange(len(damaged)) :]
            # No exception other than a validation error may be raised.
            with suppress(ValidationError):
                taken += kept(bytes(damaged), name).image.get_size()[0] > 0
        assert 0 < taken < 80

    def test_pixel_limit_of_accepted_photo(self) -> None:
        with pytest.raises(ValidationError, match="enintään 60 miljoonaa"):
            kept(content_of(Image.new("1", (8000, 8000)), "PNG"), "a.png")
        # Only the first of its frames is decoded.
        assert kept(two_frames("MPO"), "a.jpg").image.get_size() == (60, 40)
