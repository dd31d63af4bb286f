"""Making renditions: in a background thread, during a concurrent deletion, and again after an interruption."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage
from wagtail.models import Page, Site

from home.images import preparation
from home.images import preparation as upkeep
from home.images.models import missing_specs, plain_specs, wanted_specs
from home.images.preparation import make_files
from home.models import HomePage, ServicePage
from tests.accounts import make_user
from tests.uploading import BLUE, DRAWING, RED, drawn, stored, upload

NOW = timezone.now() + timedelta(hours=1)
LATER = NOW + timedelta(days=2)


def picture(size: tuple[int, int] = (60, 40), colour: Any = None) -> AbstractImage:
    """Store a picture. Its renditions are made on commit, which a test in a transaction does not reach."""
    from PIL import Image

    file = upload(Image.new("RGB", size, colour) if colour else drawn(size))
    image: AbstractImage = get_image_model().objects.create(description="Kati", title="k", file=file)
    return image


def public_files() -> set[str]:
    storage = get_image_model().get_rendition_model()._meta.get_field("file").storage
    folder = Path(storage.location)
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def known_files() -> set[str]:
    return set(get_image_model().get_rendition_model().objects.values_list("file", flat=True))


def show(image: AbstractImage, slug: str = "koe") -> str:
    """Publish a page with the picture at its head and in its text, and return its address."""
    value = {"image": image.pk, "caption": "", "credit": ""}
    page = ServicePage(title="K", slug=slug, image=image, body=[{"type": "image", "value": value}])
    HomePage.objects.get().add_child(instance=page)
    return f"/{slug}/"


class TestReadingAPage:
    def test_placeholder_until_image_is_ready(self, client: Client, db: None) -> None:
        image = picture((1200, 800))
        soup = BeautifulSoup(client.get(show(image)).content, "html.parser")
        places = [(place["src"], place["width"], place["height"], place["alt"]) for place in soup.select("main img")]
        assert places == 2 * [("/static/img/awaited.svg", "1200", "800", "Kati")]
        assert not soup.select("main picture")
        assert not image.renditions.exists()
        assert not public_files()

    @pytest.mark.once
    @pytest.mark.parametrize("kind", ["nothing made", "plain files", "all files", "drawing"])
    def test_reading_a_picture_writes_nothing(self, kind: str, client: Client, db: None) -> None:
        if kind == "drawing":
            image = get_image_model().objects.create(description="Kati", title="k", file=ContentFile(DRAWING, "a.svg"))
        else:
            image = picture((500, 750))
        specs = {"nothing made": [], "plain files": plain_specs(image)}.get(kind, wanted_specs(image))
        make_files(image, specs)
        address, before, threads = show(image), public_files(), set(threading.enumerate())
        for _view in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            assert not [query["sql"] for query in queries if not query["sql"].lstrip("(").startswith("SELECT")]
        assert public_files() == before
        assert set(threading.enumerate()) == threads

    @pytest.mark.usefixtures("loaded_site")
    def test_reading_public_pages_writes_nothing(self, client: Client) -> None:
        pages = [page.url for page in Page.objects.live().descendant_of(Site.objects.get().root_page, inclusive=True)]
        files = ["/sitemap.xml", "/robots.txt", "/manifest.webmanifest", "/.well-known/security.txt", "/ei-ole/"]
        assert len(pages) > 5
        self.read_all(client, [*pages, *files])

    def test_reading_site_without_content_writes_nothing(self, client: Client, db: None) -> None:
        self.read_all(client, ["/", "/ei-ole/", "/sitemap.xml", "/.well-known/security.txt"])

    @staticmethod
    def read_all(client: Client, addresses: list[str]) -> None:
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code in {200, 404}
            written = [query["sql"] for query in queries if query["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
            assert not written, address


class TestMaking:
    def test_saving_makes_plain_renditions_at_once(
        self, db: None, django_capture_on_commit_callbacks: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.PREPARE_PICTURES_IN_BACKGROUND = True
        handed: list[int] = []
        monkeypatch.setattr(preparation, "_make_the_rest", handed.append)
        with django_capture_on_commit_callbacks(execute=True):
            image = picture((1200, 800))
        assert set(image.renditions.values_list("filter_spec", flat=True)) == set(plain_specs(image))
        assert handed == [image.pk]

    @pytest.mark.once
    def test_a_drawing_is_ready_at_once(
        self, client: Client, db: None, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            image = get_image_model().objects.create(
                description="Kati", title="k", file=ContentFile(DRAWING, "piirros.svg")
            )
        soup = BeautifulSoup(client.get(show(image)).content, "html.parser")
        addresses = {str(img["src"]) for img in soup.select("main img")}
        assert len(addresses) == 1
        (address,) = addresses
        assert "piirros" not in address
        # The package for QR codes registers the prefix, once a test in this process has shown one.
        assert re.search(rb"<(svg:)?title>a</", b"".join(client.get(address)))

    def test_failed_rendition_breaks_no_upload_or_page(
        self,
        client: Client,
        db: None,
        django_capture_on_commit_callbacks: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        settings: Any,
    ) -> None:
        def fail(*_args: Any) -> bool:
            raise OSError("the disk is full")

        settings.PREPARE_PICTURES_IN_BACKGROUND = True
        monkeypatch.setattr(preparation, "_make", fail)
        client.force_login(make_user(is_superuser=True))
        monkeypatch.setattr(preparation, "_make_the_rest", lambda _pk: None)
        with django_capture_on_commit_callbacks(execute=True):
            image = stored(client, upload(drawn()))
        assert "could not be made" in caplog.text
        assert client.get(show(image)).status_code == 200
        monkeypatch.undo()
        for item in upkeep.missing_files(now=NOW):
            assert upkeep.make_missing_file(item) == 1
        assert not missing_specs(image)

    def test_making_renditions_again_creates_nothing(self, db: None) -> None:
        image = picture()
        make_files(image)
        before = known_files()
        make_files(get_image_model().objects.get(pk=image.pk))
        assert known_files() == public_files() == before

    def test_rendition_made_concurrently_is_kept(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        image, original = picture(), preparation._locked_file

        def meanwhile(one: AbstractImage) -> str | None:
            monkeypatch.setattr(preparation, "_locked_file", original)
            make_files(get_image_model().objects.get(pk=one.pk))
            return original(one)

        monkeypatch.setattr(preparation, "_locked_file", meanwhile)
        make_files(image)
        assert image.renditions.count() == len(wanted_specs(image))
        assert public_files() == known_files()

    def test_replaced_picture_gets_new_renditions(
        self, client: Client, db: None, django_capture_on_commit_callbacks: Any
    ) -> None:
        from PIL import Image

        client.force_login(make_user(is_superuser=True))
        with django_capture_on_commit_callbacks(execute=True):
            image = stored(client, upload(Image.new("RGB", (60, 40), RED)))
        before = known_files() | {image.file.name}
        with django_capture_on_commit_callbacks(execute=True):
            address = reverse("wagtailimages:edit", args=[image.pk])
            file = upload(Image.new("RGB", (60, 40), BLUE))
            assert client.post(address, {"title": "Kuva", "description": "Kati", "file": file}).status_code == 302
        image = get_image_model().objects.get()
        assert not missing_specs(image)
        assert not before & (known_files() | {image.file.name})
        assert public_files() == known_files()
        with Image.open(image.renditions.get(filter_spec="width-960|format-jpeg").file.open("rb")) as made:
            red, _green, blue = made.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert blue > red

    def test_rendition_of_replaced_image_is_discarded(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        image, original = picture(), preparation._locked_file

        def replaced(one: AbstractImage) -> str | None:
            get_image_model().objects.filter(pk=one.pk).update(file="original_images/other.jpg")
            return original(one)

        monkeypatch.setattr(preparation, "_locked_file", replaced)
        make_files(image)
        assert not image.renditions.exists()
        assert not public_files()


class TestUpkeep:
    def test_renditions_missing_after_interruption_are_made(self, db: None) -> None:
        image = picture((500, 750))
        make_files(image, wanted_specs(image)[:2])
        missing = upkeep.missing_files(now=NOW)
        assert missing == [(image.pk, spec) for spec in wanted_specs(image)[2:]]
        for item in missing:
            upkeep.make_missing_file(item)
        assert not upkeep.missing_files(now=NOW)
        assert public_files() == known_files()

    def test_upkeep_skips_recent_upload(self, db: None) -> None:
        image = picture()
        assert not upkeep.missing_files(now=image.created_at + timedelta(minutes=4))
        assert upkeep.missing_files(now=image.created_at + timedelta(minutes=5))

    def test_upkeep_skips_deleted_picture(self, db: None) -> None:
        image = picture()
        item = upkeep.missing_files(now=NOW)[0]
        image.delete()
        assert upkeep.make_missing_file(item) == 0

    def test_renditions_missing_on_disk_are_made_again(self, client: Client, db: None) -> None:
        image = picture()
        make_files(image)
        for one in image.renditions.all():
            Path(one.file.path).unlink()
        for item in upkeep.missing_files(now=NOW):
            upkeep.make_missing_file(item)
        soup = BeautifulSoup(client.get(show(image)).content, "html.parser")
        assert client.get(str(soup.select("main img")[0]["src"])).status_code == 200

    @pytest.mark.once
    def test_a_moved_focal_point_gets_its_crops(self, db: None) -> None:
        image = picture((480, 620))
        make_files(image)
        image.focal_point_x = image.focal_point_y = image.focal_point_width = image.focal_point_height = 100
        image.save()
        assert {spec.split("|")[0] for _pk, spec in upkeep.missing_files(now=NOW)} == {"fill-480x600", "fill-960x1200"}

    def test_orphaned_image_file_removed_only_when_old(self, db: None) -> None:
        image = picture()
        make_files(image)
        storage = image.renditions.model._meta.get_field("file").storage
        left = storage.save("images/x.jpg", ContentFile(b"x"))
        assert not upkeep.orphaned_files(now=NOW)
        assert upkeep.orphaned_files(now=LATER) == [left]
        assert upkeep.remove_orphaned_file(left) == 1
        assert public_files() == known_files()

    def test_an_upload_is_never_removed(self, db: None) -> None:
        image = picture()
        path = Path(image.file.path)
        type(image).objects.filter(pk=image.pk)._raw_delete("default")  # type: ignore[attr-defined]
        assert not upkeep.orphaned_files(now=LATER)
        assert path.exists()


@pytest.fixture
def thread(transactional_db: None, settings: Any) -> Iterator[Callable[[], None]]:
    """Make renditions in a background thread, as in production. Calling the fixture waits until all are made."""
    settings.PREPARE_PICTURES_IN_BACKGROUND = True
    before = set(threading.enumerate())

    def wait() -> None:
        # The threads of the database pool ("pool-1-worker-0") keep running.
        for one in {one for one in threading.enumerate() if not one.name.startswith("pool-")} - before:
            one.join(60)
            assert not one.is_alive()

    yield wait
    wait()


class TestInAThread:
    def test_pages_answer_while_a_photo_is_made(self, thread: Callable[[], None]) -> None:
        image = picture((600, 900))
        address = show(image)
        answers: list[int] = []
        failures: list[BaseException] = []

        def read() -> None:
            client = Client(raise_request_exception=False)
            try:
                for _view in range(4):
                    answers.append(client.get(address).status_code)
            except BaseException as error:
                failures.append(error)
            finally:
                connection.close()

        # This thread goes on using the saved object itself, as the request of an upload does.
        readers = [threading.Thread(target=read) for _reader in range(4)]
        for one in readers:
            one.start()
        for _time in range(3):
            image.get_rendition("max-165x165|format-png")
            image.save()
        for one in readers:
            one.join(60)
        thread()
        assert not failures
        assert answers == [200] * 16
        assert not missing_specs(get_image_model().objects.get(pk=image.pk))
        assert public_files() == known_files()

    @pytest.mark.parametrize("moment", range(6))
    def test_photo_deleted_during_making_leaves_no_files(
        self, moment: int, thread: Callable[[], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Deleted while its n-th rendition is made: before the file is stored, or between the file and its row."""
        reached, gone = threading.Event(), threading.Event()
        made: list[str] = []
        make, lock = preparation._make, preparation._locked_file

        def stop_here() -> None:
            reached.set()
            # The deletion may have to wait in the database until this file is done, hence the timeout.
            gone.wait(3)

        def counted(image: AbstractImage, spec: str, content: bytes) -> bool:
            made.append(spec)
            if len(made) == 4 + moment // 2 and moment % 2 == 0:
                stop_here()
            return make(image, spec, content)

        def locked(image: AbstractImage) -> str | None:
            if (
                threading.current_thread() is not threading.main_thread()
                and len(made) == 4 + moment // 2
                and moment % 2
            ):
                stop_here()
            return lock(image)

        monkeypatch.setattr(preparation, "_make", counted)
        monkeypatch.setattr(preparation, "_locked_file", locked)
        image = picture((600, 400))
        assert reached.wait(30)
        path = Path(image.file.path)
        get_image_model().objects.get(pk=image.pk).delete()
        gone.set()
        thread()
        assert not get_image_model().objects.exists()
        assert not known_files()
        assert not public_files()
        assert not path.exists()

    def test_deletions_during_making_all_succeed(self, thread: Callable[[], None]) -> None:
        for number in range(8):
            image = picture((300, 200))
            threading.Event().wait(number / 80)
            try:
                image.delete()
            except IntegrityError:
                pytest.fail("a file that was made meanwhile held the picture")
        thread()
        assert not public_files()
