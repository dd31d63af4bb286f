"""The waiting list in the admin: its order and the return plan, with and without scripts."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.accessibility import assert_fits, certain_violations, look
from tests.browser.conftest import DESK, NewPage
from tests.browser.katis_desk import REMOVE_ALL, KatisDesk
from tests.browser.test_pause import put_pause_back
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

LIST = "/admin/odotuslista/"
RETURN = "/admin/odotuslista/paluu/"

LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((320, "light"), (390, "dark"), (1280, "light"))

# Six people on the list, one quarantined, and no pause.
SIX = """
from intake.models import WaitingPlace
from tests.intake.desk.pages import suspicious
from tests.intake.waiting.admin.waiters import put_on_list, waiting
from tests.intake.waiting.list_people import pause
pause(active=False)
for name in ("Aino", "Bertta", "Cilla", "Dora"):
    waiting(f"{name} Odottaja", supervision_form="individual")
waiting("Eevi Itse-Tavoitettava", wants_mail=False, email="eevi@esimerkki.fi")
put_on_list(suspicious(name="Outo Odottaja"))
"""
NOBODY = f"""
{REMOVE_ALL}
from intake.models import ReturnPlan
ReturnPlan.objects.all().delete()
"""


@pytest.fixture(autouse=True)
def six_waiting(site: RunningSite) -> Iterator[None]:
    site.run(NOBODY + SIX)
    yield
    site.run(NOBODY)
    put_pause_back(site)


@pytest.fixture
def admin(new_page: NewPage, kati_signed_in: StorageState, javascript_enabled: bool) -> Page:
    """The admin, with and without scripts."""
    return new_page(viewport=DESK, storage_state=kati_signed_in, java_script_enabled=javascript_enabled)


def expect_on_list(page: Page, *names: str) -> None:
    """Wait until the list begins with these first names."""
    for number, name in enumerate(names):
        expect(page.locator("td.waiting-list__name a").nth(number)).to_have_text(re.compile(rf"^\s*{name}\b"))


def test_person_moved_to_head_and_back(admin: Page) -> None:
    admin.goto(LIST)
    expect_on_list(admin, "Aino", "Bertta", "Cilla", "Dora", "Eevi", "Outo")
    row = admin.locator("tr[data-enquiry]", has_text="Dora")
    with next_document(admin):
        row.get_by_role("link", name=re.compile("^Siirrä jonon kärkeen")).click()
    with next_document(admin):
        admin.get_by_role("button", name="Siirrä jonon kärkeen").click()
    expect(admin.get_by_text("Kirjoita syy, enintään 200 merkkiä.").first).to_be_visible()
    admin.get_by_label("Syy:").fill("Sovittu puhelimessa")
    with next_document(admin):
        admin.get_by_role("button", name="Siirrä jonon kärkeen").click()
    expect_on_list(admin, "Dora")
    expect(admin.locator("tr[data-enquiry]").first).to_contain_text("Sovittu puhelimessa")
    with next_document(admin):
        admin.get_by_role("button", name=re.compile("^Palauta omalle paikalle")).click()
    expect(admin.get_by_role("button", name=re.compile("^Palauta omalle paikalle"))).to_have_count(0)
    expect_on_list(admin, "Aino", "Bertta", "Cilla", "Dora", "Eevi", "Outo")


def test_return_plan_is_started_and_stopped(admin: Page) -> None:
    admin.goto("/admin/")
    with next_document(admin):
        admin.get_by_role("link", name="4 odottaa: kerro vapaista ajoista").click()
    expect(admin.locator(".waiting__day")).to_have_count(1)
    admin.get_by_label("Viestejä päivässä:").fill("3")
    admin.get_by_label("Omat sanat:").fill('Lämmin "tervehdys" <Porista>')
    # A changed plan is shown once more before it starts.
    with next_document(admin):
        admin.get_by_role("button", name="Aloita ilmoittaminen").click()
    expect(admin.get_by_text("Mitään ei ole vielä lähetetty.").first).to_be_visible()
    expect(admin.locator(".waiting__day")).to_have_count(2)
    expect(admin.locator(".waiting__day").last).to_contain_text("Dora")
    letter = admin.frame_locator("iframe[srcdoc]")
    expect(letter.get_by_text("Lämmin ”tervehdys” <Porista>")).to_be_visible()
    with next_document(admin):
        admin.get_by_role("button", name="Aloita ilmoittaminen").click()
    expect(admin.get_by_role("heading", name="Vapaista ajoista ilmoitetaan parhaillaan")).to_be_visible()
    with next_document(admin):
        admin.get_by_role("button", name="Keskeytä ilmoittaminen").click()
    expect(admin.get_by_text("Ilmoittaminen keskeytettiin.").first).to_be_visible()
    expect(admin.get_by_role("heading", name="Aiemmat ilmoituskierrokset")).to_be_visible()
    expect(admin.get_by_role("heading", name="Näin ilmoitetaan")).to_be_visible()


def assert_well_looked_at(page: Page) -> None:
    """Assert that the open page is accessible and fits the window in each of LOOKS."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        look(page, scheme)
        assert certain_violations(page) == [], f"{page.url}, {width}, {scheme}"
        assert_fits(page)


def test_every_page_is_accessible_and_fits(desk: KatisDesk) -> None:
    page = desk.page
    page.goto(LIST)
    ahead = page.locator("a[href*='/karkeen/']").last.get_attribute("href")
    enquiry = page.locator("td.waiting-list__name a").last.get_attribute("href")
    assert ahead
    assert enquiry
    for address in (LIST, ahead, enquiry, RETURN):
        page.goto(address)
        assert_well_looked_at(page)
    with next_document(page):
        page.get_by_role("button", name="Aloita ilmoittaminen").click()
    expect(page.get_by_role("button", name="Keskeytä ilmoittaminen")).to_be_visible()
    # Reload to remove Wagtail's message, whose colours are not the site's.
    page.goto(RETURN)
    assert_well_looked_at(page)
    with next_document(page):
        page.get_by_role("button", name="Keskeytä ilmoittaminen").click()
    expect(page.get_by_role("heading", name="Aiemmat ilmoituskierrokset")).to_be_visible()
    page.goto(RETURN)
    assert_well_looked_at(page)
