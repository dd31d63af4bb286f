"""The keys of many rows, read so many at a time: a backlog of years must not fill the memory."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

_PORTION = 500


def in_portions(rows: QuerySet[Any]) -> Iterator[int]:
    """Yield the keys of `rows` from the smallest on. What is removed meanwhile makes it pass over nothing."""
    last = 0
    while keys := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_PORTION]):
        yield from keys
        last = keys[-1]
