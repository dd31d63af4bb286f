"""Where files are kept, and under which names.

Every stored file gets a name that nobody can guess and that is never used again. So an address is as good as a
permission, in front of any server and in object storage, and no cache ever shows an old picture for a new one.
"""

import re
import secrets
from pathlib import PurePosixPath

from django.core.files.storage import FileSystemStorage

_RANDOM_BYTES = 16
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_STORED_NAME = re.compile(rf"(?:\w+/)+[0-9a-f]{{{2 * _RANDOM_BYTES}}}(?:{_EXTENSION.pattern})?", re.ASCII)


def is_stored_name(name: str) -> bool:
    """Whether `name` has the one form that a UnguessableNames storage gives."""
    return _STORED_NAME.fullmatch(name) is not None


class UnguessableNames:
    """For a storage class: keep the folder and the extension of a name, and make the rest of 128 random bits."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        path = PurePosixPath(str(name).replace("\\", "/"))
        # Of ".svg" too, which is left of a name of signs alone.
        extension = "." + path.name.rpartition(".")[2].lower() if "." in path.name else ""
        if not _EXTENSION.fullmatch(extension):
            extension = ""
        return str(path.with_name(secrets.token_hex(_RANDOM_BYTES) + extension))


class UploadStorage(UnguessableNames, FileSystemStorage):  # type: ignore[misc]
    """What was uploaded. It lies outside the folder that is served, and only the admin shows it."""


class PictureStorage(UnguessableNames, FileSystemStorage):  # type: ignore[misc]
    """The files that pages show, made of uploaded pictures: MEDIA_ROOT, served to everybody at MEDIA_URL."""
