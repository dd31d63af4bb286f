"""File storages with unguessable names.

Every stored file gets a random name that is never reused. So the URL itself grants access, with any server or object
storage, and no cache serves an old file for a new one.
"""

import re
import secrets
from pathlib import PurePosixPath

from django.core.files.storage import FileSystemStorage

_RANDOM_BYTES = 16
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_STORED_NAME = re.compile(rf"(?:\w+/)+[0-9a-f]{{{2 * _RANDOM_BYTES}}}(?:{_EXTENSION.pattern})?", re.ASCII)


def is_stored_name(name: str) -> bool:
    """Return whether `name` has the form of UnguessableNames."""
    return _STORED_NAME.fullmatch(name) is not None


class StorageUnreachable(ConnectionError):
    """The storage does not answer, or refuses the request. Not raised for a missing file.

    The message contains neither a file name nor a key.
    """

    # Which storage failed, such as the name of the bucket.
    place = ""


class UnguessableNames:
    """Storage mixin: keep the folder and the extension of a name, and replace the rest by 128 random bits."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        path = PurePosixPath(str(name).replace("\\", "/"))
        # Not path.suffix, which is empty for ".svg" (a file name without letters).
        extension = "." + path.name.rpartition(".")[2].lower() if "." in path.name else ""
        if not _EXTENSION.fullmatch(extension):
            extension = ""
        return str(path.with_name(secrets.token_hex(_RANDOM_BYTES) + extension))


class UploadStorage(UnguessableNames, FileSystemStorage):  # type: ignore[misc]
    """Uploaded originals, outside MEDIA_ROOT: only the admin shows them."""


class PictureStorage(UnguessableNames, FileSystemStorage):  # type: ignore[misc]
    """The renditions that pages show, in MEDIA_ROOT: public at MEDIA_URL."""
