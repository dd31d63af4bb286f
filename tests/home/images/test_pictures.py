"""Photos: what is kept of an upload, and the renditions that pages offer without making a visitor wait."""

from io import BytesIO
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageCms
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

from home.images.models import photo, plain_specs
from home.images.preparation import make_files
from home.images.upload import LONGEST_SIDE, PictureForm, normalized_picture
from home.models import ContentPage, HomePage, ServicePage
from tests.accounts import make_user
from tests.uploading import BLUE, DRAWING, RED, drawn, photo_exif, stored, upload


def is_near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 60 for a, b in zip(pixel[:3], colour, strict=True))


@pytest.fixture(autouse=True)
def no_renditions_remembered() -> None:
    """Wagtail caches renditions by the id of the picture, and each test uses the same ids again."""
    caches["default"].clear()


@pytest.fixture
def kati(client: Client, db: None) -> Client:
    client.force_login(make_user(is_superuser=True))
    return client


def picture_in_database(size: tuple[int, int], name: str = "k.jpg", **fields: Any) -> AbstractImage:
    out = BytesIO()
    drawn(size).save(out, "PNG" if name.endswith("png") else "JPEG")
    image: AbstractImage = get_image_model().objects.create(
        description="Kati", title="k", file=ContentFile(out.getvalue(), name), **fields
    )
    # As on commit, which a test in a transaction does not reach.
    make_files(image, plain_specs(image))
    return image


@pytest.mark.once
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_photo_metadata_is_removed(kind: str, kati: Client) -> None:
    file = upload(drawn(), kind, exif=photo_exif().tobytes())
    assert b"SecretPhone" in file.read()
    file.seek(0)
    image = stored(kati, file)
    make_files(image)
    for one in (image, *image.renditions.all()):
        content = one.file.open("rb").read()
        assert b"SecretPhone" not in content
        assert not dict(Image.open(BytesIO(content)).getexif())
    assert image.file_size == image.file.size
    assert image.file_hash == image.get_file_hash()


@pytest.mark.once
def test_comments_and_xmp_are_removed() -> None:
    file = upload(drawn(), "JPEG", comment=b"at home", xmp=b"<x:xmpmeta>Pori</x:xmpmeta>")
    bare = normalized_picture(file).read()
    assert b"at home" not in bare
    assert b"Pori" not in bare


@pytest.mark.once
@pytest.mark.parametrize(("orientation", "corner"), [(1, RED), (3, BLUE), (6, BLUE), (8, RED)])
def test_photo_is_rotated_by_exif_orientation(orientation: int, corner: tuple[int, int, int]) -> None:
    bare = Image.open(normalized_picture(upload(drawn(), "JPEG", exif=photo_exif(orientation).tobytes())))
    assert bare.size == ((60, 40) if orientation in (1, 3) else (40, 60))
    assert is_near(bare.getpixel((2, 2)), corner)


@pytest.mark.once
def test_cmyk_is_converted_to_rgb() -> None:
    bare = Image.open(normalized_picture(upload(drawn(mode="CMYK"))))
    assert bare.mode == "RGB"
    assert is_near(bare.getpixel((30, 5)), RED)


@pytest.mark.once
def test_srgb_profile_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert Image.open(normalized_picture(upload(drawn(), icc_profile=profile))).info["icc_profile"] == profile


@pytest.mark.once
def test_large_photo_is_resized_and_animation_stilled() -> None:
    assert Image.open(normalized_picture(upload(drawn((5000, 2000))))).size == (LONGEST_SIDE, 1024)
    moving = upload(drawn(), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40), BLUE)])
    assert getattr(Image.open(normalized_picture(moving)), "n_frames", 1) == 1


@pytest.mark.once
def test_a_transparent_picture_stays_transparent(kati: Client, front_page: HomePage) -> None:
    image = stored(kati, upload(Image.new("RGBA", (60, 40), (0, 0, 0, 0)), "PNG"))
    make_files(image)
    offered = photo(image, "figure")
    assert offered is not None
    assert offered.src.endswith(".png")
    for rendition in image.renditions.filter(filter_spec__startswith="width-"):
        with Image.open(rendition.file.open("rb")) as opened:
            assert opened.convert("RGBA").getpixel((5, 5))[3] == 0, rendition.filter_spec  # type: ignore[index]


@pytest.mark.once
def test_svg_is_stored_unchanged(kati: Client) -> None:
    image = stored(kati, SimpleUploadedFile("a.svg", DRAWING, content_type="image/svg+xml"))
    assert image.file.open("rb").read() == DRAWING


def refusal(client: Client, file: SimpleUploadedFile) -> str:
    answer = client.post(reverse("wagtailimages:add"), {"title": "Kuva", "description": "Kati", "file": file})
    assert answer.status_code == 200
    assert not get_image_model().objects.exists()
    return str(answer.context["form"].errors["file"])


@pytest.mark.once
def test_broken_or_large_image_refused_in_finnish(kati: Client, settings: Any) -> None:
    whole = upload(drawn((400, 300))).read()
    broken = SimpleUploadedFile("kuva.jpg", whole[: len(whole) // 2], content_type="image/jpeg")
    assert "rikki" in refusal(kati, broken)
    settings.WAGTAILIMAGES_MAX_UPLOAD_SIZE = 1000
    assert "liian suuri" in refusal(kati, upload(drawn((400, 300))))
    settings.WAGTAILIMAGES_MAX_UPLOAD_SIZE = None
    settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS = 1000
    assert "kuvapisteitä" in refusal(kati, upload(drawn((400, 300))))


@pytest.mark.once
def test_every_upload_uses_picture_form(settings: Any) -> None:
    from wagtail.images.forms import get_image_form

    assert issubclass(get_image_form(get_image_model()), PictureForm)


def test_saving_a_picture_makes_its_files(kati: Client, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        image = stored(kati, upload(drawn((480, 620))))
    made = set(image.renditions.values_list("filter_spec", flat=True))
    assert {f"width-960|format-{kind}" for kind in ("avif", "webp", "jpeg")} <= made
    assert "fill-480x600|format-avif" in made


def show(client: Client, front_page: HomePage, image: AbstractImage, slug: str = "koe") -> BeautifulSoup:
    value = {"image": image.pk, "caption": "", "credit": ""}
    text = {"type": "text", "value": {"heading": "Alku", "text": "<p>x</p>"}}
    page = ServicePage(title="K", slug=slug, image=image, body=[text, {"type": "image", "value": value}])
    front_page.add_child(instance=page)
    return BeautifulSoup(client.get(f"/{slug}/").content, "html.parser")


@pytest.mark.once
def test_picture_sources_prefer_avif_without_repeated_widths(client: Client, front_page: HomePage) -> None:
    image = picture_in_database((1200, 800))
    make_files(image)
    soup = show(client, front_page, image)
    first, second = soup.select("main picture")
    assert [source["type"] for source in second.select("source")] == ["image/avif", "image/webp"]
    (img,) = second.select("img")
    assert [part.split()[1] for part in str(img["srcset"]).split(", ")] == ["480w", "960w", "1200w"]
    assert (img["width"], img["height"], img["loading"], img["decoding"]) == ("1200", "800", "lazy", "async")
    (head,) = first.select("img")
    assert head["fetchpriority"] == "high"
    assert not head.has_attr("loading")
    for address in [str(img["src"]), *(part.split()[0] for part in str(second.source["srcset"]).split(", "))]:  # type: ignore[index]
        assert client.get(address).status_code == 200


@pytest.mark.once
def test_tall_photo_phone_crop_keeps_focal_point(client: Client, front_page: HomePage) -> None:
    point: dict[str, Any] = {"focal_point_x": 500, "focal_point_y": 1500}
    image = picture_in_database((960, 1600), **point, focal_point_width=50, focal_point_height=50)
    make_files(image)
    head, figure = show(client, front_page, image).select("main picture")
    phone = [source for source in head.select("source") if source.has_attr("media")]
    assert [source["type"] for source in phone] == ["image/avif", "image/webp", "image/jpeg"]
    assert (phone[0]["width"], phone[0]["height"]) == ("960", "1200")
    assert not [source for source in figure.select("source") if source.has_attr("media")]
    crop = image.renditions.get(filter_spec="fill-960x1200|format-jpeg")
    with Image.open(crop.file.open("rb")) as opened:
        # The upper half is red: a crop of the top or of the middle would be red here.
        assert is_near(opened.getpixel((480, 500)), BLUE)


@pytest.mark.once
@pytest.mark.parametrize("size", [(500, 1000), (400, 600)])
def test_portrait_crop_keeps_the_top(client: Client, front_page: HomePage, size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, BLUE)
    photo.paste(RED, (0, 0, size[0], size[1] // 20))
    image = get_image_model().objects.create(description="Kati", title="k", file=upload(photo))
    make_files(image)
    with Image.open(image.renditions.get(filter_spec="fill-480x600|format-jpeg").file) as crop:
        red, _green, blue = crop.convert("RGB").getpixel((crop.width // 2, 4))  # type: ignore[misc]
    assert red > 150 > blue
    front_page.image = image
    front_page.save()
    (hero,) = BeautifulSoup(client.get("/").content, "html.parser").select(".hero img")
    assert hero["class"] == ["kept-top"]


@pytest.mark.once
@pytest.mark.parametrize(("y", "kept"), [(12, "kept-top"), (90, None), (168, "kept-bottom")])
def test_focal_point_decides_the_crop(client: Client, front_page: HomePage, y: int, kept: str | None) -> None:
    point = {"focal_point_x": 60, "focal_point_y": y, "focal_point_width": 6, "focal_point_height": 6}
    image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((120, 180))), **point)
    make_files(image)
    front_page.image = image
    front_page.save()
    (hero,) = BeautifulSoup(client.get("/").content, "html.parser").select(".hero img")
    assert hero.get("class") == ([kept] if kept else None)


@pytest.mark.once
def test_landscape_photo_is_cropped_to_centre(client: Client, front_page: HomePage) -> None:
    image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((180, 120))))
    make_files(image)
    front_page.image = image
    front_page.save()
    (hero,) = BeautifulSoup(client.get("/").content, "html.parser").select(".hero img")
    assert not hero.has_attr("class")


def test_page_with_ready_renditions_writes_nothing(
    client: Client, front_page: HomePage, django_assert_max_num_queries: Any
) -> None:
    image = picture_in_database((600, 400))
    make_files(image)
    show(client, front_page, image)
    with django_assert_max_num_queries(40) as queries:
        client.get("/koe/")
    assert not [query["sql"] for query in queries.captured_queries if not query["sql"].lstrip("(").startswith("SELECT")]
    assert len([query for query in queries.captured_queries if "rendition" in query["sql"]]) <= 2


@pytest.mark.once
def test_first_body_image_is_not_lazy_loaded(client: Client, front_page: HomePage) -> None:
    image = picture_in_database((600, 400))
    value = {"image": image.pk, "caption": "", "credit": ""}
    body = [{"type": "image", "value": value}, {"type": "image", "value": value}]
    front_page.add_child(instance=ContentPage(title="K", slug="koe", body=body))
    soup = BeautifulSoup(client.get("/koe/").content, "html.parser")
    assert [img.get("loading") for img in soup.select("main img")] == [None, "lazy"]
