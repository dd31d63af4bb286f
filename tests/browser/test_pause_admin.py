"""The pause in the admin: the buttons with undo, previews, an outdated tab, and the history."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, Route, StorageState, ViewportSize, expect

from tests.browser.accessibility import assert_fits, certain_violations, look
from tests.browser.conftest import DESK, PHONE, SCHEMES, NewPage
from tests.browser.katis_desk import KatisDesk
from tests.browser.test_pause import PauseSettings, notice_on, put_pause_back
from tests.browser.waits import first_held, next_document
from tests.tools.running_site import RunningSite

OVERDUE = (
    "from datetime import date\nfrom home.models import PauseNotice\n"
    "PauseNotice.objects.update(active=True, returns_on=date(2024, 2, 1))\n"
)


OPEN = "from home.models import PauseNotice\nPauseNotice.objects.update(active=False)\n"


@pytest.fixture(autouse=True)
def pause_put_back(site: RunningSite) -> Iterator[None]:
    yield
    put_pause_back(site)


def test_pause_button_can_be_undone(
    page: Page, new_page: NewPage, kati_signed_in: StorageState, javascript_enabled: bool
) -> None:
    admin = new_page(viewport=DESK, storage_state=kati_signed_in, java_script_enabled=javascript_enabled)
    admin.goto("/admin/")
    card = admin.get_by_role("region", name="Tauko ja vapaat ajat", exact=True)
    expect(card).to_contain_text("Aijuu on tauolla.")
    with next_document(admin):
        card.get_by_role("button", name="Avaa Aijuu").click()
    expect(card).to_contain_text("Aijuu on taas avoinna.")
    page.goto("/")
    expect(notice_on(page)).to_have_count(0)
    expect(page.get_by_role("complementary", name="Tiedote paluusta")).to_contain_text("Ota rohkeasti yhteyttä!")

    # The message has an undo button. (Without scripts Wagtail's own message covers it.)
    place = admin.locator(".messages") if javascript_enabled else card
    with next_document(admin):
        place.get_by_role("button", name="Kumoa").click()
    expect(admin.get_by_text("Muutos on kumottu")).to_be_visible()
    page.reload()
    expect(notice_on(page)).to_be_visible()

    # The card has one, too, which can also revert the undo.
    with next_document(admin):
        card.get_by_role("button", name="Kumoa").click()
    page.reload()
    expect(notice_on(page)).to_have_count(0)


def test_full_is_switched_on_and_off(site: RunningSite, page: Page, desk: KatisDesk) -> None:
    site.run(OPEN)
    admin = desk.page
    admin.goto("/admin/")
    card = admin.get_by_role("region", name="Tauko ja vapaat ajat", exact=True)
    with next_document(admin):
        card.get_by_role("button", name="Merkitse Aijuu täydeksi").click()
    expect(card).to_contain_text("Aijuu on täynnä: uusia työnohjauksia ei aloiteta.")
    page.goto("/")
    notice = page.get_by_role("complementary", name="Tiedote vapaista ajoista")
    expect(notice).to_contain_text("Aijuussa ei ole juuri nyt vapaita aikoja.")
    assert certain_violations(page) == []
    notice.get_by_role("link", name="ilmoittautua odotuslistalle").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ilmoittaudu odotuslistalle")
    expect(page.get_by_role("checkbox", name="Haluan sähköpostia, kun Aijuussa vapautuu aikoja.")).not_to_be_checked()
    with next_document(admin):
        card.get_by_role("button", name="Ota taas uusia").click()
    expect(card).to_contain_text("Aijuu on avoinna.")
    page.goto("/")
    expect(notice).to_have_count(0)


def test_overdue_pause_card_links_to_date_field(site: RunningSite, desk: KatisDesk) -> None:
    site.run(OVERDUE)
    admin = desk.page
    admin.goto("/admin/")
    card = admin.get_by_role("region", name="Tauko ja vapaat ajat", exact=True)
    expect(card).to_contain_text("Ilmoittamasi paluupäivä 1.2.2024 on tullut.")
    assert certain_violations(admin) == []
    with next_document(admin):
        card.get_by_role("link", name="Valitse uusi päivä").click()
    expect(admin.get_by_role("textbox", name="Uusia työnohjauksia aloitetaan")).to_be_in_viewport()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_unsaved_pause_is_previewed_beside_the_form(
    page: Page, new_page: NewPage, desk: KatisDesk, viewport: ViewportSize
) -> None:
    settings = PauseSettings(desk)
    admin = settings.page
    admin.set_viewport_size(viewport)
    toggle = admin.get_by_role("button", name="Esikatselu päälle/pois")
    settings.page.get_by_role("textbox", name="Uusia työnohjauksia aloitetaan").fill("1.2.2037")
    settings.page.get_by_label("Tauon aikana yhteydenottosivu").select_option("waiting_list")
    settings.write_own_words("Olen opintovapaalla.")
    toggle.click()
    shown = admin.frame_locator("[data-side-panel=preview] iframe").last
    expect(shown.locator(".pause")).to_contain_text("Olen opintovapaalla.")
    expect(shown.locator(".pause")).to_contain_text("1.2.2037 alkaen")
    # The preview uses the site's style sheet and font.
    expect(shown.locator("h1")).to_have_css("font-family", re.compile("^Atkinson,"))
    mode = admin.get_by_label("Esikatselutila")
    mode.select_option(label="Etusivu: Palattu tauolta")
    expect(shown.locator(".pause")).to_contain_text("Aijuu on palannut tauolta.")
    mode.select_option(label="Yhteydenottosivu: nyt")
    expect(shown.get_by_role("button", name="Ilmoittaudu odotuslistalle")).to_be_visible()
    assert_fits(admin)

    # Visitors don't see the preview. The text is still in the form and can be saved.
    page.goto("/")
    expect(notice_on(page)).not_to_contain_text("opintovapaalla")
    toggle.click()
    settings.save()
    page.reload()
    expect(notice_on(page)).to_contain_text("Olen opintovapaalla.")


def test_preview_chosen_while_another_is_drawn_is_shown(desk: KatisDesk) -> None:
    admin = PauseSettings(desk).page
    drawn: list[Route] = []
    admin.route("**/preview/?mode=*", lambda route: drawn.append(route), times=1)
    admin.get_by_role("button", name="Esikatselu päälle/pois").click()
    drawing = first_held(admin, drawn)
    admin.get_by_label("Esikatselutila").select_option(label="Etusivu: Palattu tauolta")
    drawing.continue_()
    shown = admin.frame_locator("[data-side-panel=preview] iframe").last
    expect(shown.locator(".pause")).to_contain_text("Aijuu on palannut tauolta.")


def test_leaving_after_unsaved_preview_asks(desk: KatisDesk) -> None:
    settings = PauseSettings(desk)
    page = settings.page
    page.get_by_role("textbox", name="Uusia työnohjauksia aloitetaan").fill("1.2.2037")
    page.locator('form[data-w-unsaved-has-edits-value="true"]').wait_for()
    toggle = page.get_by_role("button", name="Esikatselu päälle/pois")
    toggle.click()
    expect(page.frame_locator("[data-side-panel=preview] iframe").last.locator(".pause")).to_contain_text("1.2.2037")
    toggle.click()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("link", name="Historia").first.click()
    assert asked == ["beforeunload"]
    # Saving shows no warning.
    settings.save()
    assert len(asked) == 1


def test_stale_pause_tab_keeps_text_overwrites_nothing(
    page: Page, desk: KatisDesk, new_page: NewPage, kati_signed_in: StorageState
) -> None:
    old = PauseSettings(desk)
    other = new_page(viewport=PHONE, storage_state=kati_signed_in)
    other.goto("/admin/")
    with next_document(other):
        other.get_by_role("button", name="Avaa Aijuu").click()
    expect(other.get_by_text("Aijuu on taas avoinna.")).to_be_visible()
    assert_fits(other)

    old.write_own_words("Vanhan välilehden sanat.")
    with next_document(old.page):
        old.page.get_by_role("button", name="Tallenna", exact=True).click()
    expect(old.page.get_by_text("Viimeksi: Tauko päättyi")).to_be_visible()
    expect(old.own_words()).to_have_text("Vanhan välilehden sanat.")
    page.goto("/")
    expect(notice_on(page)).to_have_count(0)


def test_pause_preview_and_history_accessible_on_phone(new_page: NewPage, kati_signed_in: StorageState) -> None:
    admin = new_page(viewport=PHONE, storage_state=kati_signed_in)
    admin.goto("/admin/")
    with next_document(admin):
        admin.get_by_role("button", name="Avaa Aijuu").click()
    expect(admin.get_by_text("Aijuu on taas avoinna.")).to_be_visible()
    for address in ("/admin/tauko/esikatselu/?preview-state=upcoming", "/admin/tauko/historia/"):
        admin.goto(address)
        for scheme in SCHEMES:
            look(admin, scheme)
            assert certain_violations(admin) == [], f"{address}, {scheme}"
            assert_fits(admin)


def test_a_day_stays_as_typed(desk: KatisDesk) -> None:
    page = PauseSettings(desk).page
    field = page.get_by_role("textbox", name="Uusia työnohjauksia aloitetaan")
    calendar = page.locator(".xdsoft_datetimepicker:visible")
    for typed in ("31.2.2027", "1.2", "ma 1.2.2027", "1.2.2037"):
        field.click()
        # Wait for the date picker, which opens 0.1 s after the focus: leaving the field sooner would leave it open.
        expect(calendar).to_have_count(1)
        field.fill(typed)
        page.keyboard.press("Tab")
        # The picker has closed, and does not change the value afterwards.
        expect(calendar).to_have_count(0)
        page.wait_for_timeout(300)
        expect(field).to_have_value(typed)
