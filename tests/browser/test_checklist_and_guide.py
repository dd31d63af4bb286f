"""The checklist on the dashboard, and the editor's guide."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.accessibility import assert_fits, certain_violations
from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.katis_desk import KatisDesk
from tests.browser.people import SUPERVISOR
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

FIELDS = ("facebook_url", "response_time", "official_name", "business_id", "postal_address")
# Restores the initial content; for `manage.py shell -c`.
PUT_BACK = (
    "from home.models import ChecklistMark, ContactDetails\n"
    "ChecklistMark.objects.all().delete()\n"
    f"ContactDetails.objects.update(**dict.fromkeys({FIELDS!r}, ''))\n"
)


@pytest.fixture(autouse=True)
def as_it_was(site: RunningSite) -> Iterator[None]:
    yield
    site.run(PUT_BACK)


# For `manage.py shell -c`.
SET_ASIDE_ALL_BUT_TWO = (
    "from aijuu_site.accounts.models import User\n"
    "from home.checklist import checklist_for, mark_point\n"
    f"user = User.objects.get(email={SUPERVISOR.email!r})\n"
    "for point in checklist_for(user).open[2:]:\n"
    "    mark_point(item=point.item, state='set_aside')\n"
)


def open_points(page: Page) -> list[str]:
    return page.locator(".checklist li .checklist__words a").all_inner_texts()


def test_checklist_panel_empties_as_points_are_handled(desk: KatisDesk, site: RunningSite) -> None:
    page = desk.page
    page.goto("/admin/")
    before = open_points(page)
    assert "Y-tunnus" in before
    expect(page.get_by_text(f"{14 - len(before)}/14 kunnossa")).to_be_visible()

    page.get_by_role("link", name="Y-tunnus").click()
    field = page.get_by_label("Y-tunnus")
    expect(field).to_be_in_viewport()
    field.fill("1234567-2")
    with next_document(page):
        page.get_by_role("button", name="Tallenna").click()
    expect(page.get_by_text("Tarkista Y-tunnus. Oikea muoto on esimerkiksi 1234567-1.").first).to_be_visible()
    page.get_by_label("Y-tunnus").fill("1234567-1")
    with next_document(page):
        page.get_by_role("button", name="Tallenna").click()
    page.goto("/admin/")
    assert set(before) - set(open_points(page)) == {"Y-tunnus"}
    assert certain_violations(page) == []

    site.run(SET_ASIDE_ALL_BUT_TWO)
    page.reload()
    for left in (2, 1):
        assert len(open_points(page)) == left
        with next_document(page):
            page.locator(".checklist li").first.get_by_role("button", name="Ei koske minua").click()
    expect(page.get_by_role("heading", name="Sivustoltasi puuttuu vielä")).to_have_count(0)

    page.get_by_role("button", name="Ohjeet").click()
    with next_document(page):
        page.get_by_role("link", name="Aloituslista").click()
    expect(page.get_by_text("Kunnossa on 14/14.")).to_be_visible()
    assert certain_violations(page) == []
    with next_document(page):
        page.get_by_role("button", name=re.compile("^Palauta listalle ?: Vastausaika$")).click()
    page.goto("/admin/")
    assert open_points(page) == ["Vastausaika"]


def test_the_list_works_without_scripts(new_page: NewPage, kati_signed_in: StorageState) -> None:
    # Not on a phone, where Wagtail's menu covers the page until its script collapses it.
    page = new_page(storage_state=kati_signed_in, viewport=DESK, java_script_enabled=False)
    page.goto("/admin/")
    with next_document(page):
        page.get_by_role("button", name=re.compile("^Ei koske minua ?: Vastausaika$")).click()
    assert "Vastausaika" not in open_points(page)
    assert len(open_points(page)) > 1


def test_guide_opens_from_menu_with_working_contents(desk: KatisDesk) -> None:
    page = desk.page
    page.goto("/admin/")
    page.get_by_role("button", name="Ohjeet").click()
    with next_document(page):
        page.get_by_role("link", name="Sivuston opas").click()
    page.get_by_role("navigation", name="Sisällys").get_by_role("link", name="Taukoilmoitus").click()
    expect(page.get_by_role("heading", name="Taukoilmoitus", exact=True)).to_be_in_viewport()
    assert certain_violations(page) == []
    assert not page.evaluate(
        """async () => {
            const pictures = [...document.querySelectorAll(".editors-guide img")];
            for (const picture of pictures) { picture.loading = "eager"; await picture.decode(); }
            return pictures.some((picture) => !picture.naturalWidth);
        }"""
    )


def test_the_guide_fits_a_phone(new_page: NewPage, kati_signed_in: StorageState) -> None:
    page = new_page(storage_state=kati_signed_in, viewport=PHONE)
    page.goto("/admin/opas/")
    assert_fits(page)


@pytest.mark.parametrize(
    ("address", "chapter"),
    [("/admin/settings/home/pausenotice/", "Taukoilmoitus"), ("/admin/settings/home/contactdetails/", "Aloituslista")],
)
def test_a_setting_leads_to_its_chapter(address: str, chapter: str, desk: KatisDesk) -> None:
    desk.page.goto(address)
    desk.page.get_by_role("link", name="Ohje tähän sivuun").click()
    expect(desk.page.get_by_role("heading", name=chapter, exact=True)).to_be_in_viewport()
