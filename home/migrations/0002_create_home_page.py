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


def restore_welcome_page(apps: Any, schema_editor: Any) -> None:
    """Undo the above. Pages below the front page are somebody's work: they are never removed by a migration."""
    Page = apps.get_model("wagtailcore", "Page")
    home_pages = apps.get_model("home", "HomePage").objects.filter(slug="etusivu", depth=ROOT_DEPTH + 1)
    for home in home_pages:
        if Page.objects.filter(path__startswith=home.path, depth__gt=home.depth).exists():
            raise RuntimeError("There are pages below the front page: move or delete them before going back.")
    root = Page.objects.get(depth=ROOT_DEPTH)
    welcome = Page.objects.create(
        title="Welcome to your new Wagtail site!",
        draft_title="Welcome to your new Wagtail site!",
        slug="home",
        content_type=_content_type(apps, "wagtailcore", "page"),
        locale=root.locale,
        **_place_below(apps, root, "home"),
    )
    _lead_site_to(apps, welcome)
    home_pages.delete()
    _count_children(apps, root)
    apps.get_model("home", "ContactDetails").objects.all().delete()
    apps.get_model("home", "PauseNotice").objects.all().delete()


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

    operations = [migrations.RunPython(create_home_page, restore_welcome_page)]
