"""What the worker sees to: every picture has its files, and no file outlives its picture.

A stopped process, an error, a full disk or a backup without the made files leaves the two apart. Only made files are
ever removed here: they can be made again. An uploaded one is removed with its picture and in no other way.
"""

from datetime import datetime, timedelta

from django.core.files.storage import Storage
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

from home.pictures.files import is_stored, missing_specs, name_of
from home.pictures.preparation import make_files

# A younger one is being made where it was uploaded.
_LEFT_TO_UPLOAD = timedelta(minutes=5)
# A younger file may be about to get its row.
_LEFT_BEHIND_AFTER = timedelta(days=1)
_FOLDER = "images"


def missing_files(*, now: datetime) -> list[tuple[int, str]]:
    """The pictures' numbers with the files that pages offer and that are not there. Forgets files that are gone."""
    renditions = get_image_model().get_rendition_model()
    gone = [one.pk for one in renditions.objects.only("pk", "file") if not is_stored(one.file)]
    renditions.objects.filter(pk__in=gone).delete()
    pictures = get_image_model().objects.filter(created_at__lte=now - _LEFT_TO_UPLOAD).order_by("pk")
    return [(image.pk, spec) for image in pictures.prefetch_related("renditions") for spec in missing_specs(image)]


def make_missing_file(item: tuple[int, str]) -> int:
    """Make one of them. Returns 1, or 0 when the picture is gone."""
    pk, spec = item
    image: AbstractImage | None = get_image_model().objects.filter(pk=pk).first()
    if image is None:
        return 0
    make_files(image, [spec])
    return 1


def picture_name(item: tuple[int, str]) -> str:
    """What the picture of one of them is called; its number alone when it is gone."""
    pk, _spec = item
    image = get_image_model().objects.filter(pk=pk).first()
    return name_of(image) if image else f"#{pk}"


def left_files(*, now: datetime) -> list[str]:
    """Made files that belong to no picture."""
    storage = _storage()
    there = _stored_names(storage)
    rows = set(get_image_model().get_rendition_model().objects.values_list("file", flat=True))
    return [name for name in sorted(there - rows) if storage.get_modified_time(name) <= now - _LEFT_BEHIND_AFTER]


def remove_left_file(name: str) -> int:
    _storage().delete(name)
    return 1


def _storage() -> Storage:
    storage: Storage = get_image_model().get_rendition_model()._meta.get_field("file").storage
    return storage


def _stored_names(storage: Storage) -> set[str]:
    try:
        _folders, files = storage.listdir(_FOLDER)
    except FileNotFoundError:
        return set()
    return {f"{_FOLDER}/{name}" for name in files}
