"""Text typed on the page of an enquiry is not lost on leaving the page or when the session expires.

The position in the list is kept, too.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Route, expect

from tests.browser.katis_desk import LIST, REMOVE_ALL, KatisDesk
from tests.browser.people import SUPERVISOR, sign_in
from tests.browser.waits import first_held, next_document
from tests.tools.running_site import RunningSite

SAVE = "Tallenna tila ja muistiinpano"
EDITED = '[data-keep-words="handling"][data-w-unsaved-has-edits-value="true"]'


@pytest.fixture
def reading(site: RunningSite, desk: KatisDesk) -> Iterator[KatisDesk]:
    """The page of the only enquiry, open."""
    pk = site.run("from tests.intake.enquiries import received\nprint(received().pk)").strip()
    desk.page.goto(f"{LIST}inspect/{pk}/", wait_until="networkidle")
    yield desk
    site.run(REMOVE_ALL)


def asked(desk: KatisDesk) -> list[str]:
    """Go to the list and accept all dialogs. Return their types."""
    dialogs: list[str] = []

    def go(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    desk.page.on("dialog", go)
    with next_document(desk.page):
        desk.page.get_by_role("link", name="Takaisin luetteloon").click()
    desk.page.remove_listener("dialog", go)
    return dialogs


def test_leaving_with_unsaved_text_warns(reading: KatisDesk) -> None:
    page = reading.page
    page.get_by_label("Muistiinpano").click()
    page.keyboard.type("Soitettu")
    page.locator(EDITED).wait_for()
    assert asked(reading) == ["beforeunload"]


def test_leaving_without_change_does_not_warn(reading: KatisDesk) -> None:
    reading.page.get_by_label("Muistiinpano").click()
    assert asked(reading) == []


def test_double_click_saves_and_confirms_once(reading: KatisDesk) -> None:
    page = reading.page
    page.get_by_label("Muistiinpano").fill("Soitettu")
    with next_document(page):
        page.get_by_role("button", name=SAVE).dblclick()
    said = page.locator(".messages")
    expect(said).to_contain_text("Tila ja muistiinpano on tallennettu.")
    expect(said.locator("li")).to_have_count(1)
    expect(page.get_by_label("Muistiinpano")).to_have_value("Soitettu")
    expect(page.get_by_text("Muistiinpano muutettiin")).to_have_count(1)
    assert page.evaluate("sessionStorage.length") == 0
    assert page.url.endswith("/")


def test_text_is_restored_after_session_expiry(reading: KatisDesk) -> None:
    page = reading.page
    page.get_by_label("Muistiinpano").fill("Pitkä puhelu\nmaanantaina")
    page.get_by_label("Tila:", exact=True).select_option(label="Odottaa vastausta")
    # End only this tab's session: other tests use theirs.
    page.context.clear_cookies(name="sessionid")
    with next_document(page):
        page.get_by_role("button", name=SAVE).click()
    sign_in(page, SUPERVISOR)
    expect(page.get_by_text("kirjoittamasi on tallella")).to_be_visible()
    page.locator(EDITED).wait_for()
    expect(page.get_by_label("Muistiinpano")).to_have_value("Pitkä puhelu\nmaanantaina")
    expect(page.get_by_label("Tila:", exact=True)).to_have_value("awaiting_reply")
    with next_document(page):
        page.get_by_role("button", name=SAVE).click()
    expect(reading.fact("Tila")).to_have_text("Odottaa vastausta")
    expect(page.get_by_text("kirjoittamasi on tallella")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Muistiinpano")).to_have_value("Pitkä puhelu\nmaanantaina")
    expect(page.get_by_text("kirjoittamasi on tallella")).to_have_count(0)


def test_choice_before_page_load_is_kept(reading: KatisDesk) -> None:
    page = reading.page
    held: list[Route] = []
    page.route("**/late.png", lambda route: held.append(route))
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => { document.body.append(new Image()); "
        "document.body.lastChild.src = '/late.png'; })"
    )
    reading.move_to("Päättynyt")
    expect(reading.facts.get_by_text("Valitse, miten asia päättyi.")).to_be_visible()
    page.get_by_label("Miten asia päättyi?").select_option(label="Sopimus tehty")
    page.wait_for_timeout(500)
    assert page.evaluate("document.readyState") == "interactive"
    first_held(page, held).abort()
    page.wait_for_load_state("load")
    page.wait_for_timeout(500)
    page.get_by_role("button", name=SAVE).click()
    expect(reading.fact("Tila")).to_have_text("Päättynyt: Sopimus tehty")


def test_back_link_restores_list_position(reading: KatisDesk, site: RunningSite) -> None:
    page = reading.page
    back = page.get_by_role("link", name="Takaisin luetteloon")
    pk = page.url.rstrip("/").rpartition("/")[2]
    searched = f"{site.url}{LIST}?status__exact=new&q=Maija"
    page.goto(searched)
    with next_document(page):
        reading.rows.get_by_role("link").first.click()
    reading.move_to("Käsittelyssä")
    expect(back).to_have_attribute("href", searched)
    page.reload()
    expect(back).to_have_attribute("href", searched)
    with next_document(page):
        back.click()
    assert page.url == searched
    # Also from the page of an enquiry that has been removed in the meantime.
    page.evaluate("link => location.assign(link)", f"{LIST}inspect/999999/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Yhteydenottoa ei enää ole")
    expect(back).to_have_attribute("href", searched)
    # After opening a link from a mail, there is no list to return to.
    page.goto(f"{LIST}inspect/{pk}/")
    expect(back).to_have_attribute("href", f"{site.url}{LIST}")
