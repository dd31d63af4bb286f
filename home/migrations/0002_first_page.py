"""The front page takes the place of Wagtail's welcome page; the settings get their one row each."""

from typing import Any

from django.conf import settings
from django.db import migrations

ROOT_DEPTH = 1
STEP = 4  # digits of a path that belong to one level of the tree


def create_home_page(apps: Any, schema_editor: Any) -> None:
    """Find rows by type and slug; the welcome page may be gone already."""
    Page = apps.get_model("wagtailcore", "Page")
    HomePage = apps.get_model("home", "HomePage")
    root = Page.objects.get(depth=ROOT_DEPTH)
    home = HomePage.objects.create(
        title=settings.WAGTAIL_SITE_NAME,
        draft_title=settings.WAGTAIL_SITE_NAME,
        slug="etusivu",
        content_type=_content_type(apps, "home", "homepage"),
        locale=root.locale,
        **_place_below(apps, root, "etusivu"),
    )
    _lead_site_to(apps, home)
    _welcome_pages(apps).delete()
    _count_children(apps, root)
    apps.get_model("home", "ContactDetails").objects.get_or_create(
        defaults={"business_name": settings.WAGTAIL_SITE_NAME}
    )
    apps.get_model("home", "PauseNotice").objects.get_or_create()


def name_trees(apps: Any, schema_editor: Any) -> None:
    """Wagtail calls the top of its trees "Root"; choosers, breadcrumbs and the forms of images show it."""
    pages = apps.get_model("wagtailcore", "Page").objects.filter(depth=ROOT_DEPTH, title="Root")
    pages.update(title="Sivusto", draft_title="Sivusto")
    apps.get_model("wagtailcore", "Collection").objects.filter(depth=1, name="Root").update(name="Yleinen")


def _content_type(apps: Any, app_label: str, model: str) -> Any:
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=app_label, model=model
    )
    return content_type


def _welcome_pages(apps: Any) -> Any:
    return apps.get_model("wagtailcore", "Page").objects.filter(
        content_type=_content_type(apps, "wagtailcore", "page"), slug="home", depth=ROOT_DEPTH + 1, numchild=0
    )


def _place_below(apps: Any, root: Any, slug: str) -> dict[str, Any]:
    """Where a new last child of the root stands in the tree. Historical models have no add_child()."""
    siblings = apps.get_model("wagtailcore", "Page").objects.filter(depth=ROOT_DEPTH + 1).order_by("path")
    last = siblings.last()
    number = int(last.path[-STEP:], 36) + 1 if last else 1
    return {
        "path": root.path + _base36(number).rjust(STEP, "0"),
        "depth": ROOT_DEPTH + 1,
        "numchild": 0,
        "url_path": f"/{slug}/",
    }


def _base36(number: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    text = ""
    while number:
        number, remainder = divmod(number, 36)
        text = digits[remainder] + text
    return text or "0"


def _lead_site_to(apps: Any, page: Any) -> None:
    Site = apps.get_model("wagtailcore", "Site")
    if not Site.objects.filter(is_default_site=True).update(root_page_id=page.pk):
        Site.objects.create(
            hostname="localhost", site_name=settings.WAGTAIL_SITE_NAME, root_page_id=page.pk, is_default_site=True
        )


def _count_children(apps: Any, root: Any) -> None:
    Page = apps.get_model("wagtailcore", "Page")
    Page.objects.filter(pk=root.pk).update(numchild=Page.objects.filter(depth=ROOT_DEPTH + 1).count())


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("home", "0001_initial"),
    ]

    # Undone with the tables that the first migrations take away.
    operations = [
        migrations.RunPython(create_home_page, migrations.RunPython.noop),
        migrations.RunPython(name_trees, migrations.RunPython.noop),
    ]
