"""Addresses of places on a page: given once, kept for good, so that a link sent to somebody keeps working."""

from collections.abc import Iterator

from django.utils.text import slugify
from wagtail.blocks import StreamValue, StructValue

# Ids that the page template itself uses.
RESERVED = frozenset({"sisalto"})
_LONGEST = 60


def give_anchors(body: StreamValue) -> None:
    """Write a unique `anchor` on every FAQ section and question of `body` that has none; change no other.

    A copied block brings its anchor along: the first one on the page keeps it and the copy gets a new one.
    """
    places = list(_anchored_values(body))
    taken = set(RESERVED)
    without: list[tuple[StructValue, str]] = []
    for value, name in places:
        anchor = slugify(value.get("anchor") or "")
        if anchor and anchor not in taken:
            value["anchor"] = anchor
            taken.add(anchor)
        else:
            without.append((value, name))
    for value, name in without:
        value["anchor"] = _free_anchor(name, taken)
        taken.add(value["anchor"])


def _anchored_values(body: StreamValue) -> Iterator[tuple[StructValue, str]]:
    for block in body:
        if block.block_type != "faq":
            continue
        yield block.value, block.value.get("heading") or ""
        for question in block.value["questions"]:
            yield question, question.get("question") or ""


def _free_anchor(name: str, taken: set[str]) -> str:
    stem = slugify(name)[:_LONGEST].strip("-") or "kysymys"
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate
