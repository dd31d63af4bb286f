"""Bringing back a front page that was lost: with it go the site's own record and the groups' rights to the pages."""

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from wagtail.models import GroupPagePermission, Page, Site

from home.content_loader import take_back_missing_pages
from home.models import HomePage

_SLUG = "etusivu"
_STEP = Page.steplen
# As a new database has them (intake.migrations.0002_groups).
_GROUPS = ("Työnohjaaja", "Sisällöntuottaja")
_PERMISSIONS = ("add_page", "change_page", "publish_page", "bulk_delete_page", "lock_page", "unlock_page")


def front_page_is_missing() -> bool:
    """Return whether no default site leads to a page that is there."""
    return not Site.objects.filter(is_default_site=True, root_page__depth__gt=1).exists()


@transaction.atomic
def restore_front_page() -> HomePage:
    """Make the front page where there is none, let the site and the groups lead to it, and return it.

    The pages of the first content that are gone are loaded by the next `load_content`. What is there stays untouched;
    pages that lost only the page above them are below the new one again.
    """
    home = HomePage.objects.order_by("path").first() or _make_home_page()
    site = Site.objects.order_by("-is_default_site", "pk").first()
    site = site or Site(hostname="localhost", site_name=settings.WAGTAIL_SITE_NAME)
    site.root_page, site.is_default_site = home, True
    site.save()
    for group in Group.objects.filter(name__in=_GROUPS):
        for permission in Permission.objects.filter(content_type__app_label="wagtailcore", codename__in=_PERMISSIONS):
            GroupPagePermission.objects.get_or_create(group=group, page=home, permission=permission)
    take_back_missing_pages()
    return home


def _make_home_page() -> HomePage:
    root = Page.get_first_root_node() or Page.add_root(instance=Page(title="Sivusto", slug="root"))
    home = HomePage(title=settings.WAGTAIL_SITE_NAME, draft_title=settings.WAGTAIL_SITE_NAME, slug=_SLUG)
    orphan = _first_orphan()
    if orphan is None:
        _count_children(root)
        root.refresh_from_db()
        root.add_child(instance=home)
        return home
    # In its parent's old place, with its old address.
    home.path, home.depth, home.slug = orphan.path[: 2 * _STEP], 2, orphan.url_path.split("/")[1]
    home.save()
    _count_children(home)
    _count_children(root)
    return home


def _first_orphan() -> Page | None:
    """Return a page whose ancestor right below the root is gone; None where there is none."""
    tops = set(Page.objects.filter(depth=2).values_list("path", flat=True))
    pages = Page.objects.filter(depth__gt=2).order_by("path")
    return next((page for page in pages if page.path[: 2 * _STEP] not in tops), None)


def _count_children(page: Page) -> None:
    """Let the page's count of children be true: what was removed by hand is counted still."""
    children = Page.objects.filter(depth=page.depth + 1, path__startswith=page.path)
    Page.objects.filter(pk=page.pk).update(numchild=children.count())
