"""The front page is what the site hangs from: nobody takes it away by a press, whatever their rights."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from wagtail.models import Page, PagePermissionTester, Site

IS_KEPT = _(
    "The front page can't be deleted, moved or hidden: the whole site would disappear with it. "
    "Change its content instead."
)
SITE_IS_KEPT = _(
    "This is the site itself. It can't be deleted, it stays the default, and it keeps its front page: otherwise "
    "visitors would find nothing."
)


def holds_front_page(page: Page) -> bool:
    """Return whether the page is the front page of a site, or has one below it."""
    return bool(Site.objects.filter(root_page__path__startswith=page.path).exists())


class FrontPageKeepingTester(PagePermissionTester):
    """What somebody may do to a page; nobody may do away with the front page. Wagtail offers no button for it then."""

    def can_delete(self, ignore_bulk: bool = False) -> bool:
        return super().can_delete(ignore_bulk) and not holds_front_page(self.page)

    def can_move_to(self, destination: Page) -> bool:
        return super().can_move_to(destination) and not holds_front_page(self.page)

    def can_unpublish(self) -> bool:
        return super().can_unpublish() and not holds_front_page(self.page)


def refuse_expiry(page: Any) -> None:
    """Raise ValidationError where the front page is to disappear at some time."""
    if page.expire_at and page.path and holds_front_page(page):
        raise ValidationError({"expire_at": _("The front page can't expire: the whole site would disappear with it.")})
