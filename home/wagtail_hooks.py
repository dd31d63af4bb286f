"""Wagtail hooks of the pages."""

from typing import Any

from django.http import HttpRequest
from wagtail import hooks
from wagtail.admin.userbar import ContentCheckerItem
from wagtail.models import Page
from wagtail.rich_text.feature_registry import FeatureRegistry

from home import checklist as _checklist  # noqa: F401  (registers its hooks)
from home.editing import DocumentLink, PageLink, RemovedEmbed, SiteContentChecker
from home.editors_text import PROSE_FEATURES
from home.images.models import FillFromTop
from home.important_pages import IMPORTANT_PAGES_HOOK, PageAlarmPanel, site_important_pages
from home.page_addresses import PublishSeveral
from home.pause import admin as _pause  # noqa: F401  (registers its hooks)


# After the hooks of Wagtail's apps, so that the features and handlers set here replace theirs.
@hooks.register("register_rich_text_features", order=100)
def limit_rich_text_features(features: FeatureRegistry) -> None:
    """Make PROSE_FEATURES the default of rich text fields, and register handlers that tolerate invalid references."""
    features.default_features = list(PROSE_FEATURES)
    features.register_link_type(PageLink)
    features.register_link_type(DocumentLink)
    features.register_embed_type(RemovedEmbed)


# After Wagtail's hook, whose "fill" is replaced.
@hooks.register("register_image_operations", order=100)
def register_fill_from_top() -> list[tuple[str, type[FillFromTop]]]:
    return [("fill", FillFromTop)]


hooks.register(IMPORTANT_PAGES_HOOK, site_important_pages)
# After Wagtail's action, which it replaces.
hooks.register("register_bulk_action", PublishSeveral, order=100)


@hooks.register("construct_homepage_panels", order=200)
def add_page_alarm(request: HttpRequest, panels: list[Any]) -> None:
    panels.insert(0, PageAlarmPanel())


@hooks.register("construct_wagtail_userbar")
def use_site_content_checker(request: HttpRequest, items: list[Any], page: Page | None) -> None:
    """Replace Wagtail's content checker by ours, in the editor and in the preview."""
    items[:] = [
        SiteContentChecker(in_editor=item.in_editor) if isinstance(item, ContentCheckerItem) else item for item in items
    ]
