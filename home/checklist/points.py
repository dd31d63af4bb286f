"""The items of the getting-started checklist and their state."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import transaction
from django.utils.functional import Promise
from wagtail import hooks

from home.contact_details import ContactDetails
from home.models import ChecklistMark

# A Wagtail hook: a function without arguments that returns a list of ChecklistItem.
ITEMS_HOOK = "register_checklist_items"
Text: TypeAlias = str | Promise


@dataclass(frozen=True)
class ChecklistItem:
    """An item of the checklist. `is_done` and `address` are called with the current contact details on each view.

    `is_done` is None for an item that is marked done by hand.
    `address` is the admin URL of the field, or "".
    `permission` is needed to see and mark the item.
    """

    key: str
    title: Text
    why: Text
    permission: str
    address: Callable[[ContactDetails], str]
    is_done: Callable[[ContactDetails], bool] | None = None


def all_items() -> list[ChecklistItem]:
    """Return the items of all apps, in the order of the hooks. Raises ValueError for a duplicate key."""
    providers: Iterable[Callable[[], list[ChecklistItem]]] = hooks.get_hooks(ITEMS_HOOK)
    items = [item for provider in providers for item in provider()]
    if len({item.key for item in items}) < len(items):
        raise ValueError("Two points of the checklist share a key.")
    return items


User = AbstractBaseUser | AnonymousUser | PermissionsMixin


@dataclass(frozen=True)
class Point:
    """An item with its state. `is_done` follows from the data or a mark, `is_set_aside` from a mark."""

    item: ChecklistItem
    address: str
    is_done: bool
    is_set_aside: bool

    @property
    def is_open(self) -> bool:
        return not (self.is_done or self.is_set_aside)

    @property
    def is_marked_by_hand(self) -> bool:
        """Whether the item is marked done by hand, not by a filled field."""
        return self.item.is_done is None


@dataclass(frozen=True)
class Checklist:
    """The items that a user may see, in order."""

    points: tuple[Point, ...]

    @cached_property
    def open(self) -> list[Point]:
        return [point for point in self.points if point.is_open]

    @property
    def total(self) -> int:
        return len(self.points)

    @property
    def handled(self) -> int:
        return self.total - len(self.open)


def checklist_for(user: User) -> Checklist:
    """Return the checklist of the items that `user` has permission for."""
    items = [item for item in all_items() if user.has_perm(item.permission)]  # type: ignore[union-attr]
    if not items:
        return Checklist(())
    details = ContactDetails.load()
    marks = dict(ChecklistMark.objects.values_list("key", "state"))
    return Checklist(tuple(_point(item, details, marks.get(item.key)) for item in items))


def _point(item: ChecklistItem, details: ContactDetails, mark: str | None) -> Point:
    done = item.is_done(details) if item.is_done else mark == ChecklistMark.State.DONE
    # A filled field overrides an old "does not concern me".
    set_aside = not done and mark == ChecklistMark.State.SET_ASIDE
    return Point(item, item.address(details), is_done=done, is_set_aside=set_aside)


def mark_point(*, item: ChecklistItem, state: str) -> None:
    """Store the state of an item: a `ChecklistMark.State`, or "open" to reopen it.

    Raises ValueError for another state, and for "done" where `is_done` decides that.
    """
    if state == "open":
        ChecklistMark.objects.filter(key=item.key).delete()
        return
    if state not in ChecklistMark.State.values or (state == ChecklistMark.State.DONE and item.is_done):
        raise ValueError(f"{state!r} is no mark for {item.key!r}.")
    with transaction.atomic():
        ChecklistMark.objects.update_or_create(key=item.key, defaults={"state": state})
