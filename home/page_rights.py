"""What somebody may do to a page of ours. Wagtail offers no button for what is not allowed, whatever one's rights."""

from wagtail.models import Page, PagePermissionTester

from home.front_page import holds_front_page
from home.important_pages import what_stops


class PageRights(PagePermissionTester):
    def can_delete(self, ignore_bulk: bool = False) -> bool:
        return super().can_delete(ignore_bulk) and not holds_front_page(self.page)

    def can_move(self) -> bool:
        # A page that no other page may hold has nowhere to go.
        return super().can_move() and _other_parents(self.page)

    def can_move_to(self, destination: Page) -> bool:
        return super().can_move_to(destination) and not holds_front_page(self.page)

    def can_unpublish(self) -> bool:
        return super().can_unpublish() and not holds_front_page(self.page)

    def can_copy(self) -> bool:
        return super().can_copy() and not _is_only_one(self.page)

    def can_set_view_restrictions(self) -> bool:
        # A page behind a password is hidden from those who need it.
        return super().can_set_view_restrictions() and not what_stops(self.page)


def _is_only_one(page: Page) -> bool:
    """Whether there may be no second page of this kind."""
    kind = page.specific_class
    return kind is not None and kind.max_count is not None and kind.objects.count() >= kind.max_count


def _other_parents(page: Page) -> bool:
    kind = page.specific_class
    if kind is None:
        return True
    parents = Page.objects.exact_type(*kind.allowed_parent_page_models()).not_descendant_of(page, inclusive=True)
    parent = page.get_parent()
    return bool(parents.exclude(pk=parent.pk if parent else None).exists())
