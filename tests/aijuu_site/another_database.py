"""Helper that runs a command in this process with another database, which may not exist or not be reachable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.db import connections
from django.db.utils import ConnectionHandler

from aijuu_site.settings.data import database_from_url


@contextmanager
def another_database(folder: Path, url: str = "") -> Iterator[None]:
    """Use `folder` as DATA_DIR and `url` as DATABASE_URL while the context is open."""
    databases = {"default": database_from_url(url, folder)}
    ours = connections["default"]
    connections["default"] = ConnectionHandler(databases)["default"]
    try:
        with mock.patch.multiple(settings, DATABASES=databases, DATA_DIR=folder):
            yield
    finally:
        connections["default"].close()
        connections["default"] = ours
