"""Files in an S3-compatible bucket (STORAGE_URL). Imported only where it is set, because boto3 takes much memory."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from django.utils.encoding import filepath_to_uri
from django.utils.functional import cached_property
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from aijuu_site.storages import StorageUnreachable, UnguessableNames

_CONNECT_SECONDS, _READ_SECONDS = 3, 10
# The first attempt included.
_ATTEMPTS = 2
# After a request without an answer, no other is sent for this time: the web server's few threads must not all wait.
_PAUSE_SECONDS = 30
# Larger than any upload, so that each is stored by one request.
_ONE_REQUEST = 64 * 1024 * 1024
_MISSING = ("404", "NoSuchKey")
# Two threads must not create a client of the same boto3 session at once.
_connecting = threading.Lock()


@lru_cache(maxsize=1)
def _session(key: str, secret: str) -> boto3.Session:
    # One session for both storages: its description of S3 takes 12 MB.
    return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret)


class BucketStorage(UnguessableNames, S3Storage):  # type: ignore[misc]
    """A folder of a private bucket. Its URLs lead to our own views, never to the bucket.

    Every method raises StorageUnreachable if the server does not answer or refuses the request, and FileNotFoundError
    if only the file is missing.
    """

    def __init__(self, *, base_url: str, **options: Any) -> None:
        super().__init__(
            # Without this, django-storages would look for a profile in the environment.
            session_profile=None,
            client_config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
                # Many servers that are compatible with S3 do not know the newer checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            transfer_config=TransferConfig(multipart_threshold=_ONE_REQUEST, use_threads=False),
            **options,
        )
        self.base_url = base_url
        self._asked_again_at = 0.0
        os.register_at_fork(after_in_child=self._forget_connection)

    @cached_property
    def connection(self) -> Any:
        """Shared by all threads: a connection takes some megabytes, and only its thread-safe client is used."""
        with _connecting:
            return super().connection

    def _create_session(self) -> boto3.Session:
        return _session(self.access_key, self.secret_key)

    def _forget_connection(self) -> None:
        # Two processes that share a socket would get each other's answers.
        self.__dict__.pop("connection", None)
        self._connections.__dict__.clear()
        self._bucket = None

    @contextmanager
    def _errors_of(self, name: str) -> Iterator[None]:
        if time.monotonic() < self._asked_again_at:
            raise self._unreachable("no answer a moment ago")
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISSING:
                raise FileNotFoundError(name) from error
            raise self._unreachable(f"{error.operation_name}: {code}") from error
        except (BotoCoreError, Boto3Error) as error:
            self._asked_again_at = time.monotonic() + _PAUSE_SECONDS
            raise self._unreachable(type(error).__name__) from error

    def _unreachable(self, reason: str) -> StorageUnreachable:
        error = StorageUnreachable(reason)
        # Uploads and backups may use different buckets.
        error.place = f"bucket {self.bucket_name}"
        return error

    def url(self, name: str, *_args: Any, **_options: Any) -> str:
        return urljoin(self.base_url, filepath_to_uri(name).lstrip("/"))

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("a stored file is read, or saved whole")
        # One request for the whole file. S3File sends two, and the second only when the file is read.
        with self._errors_of(name):
            found = self.bucket.Object(self._normalize_name(clean_name(name))).get()
            return ContentFile(found["Body"].read(), name=name)

    def _save(self, name: str, content: File) -> str:
        with self._errors_of(name):
            stored: str = super()._save(name, content)
            return stored

    def save_exactly(self, name: str, content: File) -> None:
        """Save under exactly this name; save() would choose another one."""
        self._save(name, content)

    def chunks(self, name: str, size: int = 256 * 1024) -> Iterator[bytes]:
        """Yield a file in pieces, without keeping it in memory as open() does."""
        with self._errors_of(name):
            found = self.bucket.Object(self._normalize_name(clean_name(name))).get()
            yield from found["Body"].iter_chunks(size)

    def delete(self, name: str) -> None:
        with self._errors_of(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with self._errors_of(name):
            return bool(super().exists(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with self._errors_of(path):
            folders, files = super().listdir(path)
            return folders, files

    def size(self, name: str) -> int:
        with self._errors_of(name):
            return int(super().size(name))

    def get_modified_time(self, name: str) -> datetime:
        with self._errors_of(name):
            modified: datetime = super().get_modified_time(name)
            return modified
