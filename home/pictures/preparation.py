"""Makes the files of a photo ahead of its visitors, in a thread of the web process: AVIF takes seconds.

A page offers what is ready (home.pictures.photo), so neither the upload nor a visitor waits. If the process ends
before a picture is done, or the making fails, a later page that shows the picture starts the work again.
"""

import logging
import threading
import time
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.signals import post_save
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage

from home.pictures.files import make_files

logger = logging.getLogger(__name__)

_Key = tuple[int, str]

# One picture at a time, none twice at once, and one that failed not again for a while: nobody can fill the machine by
# asking for its page.
_turn = threading.Lock()
_underway: set[_Key] = set()
_failed_at: dict[_Key, float] = {}
REST_SECONDS = 10 * 60


def prepare(image: AbstractImage) -> None:
    """See that every file of `image` gets made. Returns at once."""
    key = (image.pk, f"{image.file.name} {image.get_focal_point()}")
    if image.is_svg() or key in _underway or _rests(key):
        return
    _underway.add(key)
    if settings.PREPARE_PICTURES_IN_BACKGROUND:
        threading.Thread(target=_prepare_and_leave, args=(image, key), daemon=True).start()
    else:
        _make(image, key)


def _rests(key: _Key) -> bool:
    failed_at = _failed_at.get(key)
    return failed_at is not None and time.monotonic() - failed_at < REST_SECONDS


def _prepare_and_leave(image: AbstractImage, key: _Key) -> None:
    try:
        with _turn:
            _make(image, key)
    except Exception:
        # Nobody waits for this thread; the page goes on with the files that are there.
        logger.exception("the files of picture %s could not be made", image.pk)
    finally:
        connection.close()


def _make(image: AbstractImage, key: _Key) -> None:
    try:
        make_files(image)
    except Exception:
        _failed_at[key] = time.monotonic()
        raise
    else:
        _failed_at.pop(key, None)
    finally:
        _underway.discard(key)


def _prepare_saved_picture(instance: AbstractImage, **_signal: Any) -> None:
    transaction.on_commit(lambda: prepare(instance))


def watch_pictures() -> None:
    """Called once, when the app is ready."""
    post_save.connect(_prepare_saved_picture, sender=get_image_model(), dispatch_uid="home.pictures.prepare")
