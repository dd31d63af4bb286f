"""The worker runs the maintenance jobs that Wagtail and Django expect."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Page, Revision, UploadedFile

from aijuu_site.accounts.models import User
from aijuu_site.models import PageChange
from aijuu_site.periodic_jobs import UPKEEP_JOBS
from aijuu_site.problems import problems_of_site
from home.images.models import missing_specs
from home.images.preparation import make_files
from home.models import ContentPage, HomePage
from intake.jobs.runner import JobRunner, registered_jobs
from intake.models import JobRun
from tests.accounts import make_user
from tests.uploading import drawn, upload

pytestmark = pytest.mark.django_db


def work(at: Any = None) -> None:
    """Run the upkeep jobs that are due at this time, as the worker does."""
    with time_machine.travel(at or timezone.now(), tick=False):
        JobRunner(UPKEEP_JOBS, lambda: False).run_due()


@pytest.fixture
def front(loaded_site: None) -> HomePage:
    """Return the front page of the site with the initial content."""
    return HomePage.objects.get()


def scheduled(front: HomePage, slug: str, **changes: Any) -> ContentPage:
    """Create a page with the given changes as its published or scheduled version."""
    page: ContentPage = front.add_child(instance=ContentPage(title=slug.title(), slug=slug, live=False))
    for name, value in changes.items():
        setattr(page, name, value)
    revision = page.save_revision()
    revision.publish()
    return page


def test_scheduled_page_is_published_at_its_time(front: HomePage) -> None:
    now = timezone.now()
    scheduled(front, "joulu", go_live_at=now + timedelta(hours=2))
    work(now + timedelta(hours=1))
    assert Client().get("/joulu/").status_code == 404
    work(now + timedelta(hours=2, minutes=1))
    assert Client().get("/joulu/").status_code == 200


def test_page_expires_at_its_time(front: HomePage) -> None:
    now = timezone.now()
    page = scheduled(front, "kampanja", expire_at=now + timedelta(hours=2))
    work(now + timedelta(hours=1))
    assert Client().get("/kampanja/").status_code == 200
    work(now + timedelta(hours=2, minutes=1))
    assert Client().get("/kampanja/").status_code == 404
    page.refresh_from_db()
    assert (page.live, page.expired) == (False, True)


def test_page_with_postponed_expiry_stays(front: HomePage) -> None:
    now = timezone.now()
    page = scheduled(front, "kampanja", expire_at=now + timedelta(hours=2))
    page.expire_at = now + timedelta(days=2)
    page.save_revision().publish()
    work(now + timedelta(hours=3))
    assert Client().get("/kampanja/").status_code == 200


def test_failing_scheduled_page_does_not_block_others(front: HomePage, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    broken = scheduled(front, "rikki", go_live_at=now + timedelta(hours=1))
    scheduled(front, "ehja", go_live_at=now + timedelta(hours=2))
    publish = Revision.publish

    def fails(self: Revision, *arguments: Any, **more: Any) -> None:
        if self.object_id == str(broken.pk):
            raise ValueError
        publish(self, *arguments, **more)

    monkeypatch.setattr(Revision, "publish", fails)
    work(now + timedelta(hours=3))
    assert Client().get("/rikki/").status_code == 404
    assert Client().get("/ehja/").status_code == 200
    [problem] = [problem for problem in problems_of_site(now=now + timedelta(hours=3)) if "publishing" in problem.key]
    assert problem.words.endswith(". Vika on tässä: Rikki")


def test_expired_sessions_are_deleted(db: None) -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(hours=1))
    work(now)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]


def test_old_page_changes_are_deleted_except_the_last(db: None) -> None:
    PageChange.objects.bulk_create(PageChange() for _ in range(5))
    latest = PageChange.objects.latest("pk")
    work()
    assert list(PageChange.objects.all()) == [latest]


def test_only_old_unused_revisions_are_deleted(front: HomePage) -> None:
    start = timezone.now() - timedelta(days=800)
    with time_machine.travel(start, tick=False):
        page = front.add_child(instance=ContentPage(title="Sivu", slug="sivu"))
        unused = page.save_revision()
    with time_machine.travel(start + timedelta(days=1), tick=False):
        live = page.save_revision()
        live.publish()
    with time_machine.travel(start + timedelta(days=2), tick=False):
        draft = page.save_revision()
        other = front.add_child(instance=ContentPage(title="Toinen", slug="toinen"))
        waiting = other.save_revision(approved_go_live_at=timezone.now() + timedelta(days=2000))
        latest = other.save_revision()
    work()
    kept = Revision.objects.filter(object_id__in=[str(page.pk), str(other.pk)])
    assert set(kept) == {live, draft, waiting, latest}
    assert unused not in kept


def test_revisions_are_kept_for_a_year(front: HomePage) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=364), tick=False):
        page = front.add_child(instance=ContentPage(title="Sivu", slug="sivu"))
        for _ in range(3):
            page.save_revision()
    work()
    assert Revision.objects.filter(object_id=str(page.pk)).count() == 3


def test_weekly_reindex_finds_direct_database_changes(front: HomePage) -> None:
    work(timezone.now())
    Page.objects.filter(pk=front.pk).update(title="Uudenlainen etusivu")
    assert front not in [page.specific for page in Page.objects.all().search("Uudenlainen")]
    work(timezone.now() + timedelta(days=7, minutes=1))
    assert front in [page.specific for page in Page.objects.all().search("Uudenlainen")]


def test_missing_renditions_are_made_after_interruption() -> None:
    image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn((480, 720))))
    # The process that received the upload ended before it made any rendition.
    assert len(missing_specs(image)) == 15
    work(timezone.now() + timedelta(minutes=6))
    assert not missing_specs(image)


def test_broken_picture_does_not_block_others() -> None:
    broken = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn()))
    Path(broken.file.path).write_bytes(b"not a picture")
    whole = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn()))
    work(timezone.now() + timedelta(minutes=6))
    assert missing_specs(broken)
    assert not missing_specs(whole)


def test_failing_picture_is_named(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    broken = get_image_model().objects.create(description="Kati", title="Kaksin \n metsässä", file=upload(drawn()))
    Path(broken.file.path).write_bytes(b"not a picture")
    work(timezone.now() + timedelta(minutes=6))
    name = f"#{broken.pk} Kaksin metsässä"
    # It is named once, though several renditions failed.
    assert JobRun.objects.get(name="pictures").failing_names == name
    assert f"pictures: {name} failed: " in caplog.text
    client.force_login(make_user("kati", is_superuser=True))
    page = " ".join(client.get("/admin/").text.split())
    assert "Kuvatiedostojen tekeminen ei juuri nyt onnistu." in page
    assert f"Vika on tässä: {name}" in page

    broken.delete()
    work(timezone.now() + timedelta(minutes=30))
    assert JobRun.objects.get(name="pictures").failing_names == ""


def test_at_most_five_failing_pictures_are_named() -> None:
    for number in range(7):
        picture = get_image_model().objects.create(description="Kati", title=f"Kuva {number}", file=upload(drawn()))
        Path(picture.file.path).write_bytes(b"not a picture")
    work(timezone.now() + timedelta(minutes=6))
    names = JobRun.objects.get(name="pictures").failing_names.split(", ")
    assert [name.partition(" ")[2] for name in names[:5]] == [f"Kuva {number}" for number in range(5)]
    assert names[5:] == ["…"]


def test_upkeep_removes_orphaned_image_file_after_day() -> None:
    image = get_image_model().objects.create(description="Kati", title="k", file=upload(drawn()))
    make_files(image)
    left = storages["pictures"].save("images/x.jpg", ContentFile(b"x"))
    work(timezone.now() + timedelta(hours=23))
    assert storages["pictures"].exists(left)
    work(timezone.now() + timedelta(hours=48))
    assert not storages["pictures"].exists(left)
    assert all(storages["pictures"].exists(one.file.name) for one in image.renditions.all())


def test_unfinished_upload_is_removed_after_a_week() -> None:
    def unfinished_upload(model: type[Model]) -> UploadedFile:
        kind = ContentType.objects.get_for_model(model)
        return UploadedFile.objects.create(for_content_type=kind, file=upload(drawn()))

    left, document, lost = (
        unfinished_upload(get_image_model()),
        unfinished_upload(get_document_model()),
        unfinished_upload(get_image_model()),
    )
    lost.file.storage.delete(lost.file.name)
    work(timezone.now() + timedelta(days=6))
    assert set(UploadedFile.objects.all()) == {left, document}
    work(timezone.now() + timedelta(days=8))
    assert list(UploadedFile.objects.all()) == [document]
    assert not left.file.storage.exists(left.file.name)


def test_upkeep_jobs_are_registered() -> None:
    assert set(UPKEEP_JOBS) <= set(registered_jobs())


def test_session_from_future_clock_is_deleted(db: None) -> None:
    now = timezone.now()
    with time_machine.travel(now + timedelta(days=3000), tick=False):
        Client().force_login(make_user("ennen"))
    with time_machine.travel(now, tick=False):
        Client().force_login(make_user("nyt"))
    work(now)
    assert [session.get_decoded()["_auth_user_id"] for session in Session.objects.all()] == [
        str(User.objects.get(email="nyt@example.fi").pk)
    ]
