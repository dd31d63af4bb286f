"""Odd pictures: what phones make is taken, what can't be shown is refused in words, and what is there already harms no
screen and no page."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageCms
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

from home.images import preparation as upkeep
from home.images.preparation import make_files
from home.images.upload import PictureField
from home.models import HomePage, ServicePage
from tests.accounts import make_user
from tests.uploading import BLUE, DRAWING, RED, describe, drawn, photo_exif, stored, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SVG = "http://www.w3.org/2000/svg"


@pytest.fixture
def kati(client: Client) -> Client:
    """The supervisor as she works: an editor without a superuser's rights."""
    user = make_user()
    user.groups.add(Group.objects.get(name="Työnohjaaja"))
    client.force_login(user)
    # What would be a 500 in real life is one here.
    client.raise_request_exception = False
    return client


def svg(attributes: str, inside: str = '<path d="M0 0h1v1z"/>') -> bytes:
    return f'<svg xmlns="{SVG}" {attributes}>{inside}</svg>'.encode()


def named(content: bytes, name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/octet-stream")


def content_of(picture: Image.Image, kind: str, **saving: Any) -> bytes:
    content: bytes = upload(picture, kind, **saving).read()
    return content


def by_form(client: Client, file: SimpleUploadedFile) -> HttpResponse:
    data = {"title": "Kuva", "description": "Kati", "file": file}
    answer: HttpResponse = client.post(reverse("wagtailimages:add"), data)  # type: ignore[assignment]
    return answer


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
    """What is said beside the field; nothing else may be raised."""
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
    def test_one_without_a_measurable_side_is_refused(self, attributes: str) -> None:
        assert "Piirrosta (SVG) ei voi näyttää" in refusal(svg(attributes), "a.svg")

    @pytest.mark.parametrize(
        "attributes", ['width="inf" height="2"', 'width="1e400" height="1"', 'width="1e30" height="1e30"']
    )
    def test_an_endless_one_is_refused(self, attributes: str) -> None:
        assert "liikaa kuvapisteitä" in refusal(svg(attributes), "a.svg")

    @pytest.mark.parametrize("way", WAYS)
    def test_every_form_refuses_one(self, kati: Client, way: Any) -> None:
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
            f'<html><body><svg xmlns="{SVG}" width="9" height="9"/></body></html>'.encode(),
            b"<rss><channel/></rss>",
            # A browser takes it for no drawing.
            b'<svg width="9" height="9"/>',
            b'<?xml version="1.0"?><svg',
            b'<!DOCTYPE a [<!ENTITY b "c">]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">&b;</svg>',
            f'<svg xmlns="{SVG}" width="9" height="9">{"<g>" * 5000}{"</g>" * 5000}</svg>'.encode(),
            b"hei",
            b"<",
            b"",
        ],
    )
    def test_what_is_no_drawing_is_refused(self, content: bytes) -> None:
        assert refusal(content, "a.svg")

    @pytest.mark.parametrize(
        "attributes",
        [
            'width="8" height="8"',
            'viewBox="0 0 1 0.6" width="100" height="60"',
            'viewBox="-5 -5 10 10"',
            'viewBox="0,0,1000,1"',
            'viewBox="0 0 24 24" width="100%" height="100%"',
            'width="1.5em" height="2cm"',
            'width="1" height="1"',
            "",
        ],
    )
    def test_one_with_a_size_is_taken_untouched(self, kati: Client, attributes: str) -> None:
        image = stored(kati, named(svg(attributes), "A.SVG"))
        assert image.file.open("rb").read() == svg(attributes)
        make_files(image)
        assert image.renditions.get(filter_spec="original").file.size
        assert kati.get(reverse("wagtailimages:index")).status_code == 200


class TestNames:
    @pytest.mark.parametrize("stem", ["😀", " ", "_", "ä" * 300, "a.b", "kuva 1"])
    @pytest.mark.parametrize("ending", ["svg", "PNG", "heic"])
    def test_a_kind_is_known_after_any_name(self, kati: Client, stem: str, ending: str) -> None:
        content = svg('width="9" height="9"')
        if ending != "svg":
            content = content_of(drawn(mode="RGBA"), "PNG" if ending == "PNG" else "HEIF")
        image = stored(kati, named(content, f"{stem}.{ending}"))
        assert image.file.name.endswith(".svg" if ending == "svg" else ".png")
        make_files(image)
        assert kati.get(reverse("wagtailimages:edit", args=[image.pk])).status_code == 200

    @pytest.mark.parametrize("name", [".jpg", "a", "a.jpg.", "\x01.jpg", "a.svg", "a.heic", "a.exe", "a.jpg.exe"])
    def test_a_photo_called_otherwise_is_refused(self, kati: Client, name: str) -> None:
        for way in WAYS:
            assert way(kati, named(content_of(drawn(), "JPEG"), name)).status_code == 200
        assert not get_image_model().objects.exists()


def two(kind: str) -> bytes:
    return content_of(drawn(), kind, save_all=True, append_images=[Image.new("RGB", (60, 40), BLUE)])


class TestPhotos:
    @pytest.mark.parametrize(
        ("content", "name", "ending"),
        [
            (lambda: two("MPO"), "IMG_1.JPG", ".jpg"),
            (lambda: two("MPO"), "a.mpo", ".jpg"),
            (lambda: content_of(drawn(), "JPEG"), "a.jfif", ".jpg"),
            (lambda: content_of(drawn(), "JPEG"), "a.JPE", ".jpg"),
            (lambda: two("PNG"), "a.png", ".png"),
            (lambda: two("PNG"), "a.apng", ".png"),
            (lambda: two("WEBP"), "a.webp", ".webp"),
            (lambda: two("GIF"), "a.gif", ".gif"),
            (lambda: content_of(drawn(), "HEIF", exif=photo_exif().tobytes()), "IMG_1.HEIC", ".jpg"),
            (lambda: content_of(drawn(), "HEIF"), "a.heif", ".jpg"),
            (lambda: content_of(drawn(mode="RGBA"), "HEIF"), "a.hif", ".png"),
        ],
    )
    def test_what_phones_make_is_taken(
        self, kati: Client, content: Callable[[], bytes], name: str, ending: str
    ) -> None:
        for way in WAYS:
            get_image_model().objects.all().delete()
            assert way(kati, named(content(), name)).status_code in {200, 302}, way
            self.check(ending)

    @staticmethod
    def check(ending: str) -> None:
        image = get_image_model().objects.get()
        assert image.file.name.endswith(ending)
        kept = image.file.open("rb").read()
        assert b"SecretPhone" not in kept
        with Image.open(BytesIO(kept)) as opened:
            assert (opened.size, getattr(opened, "n_frames", 1)) == ((60, 40), 1)
            # The first of its pictures: red above.
            red, _green, blue = opened.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert red > blue
        make_files(image)
        assert not upkeep.missing_files(now=timezone.now() + timedelta(hours=1))

    def test_a_scan_of_16_bits_keeps_its_greys(self, kati: Client) -> None:
        image = stored(kati, upload(Image.new("I;16", (9, 9), 128 * 256), "PNG"))
        with Image.open(image.file.open("rb")) as opened:
            assert abs(int(opened.convert("L").getpixel((4, 4))) - 128) < 3  # type: ignore[arg-type]

    def test_printing_colours_with_a_broken_profile_are_taken(self, kati: Client) -> None:
        image = stored(kati, upload(drawn(mode="CMYK"), icc_profile=b"no profile"))
        with Image.open(image.file.open("rb")) as opened:
            assert opened.mode == "RGB"

    def test_a_profile_of_other_colours_is_taken(self, kati: Client) -> None:
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        assert stored(kati, upload(drawn(mode="CMYK"), icc_profile=lab)).width == 60

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
    def test_the_narrowest_has_all_its_files(self, kati: Client, kind: str) -> None:
        for size in ((1, 1), (1, 1200), (1200, 1), (3, 2560)):
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
    def test_every_mode_is_taken(self, kind: str, modes: list[str]) -> None:
        for mode in modes:
            content = content_of(Image.new(mode, (40, 60)), kind)
            file = kept(content, f"a.{'heic' if kind == 'HEIF' else kind.lower()}")
            assert file.image.get_size() == (40, 60), mode

    @pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "SGI", "ICNS", "JPEG2000"])
    def test_other_kinds_are_refused_in_words(self, kind: str) -> None:
        content = content_of(drawn((64, 64)), kind)
        for ending in (kind.lower(), "jpg", "heic", "svg", ""):
            assert refusal(content, f"a.{ending}"), ending

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "HEIF", "MPO"])
    def test_a_damaged_file_is_taken_or_refused(self, kind: str) -> None:
        whole = content_of(drawn((90, 70)), kind) if kind != "MPO" else two(kind)
        name = f"a.{ ({'HEIF': 'heic', 'MPO': 'jpg'}.get(kind, kind.lower())) }"
        chance, taken = random.Random(kind), 0
        for number in range(80):
            damaged = bytearray(whole)
            for _flip in range(chance.randint(0, 9)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            if number % 3 == 0:
                del damaged[chance.randrange(len(damaged)) :]
            # Nothing but a refusal may be raised.
            with suppress(ValidationError):
                taken += kept(bytes(damaged), name).image.get_size()[0] > 0
        assert 0 < taken < 80

    def test_a_photo_of_an_editor_is_measured_whole(self) -> None:
        with pytest.raises(ValidationError, match="enintään 60 miljoonaa"):
            kept(content_of(Image.new("1", (8000, 8000)), "PNG"), "a.png")
        # Only the first of its pictures is unpacked.
        assert kept(two("MPO"), "a.jpg").image.get_size() == (60, 40)


def set_aside_rows() -> dict[str, AbstractImage]:
    """Pictures that got into the library before they were refused, or that lost their file since."""
    model = get_image_model()
    rows = {}
    odd_drawings = {
        "flat": svg('viewBox="0 0 1 0.6"'),
        "empty box": svg('viewBox="0 0 0 0"'),
        "negative": svg('viewBox="0 0 -5 10"'),
        "low": svg('height="0.5"'),
        "comma": svg('width="100,5"'),
        "html": b"<html/>",
        "no xml": b"hei",
    }
    for name, content in odd_drawings.items():
        image = model.objects.create(description="Kati", title=name, file=ContentFile(DRAWING, "a.svg"))
        Path(image.file.path).write_bytes(content)
        rows[name] = image
    photo = content_of(Image.effect_noise((300, 400), 60).convert("RGB"), "JPEG")
    for name, kept in {"cut": photo[: len(photo) // 2], "empty": b"", "text": b"hei", "lost": None}.items():
        image = model.objects.create(description="Kati", title=name, file=ContentFile(photo, "a.jpg"))
        path = Path(image.file.path)
        path.unlink() if kept is None else path.write_bytes(kept)
        rows[name] = image
    model.objects.filter(title__in=["flat", "low", "empty box"]).update(height=0)
    model.objects.filter(title="negative").update(width=-5)
    return {name: model.objects.get(pk=image.pk) for name, image in rows.items()}


class TestWhatIsThereAlready:
    @pytest.fixture
    def rows(self) -> dict[str, AbstractImage]:
        return set_aside_rows()

    def test_list_and_chooser_open(self, kati: Client, rows: dict[str, AbstractImage]) -> None:
        for address in (
            reverse("wagtailimages:index"),
            reverse("wagtailimages:index") + "?layout=list",
            reverse("wagtailimages:index_results"),
            reverse("wagtailimages_chooser:choose"),
            reverse("wagtailimages_chooser:choose") + "?layout=list",
            reverse("wagtailimages_chooser:choose_results"),
        ):
            answer = kati.get(address)
            assert answer.status_code == 200, address
            assert all(name in answer.text for name in rows), address
            assert answer.text.count("/static/img/lost.svg") == len(rows), address

    def test_each_is_edited_replaced_and_deleted(self, kati: Client, rows: dict[str, AbstractImage]) -> None:
        for name, image in rows.items():
            edit = reverse("wagtailimages:edit", args=[image.pk])
            assert kati.get(edit).status_code == 200, name
            assert kati.get(reverse("wagtailimages:image_usage", args=[image.pk])).status_code == 200, name
            changed = {"title": f"{name} 2", "description": "Kati"}
            assert kati.post(edit, changed).status_code == 302, name
            assert kati.post(edit, {**changed, "file": upload(drawn())}).status_code == 302, name
            image.refresh_from_db()
            assert (image.title, image.width, image.height) == (f"{name} 2", 60, 40)

    def test_each_is_deleted(self, kati: Client, rows: dict[str, AbstractImage]) -> None:
        for name, image in rows.items():
            delete = reverse("wagtailimages:delete", args=[image.pk])
            assert kati.get(delete).status_code == 200, name
            assert kati.post(delete).status_code == 302, name
        assert not get_image_model().objects.exists()

    def test_all_are_deleted_at_once(self, kati: Client, rows: dict[str, AbstractImage]) -> None:
        marks = "&".join(f"id={image.pk}" for image in rows.values())
        address = reverse("wagtail_bulk_action", args=["home", "picture", "delete"]) + f"?{marks}"
        assert kati.get(address).status_code == 200
        assert kati.post(address).status_code == 302
        assert not get_image_model().objects.exists()

    def test_each_is_chosen_and_its_page_edited(
        self, kati: Client, front_page: HomePage, rows: dict[str, AbstractImage]
    ) -> None:
        for name, image in rows.items():
            chosen = kati.get(reverse("wagtailimages_chooser:chosen", args=[image.pk]))
            assert chosen.status_code == 200, name
            assert json.loads(chosen.content)["result"]["id"] == str(image.pk)
            front_page.image = image
            front_page.save_revision().publish()
            assert kati.get(reverse("wagtailadmin_pages:edit", args=[front_page.pk])).status_code == 200, name

    def test_the_same_file_sent_again_is_told(self, kati: Client) -> None:
        image = stored(kati, upload(drawn()))
        Path(image.file.path).unlink()
        again = by_form(kati, upload(drawn()))
        assert again.status_code in {200, 302}

    def test_a_page_is_shown_without_them(
        self, client: Client, front_page: HomePage, rows: dict[str, AbstractImage]
    ) -> None:
        get_image_model().objects.filter(title__in=["cut", "flat"]).update(
            created_at=timezone.now() - timedelta(days=1)
        )
        for number, (name, image) in enumerate(rows.items()):
            soup = show(client, front_page, image, f"koe-{number}")
            assert not soup.select("main img, main figure"), name
            assert soup.select_one("h1") is not None
            front_page.image = get_image_model().objects.get(pk=image.pk)
            front_page.save_revision().publish()
            soup = BeautifulSoup(client.get("/").content, "html.parser")
            assert not soup.select(".hero img"), name
            assert soup.select_one(".hero.hero--words") is not None, name

    def test_upkeep_passes_over_them(self, rows: dict[str, AbstractImage]) -> None:
        whole = get_image_model().objects.create(description="Kati", title="whole", file=ContentFile(DRAWING, "b.svg"))
        missing = upkeep.missing_files(now=timezone.now() + timedelta(hours=1))
        assert (whole.pk, "original") in missing
        assert upkeep.make_missing_file((whole.pk, "original")) == 1


def show(client: Client, front_page: HomePage, image: AbstractImage, slug: str = "koe") -> BeautifulSoup:
    """A page with the picture at its head and in its text."""
    value = {"image": image.pk, "caption": "Teksti", "credit": "K"}
    page = ServicePage(title="K", slug=slug, image=image, body=[{"type": "image", "value": value}])
    front_page.add_child(instance=page)
    answer = client.get(f"/{slug}/")
    assert answer.status_code == 200
    return BeautifulSoup(answer.content, "html.parser")


class TestLostFiles:
    @pytest.mark.parametrize("content", [None, b""])
    def test_page_omits_missing_rendition_until_remade(
        self, client: Client, front_page: HomePage, content: bytes | None
    ) -> None:
        image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((600, 400))))
        make_files(image)
        gone = image.renditions.get(filter_spec="width-480|format-webp").file
        Path(gone.path).unlink() if content is None else Path(gone.path).write_bytes(content)
        text = str(show(client, front_page, image))
        assert gone.url not in text
        assert image.renditions.get(filter_spec="width-480|format-jpeg").url in text
        for item in upkeep.missing_files(now=timezone.now() + timedelta(hours=1)):
            upkeep.make_missing_file(item)
        made = image.renditions.get(filter_spec="width-480|format-webp")
        assert made.file.size
        assert made.url in client.get("/koe/").text

    def test_a_lost_original_leaves_the_made_files(self, client: Client, front_page: HomePage) -> None:
        image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((600, 400))))
        make_files(image)
        Path(image.file.path).unlink()
        assert len(show(client, front_page, image).select("main picture")) == 2


class TestCropping:
    @pytest.mark.parametrize("size", [(500, 750), (500, 1500), (400, 600)])
    def test_a_portrait_keeps_its_head(self, client: Client, front_page: HomePage, size: tuple[int, int]) -> None:
        photo = Image.new("RGB", size, BLUE)
        photo.paste(RED, (0, 0, size[0], size[1] // 20))
        image = get_image_model().objects.create(description="Kati", title="k", file=upload(photo))
        make_files(image)
        with Image.open(
            image.renditions.get(filter_spec="fill-480x600|format-png".replace("png", "jpeg")).file
        ) as crop:
            red, _green, blue = crop.convert("RGB").getpixel((crop.width // 2, 4))  # type: ignore[misc]
        assert red > 150 > blue
        front_page.image = image
        front_page.save()
        (hero,) = BeautifulSoup(client.get("/").content, "html.parser").select(".hero img")
        assert hero["class"] == ["kept-top"]

    @pytest.mark.parametrize(("y", "kept"), [(50, "kept-top"), (375, None), (700, "kept-bottom")])
    def test_a_focal_point_decides_what_is_kept(
        self, client: Client, front_page: HomePage, y: int, kept: str | None
    ) -> None:
        point = {"focal_point_x": 250, "focal_point_y": y, "focal_point_width": 25, "focal_point_height": 25}
        image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((500, 750))), **point)
        make_files(image)
        front_page.image = image
        front_page.save()
        (hero,) = BeautifulSoup(client.get("/").content, "html.parser").select(".hero img")
        assert hero.get("class") == ([kept] if kept else None)

    def test_a_landscape_photo_keeps_its_middle(self, client: Client, front_page: HomePage) -> None:
        image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((750, 500))))
        make_files(image)
        front_page.image = image
        front_page.save()
        (hero,) = BeautifulSoup(client.get("/").content, "html.parser").select(".hero img")
        assert not hero.has_attr("class")
