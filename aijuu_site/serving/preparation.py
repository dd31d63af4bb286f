"""Everything that stands between an empty folder and a site that can answer. Each step can be repeated."""

import io
import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from wagtail.models import Site

from aijuu_site.serving.accounts import ensure_supervisor_account
from aijuu_site.serving.front_page import front_page_is_missing, restore_front_page
from aijuu_site.serving.site_address import sync_site_address
from aijuu_site.serving.static_files import collect_static_files, static_files_are_current, static_fingerprint
from home.content_loader import link_settings_to_pages

Say = Callable[[str], None]


def prepare_data(say: Say) -> None:
    """Migrate, load the first content, set the site's address, and make the first account; say only what changed.

    Raises CommandError with what to do about it.
    """
    _migrate(say)
    if front_page_is_missing():
        bring_back_front_page(say)
    _load_content(say)
    _tell_of_hidden_front_page(say)
    if sync_site_address(settings.SITE_URL):
        say(f"The site's address is now {settings.SITE_URL}.")
    _make_account(say)


def prepare_static_files(say: Say) -> None:
    """Collect static files where they are not up to date."""
    stamp = settings.DATA_DIR / "static.stamp"
    fingerprint = static_fingerprint()
    if not static_files_are_current(stamp, fingerprint):
        say("Collecting and compressing static files (half a minute) …")
        collect_static_files(stamp, fingerprint)


def _migrate(say: Say) -> None:
    executor = MigrationExecutor(connection)
    steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if steps:
        say(f"Bringing the database up to date ({len(steps)} steps) …")
    # Without steps, too: it completes permissions where an earlier run was cut off.
    call_command("migrate", interactive=False, verbosity=0)


def _load_content(say: Say) -> None:
    said = io.StringIO()
    # One line of ours instead of a line for each save.
    logging.getLogger("wagtail").setLevel(logging.WARNING)
    call_command("load_content", stdout=said)
    for line in said.getvalue().splitlines():
        say(line)


def bring_back_front_page(say: Say) -> None:
    """Make a working site of a database without a front page, and say what that means."""
    say("THE FRONT PAGE IS GONE, so the site would show nothing. It is made anew from the first content.")
    restore_front_page()
    _load_content(say)
    link_settings_to_pages()
    say("  Enquiries, settings and pictures are as they were. What had been written on pages that are gone is only in")
    say('  a backup (docs/operations.md, "A lost front page"). By hand: manage.py restore_front_page')


def _tell_of_hidden_front_page(say: Say) -> None:
    hidden = Site.objects.filter(is_default_site=True, root_page__live=False).first()
    if hidden:
        address = settings.SITE_URL + reverse("wagtailadmin_pages:edit", args=[hidden.root_page_id])
        say(f"WARNING: the front page is not published, so visitors find nothing. Publish it: {address}")


def _make_account(say: Say) -> None:
    try:
        account = ensure_supervisor_account(email=settings.ADMIN_EMAIL, password=settings.ADMIN_PASSWORD)
    except ValidationError as error:
        # Visitors need the site all the same, and what they send is kept.
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
