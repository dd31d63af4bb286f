"""The front page is what the site hangs from: nobody takes it away by a press, whatever their rights."""

from django.utils.translation import gettext_lazy as _
from wagtail.models import Page, Site

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
