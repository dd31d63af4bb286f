"""Stored pictures that can't be shown, or whose file is missing: every admin view and page still works."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

from home.images import preparation as upkeep
from home.images.preparation import make_files
from home.models import HomePage, ServicePage
from tests.uploading import DRAWING, by_form, content_of, drawn, stored, svg, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]


# One of each kind, for tests that request pages for each picture.
OF_EACH_KIND = ("flat", "negative", "html", "cut", "lost")


def store_broken_pictures() -> dict[str, AbstractImage]:
    """Store pictures that would be refused today, and pictures whose file is damaged or missing."""
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


class TestStoredPictures:
    @pytest.fixture
    def rows(self) -> dict[str, AbstractImage]:
        return store_broken_pictures()

    @pytest.fixture
    def few(self, rows: dict[str, AbstractImage]) -> dict[str, AbstractImage]:
        return {name: rows[name] for name in OF_EACH_KIND}

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

    def test_each_can_be_edited_and_replaced(self, kati: Client, few: dict[str, AbstractImage]) -> None:
        for name, image in few.items():
            edit = reverse("wagtailimages:edit", args=[image.pk])
            assert kati.get(edit).status_code == 200, name
            assert kati.get(reverse("wagtailimages:image_usage", args=[image.pk])).status_code == 200, name
            changed = {"title": f"{name} 2", "description": "Kati"}
            assert kati.post(edit, changed).status_code == 302, name
            assert kati.post(edit, {**changed, "file": upload(drawn())}).status_code == 302, name
            image.refresh_from_db()
            assert (image.title, image.width, image.height) == (f"{name} 2", 60, 40)

    def test_each_can_be_deleted(self, kati: Client, few: dict[str, AbstractImage]) -> None:
        for name, image in few.items():
            delete = reverse("wagtailimages:delete", args=[image.pk])
            assert kati.get(delete).status_code == 200, name
            assert kati.post(delete).status_code == 302, name
        assert not get_image_model().objects.filter(title__in=few).exists()

    def test_all_can_be_deleted_at_once(self, kati: Client, rows: dict[str, AbstractImage]) -> None:
        marks = "&".join(f"id={image.pk}" for image in rows.values())
        address = reverse("wagtail_bulk_action", args=["home", "picture", "delete"]) + f"?{marks}"
        assert kati.get(address).status_code == 200
        assert kati.post(address).status_code == 302
        assert not get_image_model().objects.exists()

    def test_each_can_be_chosen_for_a_page(
        self, kati: Client, front_page: HomePage, few: dict[str, AbstractImage]
    ) -> None:
        for name, image in few.items():
            chosen = kati.get(reverse("wagtailimages_chooser:chosen", args=[image.pk]))
            assert chosen.status_code == 200, name
            assert json.loads(chosen.content)["result"]["id"] == str(image.pk)
            front_page.image = image
            front_page.save_revision().publish()
            assert kati.get(reverse("wagtailadmin_pages:edit", args=[front_page.pk])).status_code == 200, name

    def test_repeated_upload_after_lost_file_is_answered(self, kati: Client) -> None:
        image = stored(kati, upload(drawn()))
        Path(image.file.path).unlink()
        again = by_form(kati, upload(drawn()))
        assert again.status_code in {200, 302}

    def test_page_omits_broken_pictures(
        self, client: Client, front_page: HomePage, few: dict[str, AbstractImage]
    ) -> None:
        get_image_model().objects.filter(title__in=["cut", "flat"]).update(
            created_at=timezone.now() - timedelta(days=1)
        )
        for number, (name, image) in enumerate(few.items()):
            soup = show(client, front_page, image, f"koe-{number}")
            assert not soup.select("main img, main figure"), name
            assert soup.select_one("h1") is not None
            front_page.image = get_image_model().objects.get(pk=image.pk)
            front_page.save_revision().publish()
            soup = BeautifulSoup(client.get("/").content, "html.parser")
            assert not soup.select(".hero img"), name
            assert soup.select_one(".hero.hero--words") is not None, name

    def test_upkeep_skips_broken_pictures(self, rows: dict[str, AbstractImage]) -> None:
        whole = get_image_model().objects.create(description="Kati", title="whole", file=ContentFile(DRAWING, "b.svg"))
        missing = upkeep.missing_files(now=timezone.now() + timedelta(hours=1))
        assert (whole.pk, "original") in missing
        assert upkeep.make_missing_file((whole.pk, "original")) == 1


def show(client: Client, front_page: HomePage, image: AbstractImage, slug: str = "koe") -> BeautifulSoup:
    """Publish a page with the picture at its head and in its text, and return its HTML."""
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

    def test_lost_original_keeps_renditions(self, client: Client, front_page: HomePage) -> None:
        image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((600, 400))))
        make_files(image)
        Path(image.file.path).unlink()
        assert len(show(client, front_page, image).select("main picture")) == 2
