"""Prepare the data for the web server: migrations, content, account. Idempotent."""

import io
import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import translation
from wagtail.models import GroupPagePermission, Page, Site

from aijuu_site.accounts.models import User
from aijuu_site.accounts.passwords import normalised
from aijuu_site.settings.data import SQLITE
from aijuu_site.settings.hosts import site_host
from home.contact_details import ContactDetails
from home.content.loader import link_settings_to_pages, unmark_missing_pages
from home.pages import HomePage

Say = Callable[[str], None]
SUPERVISORS_GROUP = "Työnohjaaja"
_FRONT_PAGE_SLUG = "etusivu"
# Characters of a tree path for each level.
_STEP = Page.steplen
# The same as in a new database (intake.migrations.0002_groups).
_GROUPS = ("Työnohjaaja", "Sisällöntuottaja")
_PERMISSIONS = ("add_page", "change_page", "publish_page", "bulk_delete_page", "lock_page", "unlock_page")


@dataclass(frozen=True)
class NewAccount:
    """The created account. `generated_password` is None if a password was given. It is stored only as a hash."""

    email: str
    generated_password: str | None
    weaknesses: tuple[str, ...] = ()


def account_exists() -> bool:
    """Return whether there is an active superuser or supervisor."""
    users = User.objects.filter(is_active=True)
    return users.filter(is_superuser=True).exists() or users.filter(groups__name=SUPERVISORS_GROUP).exists()


@transaction.atomic
def ensure_supervisor_account(*, email: str, password: str) -> NewAccount | None:
    """Create the supervisor's account and return it; None if an account exists.

    The supervisor is also a superuser, because somebody must manage accounts. An empty `password` is replaced by a
    generated one. Raises ValidationError if a user without these rights has the address: start-up never grants rights
    to an existing user.
    """
    if account_exists():
        return None
    if User.objects.of_address(email).exists():
        raise ValidationError(
            f"The account {email} exists but may not supervise, or is not active. "
            "Set another ADMIN_EMAIL: that account can mend this one."
        )
    generated = None if password else secrets.token_urlsafe(12)
    user = User.objects.create_superuser(email=email, name=_name_of(email), password=generated or password)
    user.groups.add(Group.objects.get_or_create(name=SUPERVISORS_GROUP)[0])
    return NewAccount(email, generated, tuple(_weaknesses(password, user)) if password else ())


def _name_of(email: str) -> str:
    """Return the name of the practice's person if the address is theirs; "" for others, who enter it in the admin."""
    details = ContactDetails.load()
    return details.person_name if normalised(details.email) == normalised(email) else ""


def _weaknesses(password: str, user: User) -> list[str]:
    # All output of commands is in English.
    with translation.override("en"):
        try:
            validate_password(password, user)
        except ValidationError as error:
            return list(error.messages)
    return []


def require_strong_first_password() -> None:
    """Raise CommandError if the site is public and its first account would get a weak ADMIN_PASSWORD.

    Whoever guesses it before the first login could also set up the second step. Writes nothing and creates no database.
    """
    if not (settings.HTTPS and settings.ADMIN_PASSWORD):
        return
    weaknesses = _weaknesses(settings.ADMIN_PASSWORD, User(email=settings.ADMIN_EMAIL))
    if weaknesses and not _has_accounts():
        raise CommandError(
            f"ADMIN_PASSWORD: it is too weak for a site that strangers reach. {' '.join(weaknesses)} Write another one,"
            " or nothing: then one is made up and printed once."
        )


def _has_accounts() -> bool:
    """Return account_exists(); False if there is no database yet, or an empty one."""
    if settings.DATABASES["default"]["ENGINE"] == SQLITE and not Path(connection.settings_dict["NAME"]).exists():
        return False
    # The first migrations create both tables.
    if not {User._meta.db_table, Group._meta.db_table} <= set(connection.introspection.table_names()):
        return False
    return account_exists()


def front_page_is_missing() -> bool:
    """Return whether the default site has no front page."""
    return not Site.objects.filter(is_default_site=True, root_page__depth__gt=1).exists()


@transaction.atomic
def restore_front_page() -> HomePage:
    """Create the front page if missing, set it as the root of the site and of the groups' permissions, and return it.

    Existing pages stay unchanged; pages whose ancestor was deleted are below the new front page again. The next
    `load_content` creates missing pages of the first content.
    """
    home = HomePage.objects.order_by("path").first() or _make_home_page()
    site = Site.objects.order_by("-is_default_site", "pk").first()
    site = site or Site(hostname="localhost", site_name=settings.WAGTAIL_SITE_NAME)
    site.root_page, site.is_default_site = home, True
    site.save()
    for group in Group.objects.filter(name__in=_GROUPS):
        for permission in Permission.objects.filter(content_type__app_label="wagtailcore", codename__in=_PERMISSIONS):
            GroupPagePermission.objects.get_or_create(group=group, page=home, permission=permission)
    unmark_missing_pages()
    return home


def _make_home_page() -> HomePage:
    root = Page.get_first_root_node() or Page.add_root(instance=Page(title="Sivusto", slug="root"))
    home = HomePage(title=settings.WAGTAIL_SITE_NAME, draft_title=settings.WAGTAIL_SITE_NAME, slug=_FRONT_PAGE_SLUG)
    orphan = _first_orphan()
    if orphan is None:
        _count_children(root)
        root.refresh_from_db()
        root.add_child(instance=home)
        return home
    # The new page gets the tree path and the slug of the deleted parent.
    home.path, home.depth, home.slug = orphan.path[: 2 * _STEP], 2, orphan.url_path.split("/")[1]
    home.save()
    _count_children(home)
    _count_children(root)
    return home


def _first_orphan() -> Page | None:
    """Return a page whose ancestor at depth 2 is deleted; None where there is none."""
    tops = set(Page.objects.filter(depth=2).values_list("path", flat=True))
    pages = Page.objects.filter(depth__gt=2).order_by("path")
    return next((page for page in pages if page.path[: 2 * _STEP] not in tops), None)


def _count_children(page: Page) -> None:
    """Correct `numchild`, which is wrong after rows were deleted manually."""
    children = Page.objects.filter(depth=page.depth + 1, path__startswith=page.path)
    Page.objects.filter(pk=page.pk).update(numchild=children.count())


def sync_site_address(site_url: str) -> bool:
    """Set host name and port of the default site to those of `site_url`. Return whether anything changed."""
    parts = urlsplit(site_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = site_host(site_url)
    site = Site.objects.filter(is_default_site=True).first()
    if site is None or (site.hostname, site.port) == (host, port):
        return False
    site.hostname, site.port = host, port
    site.save()
    return True


def prepare_data(say: Say) -> None:
    """Migrate, load the first content, set the address of the site, and create the first account.

    Reports only what changed. Raises CommandError.
    """
    _migrate(say)
    if front_page_is_missing():
        recreate_front_page(say)
    _load_content(say)
    _warn_of_unpublished_front_page(say)
    if sync_site_address(settings.SITE_URL):
        say(f"The site's address is now {settings.SITE_URL}.")
    _make_account(say)


def pending_migrations() -> list[str]:
    """Return the names of the pending migrations. Raises CommandError if a newer release migrated the database."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    newer = newer_migrations(applied=loader.applied_migrations, known=loader.disk_migrations)
    if newer:
        raise CommandError(
            f"The database was changed by a newer release of this program ({', '.join(newer)}). Start that release, or"
            " restore a backup from before it."
        )
    return [str(migration) for migration, _back in executor.migration_plan(loader.graph.leaf_nodes())]


def missing_preparation() -> str:
    """Return in one line why a command can't run: `prepare` has not run, or the database is another one; else ""."""
    try:
        missing = len(pending_migrations())
    except CommandError as error:
        return str(error)
    if not missing:
        return ""
    return (
        f"The database has yet to be prepared ({missing} steps): run `manage.py prepare` first. If it should have data,"
        f" look at DATABASE_URL and DATA_DIR ({settings.DATA_DIR})."
    )


def newer_migrations(*, applied: Collection[tuple[str, str]], known: Collection[tuple[str, str]]) -> list[str]:
    """Return the applied migrations, as app.name, that only a newer release can have brought.

    An unknown migration with a lower number has been squashed since, and does not indicate a newer release.
    """
    latest: dict[str, str] = {}
    for app, name in known:
        latest[app] = max(latest.get(app, ""), name[:4])
    unknown = [(app, name) for app, name in set(applied) - set(known) if name[:4].isdigit()]
    return sorted(f"{app}.{name}" for app, name in unknown if name[:4] >= latest.get(app, "~"))


def _migrate(say: Say) -> None:
    steps = pending_migrations()
    if steps:
        say(f"Bringing the database up to date ({len(steps)} steps) …")
    # Even without steps: post_migrate creates permissions that an interrupted run did not create.
    call_command("migrate", interactive=False, verbosity=0)


def _load_content(say: Say) -> None:
    output = io.StringIO()
    # No log line for each saved page.
    logging.getLogger("wagtail").setLevel(logging.WARNING)
    call_command("load_content", stdout=output)
    for line in output.getvalue().splitlines():
        say(line)


def recreate_front_page(say: Say) -> None:
    """Restore the front page and the first content, and report what that means."""
    say("THE FRONT PAGE IS GONE, so the site would show nothing. It is made anew from the first content.")
    restore_front_page()
    _load_content(say)
    link_settings_to_pages()
    say("  Enquiries, settings and pictures are as they were. What had been written on pages that are gone is only in")
    say('  a backup (docs/operations.md, "A lost front page"). By hand: manage.py restore_front_page')


def _warn_of_unpublished_front_page(say: Say) -> None:
    hidden = Site.objects.filter(is_default_site=True, root_page__live=False).first()
    if hidden:
        address = settings.SITE_URL + reverse("wagtailadmin_pages:edit", args=[hidden.root_page_id])
        say(f"WARNING: the front page is not published, so visitors find nothing. Publish it: {address}")


def _make_account(say: Say) -> None:
    try:
        account = ensure_supervisor_account(email=settings.ADMIN_EMAIL, password=settings.ADMIN_PASSWORD)
    except ValidationError as error:
        # The site starts anyway: visitors need it, and enquiries are stored.
        say(f"WARNING: nobody can sign in to the admin. {' '.join(error.messages)}")
        return
    if account is None:
        return
    say(f"Made the supervisor's account: {account.email}")
    if account.generated_password:
        say(f"  its password, shown only this once: {account.generated_password}")
    else:
        say("  its password is the one in ADMIN_PASSWORD; a later change of that changes nothing")
    for weakness in account.weaknesses:
        say(f"  WARNING, the password is weak: {weakness}")
