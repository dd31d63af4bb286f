"""Every committed write to data that pages show changes the generation. No other write does."""

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, PageViewRestriction, Site

from aijuu_site.kept_pages import generation
from aijuu_site.kept_pages.generation import (
    SharedGeneration,
    announce,
    follow_database,
    forget_old_changes,
    recorded_changes,
    shared_generation,
    watched_tables,
)
from aijuu_site.models import PageChange
from home.contact_details import ContactDetails
from home.pages import ContentPage, HomePage
from home.pause.models import PauseNotice
from home.pause.services import begin_pause
from intake.enquiry.models import Enquiry
from tests.accounts import make_user

transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture
def changed() -> Callable[[], bool]:
    """Return a function that returns whether the generation has changed since its last call."""
    seen = [shared_generation().current()]

    def ask() -> bool:
        seen.append(shared_generation().current())
        return seen[-1] != seen[-2]

    return ask


@pytest.fixture
def page(transactional_db: None) -> ContentPage:
    home = HomePage.objects.first() or Page.objects.get(depth=1).add_child(instance=HomePage(title="Etusivu"))
    return home.add_child(instance=ContentPage(title="Hinnat", slug="hinnat"))


def save_and_roll_back(page: ContentPage) -> None:
    with transaction.atomic():
        page.save()
        transaction.set_rollback(True)


WAYS: dict[str, Callable[[ContentPage], object]] = {
    "save": lambda page: page.save(),
    "publish": lambda page: page.save_revision().publish(),
    "unpublish": lambda page: page.unpublish(),
    "delete": lambda page: page.delete(),
    "update": lambda page: Page.objects.filter(pk=page.pk).update(title="Uusi"),
    "raw SQL": lambda page: connection.cursor().execute("UPDATE wagtailcore_page SET title = 'Uusi'"),
    "bulk_create": lambda page: Redirect.objects.bulk_create([Redirect(old_path="/vanha", redirect_page=page)]),
    "bulk_update": lambda page: Page.objects.bulk_update([page], ["title"]),
    "move": lambda page: page.move(page.get_parent(), pos="first-child"),
    "restriction": lambda page: PageViewRestriction.objects.create(page=page, restriction_type="login"),
    "queryset delete": lambda page: ContentPage.objects.filter(pk=page.pk).delete(),
    "site": lambda page: Site.objects.update(site_name="Aijuu"),
    "contact details": lambda page: ContactDetails.load().save(),
    "pause": lambda page: PauseNotice.objects.update(active=True),
}


DRAFT_ALONE = {"draft_title": "Uusi", "has_unpublished_changes": True}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_write_changes_generation(way: str, page: ContentPage, changed: Callable[[], bool]) -> None:
    changed()
    before = recorded_changes()
    WAYS[way](page)
    assert changed()
    assert recorded_changes() > before


def test_announced_change_is_not_announced_again(page: ContentPage, changed: Callable[[], bool]) -> None:
    with transaction.atomic():
        page.save()
    changed()
    follow_database()
    assert not changed()


@transactional
def test_write_outside_a_transaction_is_announced_once(changed: Callable[[], bool]) -> None:
    # Another test may have recorded changes under the primary keys that come now.
    announce()
    changed()
    Redirect.objects.create(old_path="/vanha", redirect_link="/uusi/")
    assert changed()
    follow_database()
    assert not changed()


@transactional
def test_write_outside_transaction_commits_with_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a process died between two commits, no other machine would ever notice the change."""

    def dies() -> None:
        raise SystemExit

    monkeypatch.setattr(generation, "_record_in_transaction", dies)
    with pytest.raises(SystemExit):
        Redirect.objects.create(old_path="/vanha", redirect_link="/uusi/")
    assert not Redirect.objects.exists()


@transactional
def test_transaction_over_many_tables_records_one_change(page: ContentPage) -> None:
    count = PageChange.objects.count()
    with transaction.atomic():
        page.title = "Uusi"
        page.save_revision().publish()
        ContactDetails.load().save()
    assert PageChange.objects.count() == count + 1


@transactional
def test_draft_keeps_generation(page: ContentPage, changed: Callable[[], bool]) -> None:
    changed()
    page.title = "Uusi"
    draft = page.save_revision()
    page.save_revision(overwrite_revision=draft)
    Page.objects.filter(pk=page.pk).update(**DRAFT_ALONE)
    assert not changed()
    assert Page.objects.get(pk=page.pk).draft_title == "Uusi"
    draft.publish()
    assert changed()


@transactional
def test_draft_saved_in_editor_keeps_generation(page: ContentPage, changed: Callable[[], bool]) -> None:
    kati, edit = Client(), reverse("wagtailadmin_pages:edit", args=[page.pk])
    kati.force_login(make_user(group="Työnohjaaja"))
    text = {"key": "aaaaa", "text": "Uutta", "type": "unstyled", "depth": 0, "inlineStyleRanges": []}
    intro = json.dumps({"blocks": [{**text, "entityRanges": []}], "entityMap": {}})
    form = {"title": "Uusi", "slug": "hinnat", "intro": intro, "body-count": "0"}
    changed()
    assert kati.post(edit, form).status_code == 302
    page.refresh_from_db()
    assert "Uutta" in page.get_latest_revision_as_object().intro
    assert not changed()
    assert kati.post(edit, {**form, "action-publish": "1"}).status_code == 302
    assert changed()


@transactional
@pytest.mark.parametrize("column", ["live", "title", "expired", "url_path"])
def test_draft_columns_with_another_column_change_generation(
    column: str, page: ContentPage, changed: Callable[[], bool]
) -> None:
    also = {column: getattr(page, column)}
    for values in ({**DRAFT_ALONE, **also}, {**also, **DRAFT_ALONE}):
        changed()
        Page.objects.filter(pk=page.pk).update(**values)
        assert changed()


@transactional
def test_users_and_enquiries_keep_generation(changed: Callable[[], bool]) -> None:
    changed()
    before = recorded_changes()
    make_user()
    Enquiry.objects.filter(pk=1).update(name="Maija")
    list(Page.objects.all())
    assert not changed()
    assert recorded_changes() == before


def test_uncommitted_change_is_not_announced(page: ContentPage, changed: Callable[[], bool]) -> None:
    changed()
    with transaction.atomic():
        page.save()
        assert not changed()
    assert changed()


def test_rolled_back_change_is_not_announced(page: ContentPage, changed: Callable[[], bool]) -> None:
    changed()
    before = recorded_changes()
    save_and_roll_back(page)
    assert not changed()
    assert recorded_changes() == before
    # The next transaction is recorded although the previous one was rolled back.
    page.save()
    assert changed()
    assert recorded_changes() != before


def test_rolled_back_savepoint_hides_no_later_change(page: ContentPage, changed: Callable[[], bool]) -> None:
    changed()
    before = recorded_changes()
    with transaction.atomic():
        save_and_roll_back(page)
        Page.objects.filter(pk=page.pk).update(title="Uusi")
    assert changed()
    assert recorded_changes() != before


def test_failed_write_outside_a_transaction_is_an_error(page: ContentPage, changed: Callable[[], bool]) -> None:
    changed()
    with pytest.raises(DatabaseError):
        Page.objects.filter(pk=page.pk).update(path=Page.objects.get(depth=1).path)
    assert not changed()


def test_begun_pause_changes_generation(transactional_db: None, changed: Callable[[], bool]) -> None:
    notice = PauseNotice.load()
    changed()
    begin_pause(version=notice.version, by=None, now=timezone.now())
    assert changed()


@transactional
def test_follow_database_finds_change_of_another_machine(page: ContentPage, changed: Callable[[], bool]) -> None:
    """This also covers a process that was killed between its commit and its announcement."""
    with mock.patch.object(generation, "announce"):
        page.save()
    assert not changed()
    follow_database()
    assert changed()
    follow_database()
    assert not changed()


@transactional
def test_change_during_announcement_is_found(changed: Callable[[], bool]) -> None:
    """A page rendered under the new generation, but before the other machine's commit, does not show that change."""
    own = SharedGeneration.change

    def change_and_another_machine_commits(generation: SharedGeneration) -> None:
        own(generation)
        PageChange.objects.create()

    with mock.patch.object(SharedGeneration, "change", change_and_another_machine_commits):
        announce()
    changed()
    follow_database()
    assert changed()


@transactional
def test_change_with_lower_id_committed_later_is_found(changed: Callable[[], bool]) -> None:
    PageChange.objects.create(pk=1_000_002)
    announce()
    changed()
    PageChange.objects.create(pk=1_000_001)
    follow_database()
    assert changed()


@transactional
def test_old_changes_are_deleted_except_the_last() -> None:
    PageChange.objects.bulk_create(PageChange() for _ in range(5))
    highest, _ = recorded_changes()
    forget_old_changes()
    assert recorded_changes() == (highest, 1)
    forget_old_changes()
    assert recorded_changes() == (highest, 1)


@transactional
def test_announce_changes_generation_without_database(changed: Callable[[], bool]) -> None:
    with mock.patch.object(generation, "recorded_changes", side_effect=DatabaseError("gone")):
        announce()
    assert changed()


def _change(path: str) -> None:
    SharedGeneration(Path(path)).change()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "generation"


def test_generation_is_shared_between_processes(path: Path) -> None:
    mine = SharedGeneration(path)
    before = mine.current()
    process = multiprocessing.get_context("fork").Process(target=_change, args=(str(path),))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert mine.current() != before
    assert SharedGeneration(path).current() == mine.current()


def test_generation_file_is_allocated_on_disk(path: Path) -> None:
    """On a full disk, a write into an unallocated part of a memory-mapped file kills the process."""
    SharedGeneration(path)
    assert path.stat().st_blocks > 0


def test_including_changes_keeps_generation(path: Path) -> None:
    shared = SharedGeneration(path)
    shared.change()
    before = shared.current()
    shared.include((12, 3))
    assert shared.included() == (12, 3)
    assert shared.current() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_revisions_and_logs_are_not_watched() -> None:
    """Every save of a draft writes them, and no page shows them."""
    assert not watched_tables() & {"wagtailcore_revision", "wagtailcore_pagelogentry", "home_pausechange"}
    assert {"wagtailcore_page", "home_pausenotice", "intake_intakesettings"} <= watched_tables()


def test_new_generation_empties_the_cache() -> None:
    """Wagtail invalidates its cache entries of sites and pictures only in the process that changes them."""
    cache.set("kept", "old")
    assert cache.get("kept") == "old"
    shared_generation().change()
    assert cache.get("kept") is None
