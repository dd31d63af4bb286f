"""The generation of the public pages' content: one value that all processes of the machine share.

Every write to a watched table makes a new generation when it is committed. Writes are recognised by their SQL
statements and not by the signals of models: update(), bulk_create() and the raw SQL of page trees send no signals.
"""

import logging
import os
import re
import secrets
import struct
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Count, Max
from wagtail.contrib.settings.models import AbstractSetting
from wagtail.models import Page

from aijuu_site.models import PageChange
from aijuu_site.serving.memory import map_file

# The rows that kept pages show belong to these apps, or are pages or settings.
# tests/aijuu_site/kept_pages/test_generation.py compares this with the tables that the views read.
_SHOWN_APPS = ("home", "wagtailcore", "wagtailredirects", "wagtailimages", "wagtaildocs")
# Models of these apps that are not watched: only the admin reads them, and every save writes to some of them.
_NOT_SHOWN = (
    "home.PauseChange",
    "wagtailcore.Comment",
    "wagtailcore.CommentReply",
    "wagtailcore.GroupCollectionPermission",
    "wagtailcore.GroupPagePermission",
    "wagtailcore.ModelLogEntry",
    "wagtailcore.PageLogEntry",
    "wagtailcore.PageSubscription",
    "wagtailcore.ReferenceIndex",
    "wagtailcore.Revision",
    "wagtailcore.UploadedFile",
)
_WRITE = re.compile(
    r"\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+\"?(\w+)", re.IGNORECASE
)
# The columns of its page that saving a draft writes. No public page reads them, and Wagtail saves a draft every few
# seconds while somebody writes.
_OF_DRAFT = r'"(?:draft_title|has_unpublished_changes|latest_revision_id|latest_revision_created_at)" = %s'
_DRAFT = re.compile(rf'UPDATE "wagtailcore_page" SET {_OF_DRAFT}(?:, {_OF_DRAFT})* WHERE ')  # noqa: S608 - it recognises one.
# The generation (8 random bytes), then the highest number and the count of the PageChange rows that it includes.
_LAYOUT = struct.Struct("=8sqq")
_logger = logging.getLogger(__name__)


@cache
def watched_tables() -> frozenset[str]:
    """Return the tables whose rows kept pages show, including those of many-to-many relations."""
    watched = [
        model
        for model in apps.get_models(include_auto_created=True)
        if (model._meta.app_label in _SHOWN_APPS or issubclass(model, Page | AbstractSetting))
        and model._meta.label not in _NOT_SHOWN
    ]
    through = [relation.remote_field.through for model in watched for relation in model._meta.many_to_many]
    relations = [model for model in through if model is not None]
    return frozenset(model._meta.db_table for model in (*watched, *relations))


class SharedGeneration:
    """The generation in a small file that all processes of the machine have mapped into memory.

    It is random, so that processes need no lock to make a new one.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._memory = map_file(descriptor, _LAYOUT.size)
        finally:
            os.close(descriptor)

    def current(self) -> bytes:
        return self._memory[:8]

    def change(self) -> None:
        self._memory[:8] = secrets.token_bytes(8)

    def included(self) -> tuple[int, int]:
        _generation, highest, count = _LAYOUT.unpack(self._memory[:])
        return highest, count

    def include(self, changes: tuple[int, int]) -> None:
        self._memory[8:] = struct.pack("=qq", *changes)


@cache
def shared_generation() -> SharedGeneration:
    return SharedGeneration(settings.DATA_DIR / "generation")


def watch_writes() -> None:
    """Recognise the writes of every connection that this process opens."""
    connection_created.connect(_watch_connection, dispatch_uid="aijuu_site.kept_pages")


def _watch_connection(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    if _recognise_write not in connection.execute_wrappers:
        connection.execute_wrappers.append(_recognise_write)


def _recognise_write(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    found = _WRITE.match(sql) if isinstance(sql, str) else None
    if found is None or found[1] not in watched_tables() or _DRAFT.match(sql):
        return execute(sql, params, many, context)
    with nullcontext() if context["connection"].in_atomic_block else transaction.atomic():
        result = execute(sql, params, many, context)
        _record_in_transaction()
    return result


def _record_in_transaction() -> None:
    """Record one change per transaction. If a savepoint is rolled back, Django discards the hook with it."""
    if any(hook[1] is announce for hook in connection.run_on_commit):
        return
    PageChange.objects.create()
    transaction.on_commit(announce)


def announce() -> None:
    """Make a new generation, which every process of this machine sees at once."""
    generation = shared_generation()
    try:
        # Read before the new generation is made. Read afterwards, it would include a change that another machine made
        # in between, but a page of the new generation may have been rendered without that change.
        included = recorded_changes()
    except DatabaseError:
        # follow_database() does it again within a second.
        _logger.warning("Can't read the recorded changes of pages.", exc_info=True)
        generation.change()
        return
    generation.change()
    generation.include(included)


def recorded_changes() -> tuple[int, int]:
    """Return the highest number and the count of the changes recorded in the database.

    Both, because a lower number may be committed after a higher one.
    """
    found = PageChange.objects.aggregate(highest=Max("pk"), count=Count("pk"))
    return found["highest"] or 0, found["count"]


def follow_database() -> None:
    """Make a new generation if the database has changes that this machine has not seen.

    They were made by another machine, or by a process that was killed between its commit and `announce`.
    """
    if recorded_changes() != shared_generation().included():
        announce()


def forget_old_changes() -> None:
    """Delete all recorded changes except the last one."""
    highest = recorded_changes()[0]
    PageChange.objects.filter(pk__lt=highest).delete()


def cache_key(key: str, key_prefix: str, version: int) -> str:
    """Return the key of a value in Django's cache (CACHES in the settings). It contains the generation.

    Each process has a cache of its own, and Wagtail removes an old value (the addresses of sites) only from the cache
    of the process that changed it.
    """
    return f"{key_prefix}:{version}:{shared_generation().current().hex()}:{key}"
