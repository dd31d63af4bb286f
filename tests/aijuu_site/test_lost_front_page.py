"""After the loss of the front page, the next start reports it and restores a working site."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from wagtail.models import GroupPagePermission, Page, Site

from aijuu_site.serving.preparation import front_page_is_missing, prepare_data
from home.models import ContactDetails, ContentPage, HomePage, LoadedContent
from intake.models import ContactPage
from tests.accounts import make_user
from tests.loaded_rows import LoadedContent as FirstContent


@pytest.fixture
def site(db: None, _loaded_content: FirstContent) -> None:
    """Load a site as after its first start, with a phone number changed by the editor."""
    make_user(email="kati.levola@aijuu.fi", group="Työnohjaaja", is_superuser=True)
    _loaded_content.put_back()
    ContactDetails.objects.update(phone="02 633 1234")


def rights() -> set[tuple[str, str]]:
    rows = GroupPagePermission.objects.filter(page=HomePage.objects.get())
    return {(row.group.name, row.permission.codename) for row in rows.select_related("group", "permission")}


def start() -> str:
    output: list[str] = []
    prepare_data(output.append)
    return "\n".join(output)


def delete_whole_tree() -> None:
    HomePage.objects.get().delete()


def delete_only_its_row() -> None:
    """Delete the front page with SQL: rows that refer to it are deleted too, but the pages below it stay."""
    home = HomePage.objects.get()
    GroupPagePermission.objects.filter(page=home).delete()
    Site.objects.all().delete()
    with connection.cursor() as cursor:
        for table, key in (
            ("wagtailcore_referenceindex", "object_id"),
            ("home_homepage", "page_ptr_id"),
        ):
            cursor.execute(f"DELETE FROM {table} WHERE {key} = %s", [str(home.pk)])  # noqa: S608
        cursor.execute("DELETE FROM wagtailcore_page WHERE id = %s", [home.pk])


def delete_the_site() -> None:
    Site.objects.all().delete()


def unset_default_site() -> None:
    Site.objects.update(is_default_site=False)


WAYS: list[Callable[[], None]] = [delete_whole_tree, delete_only_its_row, delete_the_site, unset_default_site]


@pytest.mark.parametrize("lose", WAYS, ids=lambda way: way.__name__)
def test_start_restores_lost_front_page(lose: Callable[[], None], site: None) -> None:
    before, paths = rights(), set(Page.objects.values_list("url_path", flat=True))
    lose()
    assert front_page_is_missing()
    output = start()
    assert output.splitlines()[0].startswith("THE FRONT PAGE IS GONE")
    assert "restore_front_page" in output
    assert rights() == before
    assert len(before) == 12
    assert set(Page.objects.values_list("url_path", flat=True)) == paths
    assert Page.find_problems() == ([], [], [], [], [])
    client = Client()
    for address in ("/", "/ota-yhteytta/", "/tietosuoja/", "/yksilotyonohjaus/", "/sitemap.xml"):
        assert client.get(address).status_code == 200, address
    assert "Työnohjaus" in client.get("/").content.decode()
    details = ContactDetails.load()
    assert details.contact_page == ContactPage.objects.get().page_ptr
    assert details.privacy_page is not None
    client.force_login(make_user("sanna", group="Sisällöntuottaja"))
    assert client.get(f"/admin/pages/{HomePage.objects.get().pk}/edit/").status_code == 200
    # The editor's changes are kept.
    assert details.phone == "02 633 1234"
    assert "GONE" not in start()


def test_restore_front_page_command(site: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("restore_front_page")
    assert "nothing to do" in capsys.readouterr().out
    delete_whole_tree()
    call_command("restore_front_page")
    assert "THE FRONT PAGE IS GONE" in capsys.readouterr().out
    assert Client().get("/").status_code == 200


def test_restore_keeps_text_of_remaining_pages(site: None) -> None:
    page = ContentPage.objects.get(slug="tietosuoja")
    page.title = "Katin omat sanat"
    page.save_revision().publish()
    delete_only_its_row()
    start()
    kept = ContentPage.objects.get(slug="tietosuoja")
    assert (kept.pk, kept.title) == (page.pk, "Katin omat sanat")
    assert "Katin omat sanat" in Client().get("/tietosuoja/").content.decode()


def test_start_does_not_restore_deleted_page(site: None) -> None:
    """While the front page exists, a start restores nothing."""
    ContentPage.objects.get(slug="saavutettavuus").delete()
    marks = LoadedContent.objects.count()
    output = start()
    assert "GONE" not in output
    assert not ContentPage.objects.filter(slug="saavutettavuus").exists()
    assert LoadedContent.objects.count() == marks


def test_start_loads_new_initial_content(site: None) -> None:
    """As after an upgrade to a release with an additional page."""
    ContentPage.objects.get(slug="saavutettavuus").delete()
    LoadedContent.objects.get(key="page:/saavutettavuus/").delete()
    start()
    assert Client().get("/saavutettavuus/").status_code == 200


def test_start_reports_unpublished_front_page(site: None) -> None:
    home = HomePage.objects.get()
    home.unpublish()
    assert f"/admin/pages/{home.pk}/edit/" in start()
    assert Client().get("/").status_code == 404
