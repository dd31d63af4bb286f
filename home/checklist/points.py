"""The points of the getting-started checklist, and where each stands."""

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


User = AbstractBaseUser | AnonymousUser | PermissionsMixin


@dataclass(frozen=True)
class Point:
    """A point as it stands: `is_done` by the data or by her word, `is_set_aside` by her word."""

    item: ChecklistItem
    address: str
    is_done: bool
    is_set_aside: bool

    @property
    def is_open(self) -> bool:
        return not (self.is_done or self.is_set_aside)

    @property
    def is_marked_by_hand(self) -> bool:
        """Whether somebody says that it is done, and not a field."""
        return self.item.is_done is None


@dataclass(frozen=True)
class Checklist:
    """All points that a person may see, in their order."""

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
    """Read the points that `user` may see and change; without such a right, none."""
    items = [item for item in all_items() if user.has_perm(item.permission)]  # type: ignore[union-attr]
    if not items:
        return Checklist(())
    details = ContactDetails.load()
    marks = dict(ChecklistMark.objects.values_list("key", "state"))
    return Checklist(tuple(_point(item, details, marks.get(item.key)) for item in items))


def _point(item: ChecklistItem, details: ContactDetails, mark: str | None) -> Point:
    done = item.is_done(details) if item.is_done else mark == ChecklistMark.State.DONE
    # A filled field speaks louder than an old "does not concern me".
    set_aside = not done and mark == ChecklistMark.State.SET_ASIDE
    return Point(item, item.address(details), is_done=done, is_set_aside=set_aside)


def mark_point(*, item: ChecklistItem, state: str) -> None:
    """Write down what she says of a point: a `ChecklistMark.State`, or "open" to have it back on the list.

    ValueError for any other state, and for "done" where a field tells that itself.
    """
    if state == "open":
        ChecklistMark.objects.filter(key=item.key).delete()
        return
    if state not in ChecklistMark.State.values or (state == ChecklistMark.State.DONE and item.is_done):
        raise ValueError(f"{state!r} is no mark for {item.key!r}.")
    with transaction.atomic():
        ChecklistMark.objects.update_or_create(key=item.key, defaults={"state": state})
