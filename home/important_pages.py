"""Pages that the site needs, and the permissions that protect them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.models import Page, PagePermissionTester, Site

FRONT_PAGE_PROTECTED = gettext_lazy(
    "The front page can't be deleted, moved or hidden: the whole site would disappear with it. "
    "Change its content instead."
)
DEFAULT_SITE_PROTECTED = gettext_lazy(
    "This is the site itself. It can't be deleted, it stays the default, and it keeps its front page: otherwise "
    "visitors would find nothing."
)
# A Wagtail hook: a function without arguments that returns a list of ImportantPage.
IMPORTANT_PAGES_HOOK = "register_important_pages"


def contains_front_page(page: Page) -> bool:
    """Return whether `page` is the front page of a site or an ancestor of one."""
    return bool(Site.objects.filter(root_page__path__startswith=page.path).exists())


Text: TypeAlias = str | Promise


@dataclass(frozen=True)
class ImportantPage:
    """A page that a feature depends on.

    `page` is called on every check. `stops` says in one sentence what stops working without the page. `missing` is
    shown where there is none, with the admin `address` where one is created or chosen.
    """

    key: str
    page: Callable[[], Page | None]
    stops: Text
    missing: Text
    address: Callable[[], str]


def important_pages() -> list[ImportantPage]:
    """Return the pages that all apps have registered, in the order of the hooks."""
    offers: Iterable[Callable[[], list[ImportantPage]]] = hooks.get_hooks(IMPORTANT_PAGES_HOOK)
    return [one for offer in offers for one in offer()]


def consequences_without(*pages: Page) -> list[Text]:
    """Return the `stops` sentences of the important pages among `pages` and their descendants."""
    needed = [(one, one.page()) for one in important_pages()]
    return [
        one.stops
        for one, page in needed
        if page is not None and any(page.path.startswith(gone.path) for gone in pages if gone.path)
    ]


def refuse_expiry(page: Any) -> None:
    """Raise ValidationError for an important page with an expiry date."""
    stops = consequences_without(page) if page.expire_at and page.path else []
    if stops:
        message = _("This page can't be timed to disappear. Without it: %(stops)s")
        raise ValidationError({"expire_at": message % {"stops": " ".join(str(one) for one in stops)}})


class PageRights(PagePermissionTester):
    def can_delete(self, ignore_bulk: bool = False) -> bool:
        return super().can_delete(ignore_bulk) and not contains_front_page(self.page)

    def can_move(self) -> bool:
        # There is no other parent that allows this type of page.
        return super().can_move() and _other_parents(self.page)

    def can_move_to(self, destination: Page) -> bool:
        return super().can_move_to(destination) and not contains_front_page(self.page)

    def can_unpublish(self) -> bool:
        return super().can_unpublish() and not contains_front_page(self.page)

    def can_copy(self) -> bool:
        # A copy would be published under another address, beside the page that the site leads to.
        return super().can_copy() and not _is_only_one(self.page) and not consequences_without(self.page)

    def can_set_view_restrictions(self) -> bool:
        # A password would hide an important page from visitors.
        return super().can_set_view_restrictions() and not consequences_without(self.page)


def _is_only_one(page: Page) -> bool:
    """Return whether the page type has reached its `max_count`."""
    kind = page.specific_class
    return kind is not None and kind.max_count is not None and kind.objects.count() >= kind.max_count


def _other_parents(page: Page) -> bool:
    kind = page.specific_class
    if kind is None:
        return True
    parents = Page.objects.exact_type(*kind.allowed_parent_page_models()).not_descendant_of(page, inclusive=True)
    parent = page.get_parent()
    return bool(parents.exclude(pk=parent.pk if parent else None).exists())
