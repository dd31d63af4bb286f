"""Generate the renditions of images, and remove files that no rendition refers to."""

import logging
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.files.storage import Storage
from django.db import connection, transaction
from django.db.models.fields.files import FieldFile
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage, Filter
from wagtail.models import UploadedFile
from wagtail.users.models import UserProfile

from home.images.models import is_stored, is_usable, log_name, missing_specs, plain_specs
from home.images.upload import normalize_pending_upload

logger = logging.getLogger(__name__)
# One image at a time, so that twenty uploads do not exhaust memory.
_one_at_a_time = threading.Lock()
# Images younger than this are still being prepared by the process that received them.
_UPLOAD_GRACE = timedelta(minutes=5)
# A younger file may not have its row yet.
_ORPHAN_GRACE = timedelta(days=1)
# An upload that never gets an alternative text (the page for several uploads asks for it) is deleted after this time.
_UNFINISHED_KEPT = timedelta(days=7)
_FOLDER = "images"


def make_files(image: AbstractImage, only: Collection[str] | None = None) -> None:
    """Generate the missing renditions of `image`, or only those of them in `only`. Takes seconds.

    Stops when the image has been deleted or its file replaced meanwhile.
    """
    missing = [spec for spec in missing_specs(image) if only is None or spec in only]
    if not missing:
        return
    # A separate file handle: `image.file` is shared by everything that uses this object.
    with image.file.storage.open(image.file.name, "rb") as file:
        content = file.read()
    for spec in missing:
        if not _make(image, spec, content):
            return


def _make(image: AbstractImage, spec: str, content: bytes) -> bool:
    """Generate one rendition. Return False, without leaving a file, where the image was deleted or replaced."""
    rendition = image.generate_rendition_instance(Filter(spec=spec), BytesIO(content))
    # The file is stored before the transaction, which locks the image: the storage may be slow.
    rendition.file.save(rendition.file.name, rendition.file.file, save=False)
    is_same = is_new = False
    try:
        with transaction.atomic():
            is_same = _locked_file(image) == image.file.name
            is_new = (
                is_same
                and not image.renditions.filter(filter_spec=spec, focal_point_key=rendition.focal_point_key).exists()
            )
            if is_new:
                rendition.save()
    except BaseException:
        is_new = False
        raise
    finally:
        if not is_new:
            rendition.file.delete(save=False)
    return is_same


def _locked_file(image: AbstractImage) -> str | None:
    """Lock the image and return the current name of its file; None where it is deleted."""
    locked = get_image_model().objects.select_for_update().filter(pk=image.pk)
    return next(iter(locked.values_list("file", flat=True)), None)


def _prepare(image: AbstractImage) -> None:
    in_background = settings.PREPARE_PICTURES_IN_BACKGROUND
    try:
        make_files(image, plain_specs(image) if in_background else None)
    except Exception:
        # The image itself is stored, and the worker tries again.
        logger.exception("the plain files of picture %s could not be made", log_name(image))
    if in_background:
        threading.Thread(target=_make_the_rest, args=(image.pk,), daemon=True).start()


def _make_the_rest(image_id: int) -> None:
    image: AbstractImage | None = None
    try:
        with _one_at_a_time:
            # Read again: it may have changed meanwhile.
            image = get_image_model().objects.filter(pk=image_id).first()
            if image is not None:
                make_files(image)
    except Exception:
        # Nothing waits for this thread: pages show what exists, and the worker tries again.
        logger.exception("the files of picture %s could not be made", log_name(image) if image else f"#{image_id}")
    finally:
        connection.close()


def _prepare_saved_picture(instance: AbstractImage, **_signal: Any) -> None:
    transaction.on_commit(partial(_prepare, instance))


def _remove_files_made_meanwhile(instance: AbstractImage, **_signal: Any) -> None:
    # Django has already collected the renditions to delete: one created since then would block the deletion.
    _locked_file(instance)
    instance.renditions.all().delete()


def _remove_picture_of_account(instance: UserProfile, **_signal: Any) -> None:
    if instance.avatar:
        transaction.on_commit(partial(instance.avatar.storage.delete, instance.avatar.name))


def connect_image_signals() -> None:
    """Connect the signal receivers. Called once, when the app is ready."""
    post_delete.connect(_remove_picture_of_account, sender=UserProfile, dispatch_uid="home.pictures.account")
    post_save.connect(_prepare_saved_picture, sender=get_image_model(), dispatch_uid="home.pictures.prepare")
    pre_save.connect(normalize_pending_upload, sender=UploadedFile, dispatch_uid="home.pictures.bare")
    pre_delete.connect(_remove_files_made_meanwhile, sender=get_image_model(), dispatch_uid="home.pictures.remove")


def missing_files(*, now: datetime) -> list[tuple[int, str]]:
    """Return (image id, spec) for each missing rendition. Deletes the rows of renditions whose file is lost."""
    renditions = get_image_model().get_rendition_model()
    # Rows are read before files, so that the file of a rendition that is stored in between does not count as lost.
    rows = list(renditions.objects.only("pk", "file"))
    stored = _stored_names(_storage())
    lost = [one.pk for one in rows if one.file.name not in stored or not is_usable(one.file)]
    renditions.objects.filter(pk__in=lost).delete()
    pictures = get_image_model().objects.filter(created_at__lte=now - _UPLOAD_GRACE).order_by("pk")
    return [(image.pk, spec) for image in pictures.prefetch_related("renditions") for spec in missing_specs(image)]


def make_missing_file(item: tuple[int, str]) -> int:
    """Generate one item of missing_files(). Return 1, or 0 where the image is deleted."""
    pk, spec = item
    image: AbstractImage | None = get_image_model().objects.filter(pk=pk).first()
    if image is None:
        return 0
    make_files(image, [spec])
    return 1


def picture_name(item: tuple[int, str]) -> str:
    """Return a name for the log for one item of missing_files()."""
    pk, _spec = item
    image = get_image_model().objects.filter(pk=pk).first()
    return log_name(image) if image else f"#{pk}"


def orphaned_files(*, now: datetime) -> list[str]:
    """Return the names of stored files without a rendition."""
    storage = _storage()
    stored = _stored_names(storage)
    rows = set(get_image_model().get_rendition_model().objects.values_list("file", flat=True))
    return [name for name in sorted(stored - rows) if storage.get_modified_time(name) <= now - _ORPHAN_GRACE]


def remove_orphaned_file(name: str) -> int:
    _storage().delete(name)
    return 1


def unfinished_uploads(*, now: datetime) -> list[int]:
    """Return the ids of uploads without an alternative text (so not yet images) that are old or whose file is lost."""
    uploads = UploadedFile.objects.filter(for_content_type=ContentType.objects.get_for_model(get_image_model()))
    return [one.pk for one in uploads if _is_lost_or_old(one.file, now)]


def _is_lost_or_old(file: FieldFile, now: datetime) -> bool:
    return not is_stored(file) or file.storage.get_modified_time(str(file.name)) <= now - _UNFINISHED_KEPT


def remove_unfinished_upload(upload_id: int) -> int:
    """Delete an upload and its file. Return 1, or 0 where it has become an image meanwhile."""
    upload = UploadedFile.objects.filter(pk=upload_id).first()
    if upload is None:
        return 0
    upload.file.delete(save=False)
    upload.delete()
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
