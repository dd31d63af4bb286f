"""Kati's own words on the page of an enquiry: leaving asks, and a session that has ended costs nothing. Nor is her
place in the list lost."""

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
    """The page of the only enquiry."""
    pk = site.run("from tests.intake.enquiries import received\nprint(received().pk)").strip()
    desk.page.goto(f"{LIST}inspect/{pk}/", wait_until="networkidle")
    yield desk
    site.run(REMOVE_ALL)


def asked(desk: KatisDesk) -> list[str]:
    """What is asked on the way to the list; the answer is to go."""
    dialogs: list[str] = []

    def go(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    desk.page.on("dialog", go)
    with next_document(desk.page):
        desk.page.get_by_role("link", name="Takaisin luetteloon").click()
    desk.page.remove_listener("dialog", go)
    return dialogs


def test_leaving_unsaved_words_asks(reading: KatisDesk) -> None:
    page = reading.page
    page.get_by_label("Muistiinpano").click()
    page.keyboard.type("Soitettu")
    page.locator(EDITED).wait_for()
    assert asked(reading) == ["beforeunload"]


def test_leaving_without_a_change_asks_nothing(reading: KatisDesk) -> None:
    reading.page.get_by_label("Muistiinpano").click()
    assert asked(reading) == []


def test_two_presses_save_once_and_say_so_once(reading: KatisDesk) -> None:
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


def test_signed_out_meanwhile_the_words_come_back(reading: KatisDesk) -> None:
    page = reading.page
    page.get_by_label("Muistiinpano").fill("Pitkä puhelu\nmaanantaina")
    page.get_by_label("Tila:", exact=True).select_option(label="Odottaa vastausta")
    # Only this tab's session ends: other tests go on with theirs.
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


def test_the_list_is_as_it_was_left(reading: KatisDesk, site: RunningSite) -> None:
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
    # Also from where an enquiry was, that was removed meanwhile.
    page.evaluate("link => location.assign(link)", f"{LIST}inspect/999999/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Yhteydenottoa ei enää ole")
    expect(back).to_have_attribute("href", searched)
    # By a link in a mail she has left no list.
    page.goto(f"{LIST}inspect/{pk}/")
    expect(back).to_have_attribute("href", f"{site.url}{LIST}")
