"""What a point of the checklist is, and where the rooms hand theirs in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from django.utils.functional import Promise
from wagtail import hooks

from home.models import ContactDetails

# A hook of Wagtail's kind: a function without arguments that returns points. `order` decides whose come first.
ITEMS_HOOK = "register_checklist_items"

Text: TypeAlias = str | Promise


@dataclass(frozen=True)
class ChecklistItem:
    """One point. `is_done` and `address` are asked anew on each view with the contact details as they are.

    `is_done` is None for a point whose truth no field can tell: it is done when somebody says so.
    `address` leads straight to the field; "" where there is nowhere to go.
    `permission` is what a person needs to see the point and to mark it.
    """

    key: str
    title: Text
    why: Text
    permission: str
    address: Callable[[ContactDetails], str]
    is_done: Callable[[ContactDetails], bool] | None = None


def all_items() -> list[ChecklistItem]:
    """Return every room's points, in the order of the hooks. ValueError where two share a key."""
    offers: Iterable[Callable[[], list[ChecklistItem]]] = hooks.get_hooks(ITEMS_HOOK)
    items = [item for offer in offers for item in offer()]
    if len({item.key for item in items}) < len(items):
        raise ValueError("Two points of the checklist share a key.")
    return items
