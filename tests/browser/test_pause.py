"""The pause notice: after a change in the settings, the next view of every page shows it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.katis_desk import KatisDesk
from tests.browser.test_enquiry_chain import words_of
from tests.browser.visitor import Letter, Visitor
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

PAGES = (
    "/",
    "/yksilotyonohjaus/",
    "/ryhmatyonohjaus/",
    "/tyoyhteison-tyonohjaus/",
    "/ota-yhteytta/",
    "/tietosuoja/",
    "/saavutettavuus/",
)
USUAL = (
    "Aijuun palvelut ovat toistaiseksi tauolla. Tilanteen muuttumisesta ilmoitetaan täällä ja Aijuun Facebook-sivulla."
)
_PUT_BACK = (
    "from home.models import PauseChange, PauseNotice\nPauseChange.objects.all().delete()\n"
    "PauseNotice.objects.update(active=True, full=False, message='', begins_on=None, returns_on=None, "
    "opens_by_itself=False, ended_on=None, form_mode='as_usual')\n"
)


def put_pause_back(site: RunningSite) -> None:
    """Restore the pause of a new site, without history."""
    site.run(_PUT_BACK)


@pytest.fixture
def pause_put_back(site: RunningSite) -> Iterator[None]:
    yield
    put_pause_back(site)


class PauseSettings:
    """Page object for the pause's settings in the admin."""

    def __init__(self, desk: KatisDesk) -> None:
        self.page = desk.page
        self.page.goto("/admin/settings/home/pausenotice/")

    def own_words(self) -> Locator:
        """The field for Kati's own text during the pause."""
        return self.page.locator("[data-contentpath=message] .public-DraftEditor-content")

    def write_own_words(self, words: str) -> None:
        self.own_words().fill(words)
        # The editor passes its text to the form shortly after the last keystroke.
        expect(self.page.locator("input[name=message]")).to_have_value(re.compile(re.escape(words)))

    def save(self) -> None:
        with next_document(self.page):
            self.page.get_by_role("button", name="Tallenna", exact=True).click()
        expect(self.page.get_by_text(re.compile("päivitetty|tallennettu", re.I)).first).to_be_visible()


def notice_on(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Tiedote tauosta")


@pytest.mark.usefixtures("pause_put_back")
def test_pause_settings_changes_show_on_every_page(site: RunningSite, page: Page, desk: KatisDesk) -> None:
    assert site.smtp
    notice = notice_on(page)
    for address in PAGES:
        page.goto(address)
        expect(notice).to_contain_text(USUAL)

    # During a pause the thank-you page and the mail mention it.
    letter = Letter()
    reference = Visitor(page).send_letter(letter)
    expect(page.get_by_role("main")).to_contain_text("Aijuu on tauolla, joten vastaus voi viipyä.")
    mails = {str(mail["To"]): mail for mail in site.smtp.wait_for_about(reference, 2)}
    assert "Aijuu on tauolla, joten vastaus voi viipyä." in words_of(mails[letter.address])

    # Set a date.
    settings = PauseSettings(desk)
    settings.page.get_by_role("textbox", name="Uusia työnohjauksia aloitetaan").fill("1.2.2027")
    settings.save()
    page.goto("/")
    expect(notice).to_contain_text("Aijuun palvelut ovat tauolla. Uusia työnohjauksia aloitetaan 1.2.2027 alkaen.")

    # Add an own text.
    settings = PauseSettings(desk)
    settings.write_own_words("Olen opintovapaalla.")
    settings.save()
    page.reload()
    expect(notice).to_contain_text("Olen opintovapaalla.")
    expect(notice).to_contain_text("Uusia työnohjauksia aloitetaan 1.2.2027 alkaen.")
    assert_accessible(page)

    # Switch the pause off.
    settings = PauseSettings(desk)
    settings.page.get_by_role("checkbox", name="Toiminta on tauolla").uncheck()
    settings.save()
    for address in PAGES:
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(notice).to_have_count(0)
        expect(page.locator("body")).not_to_contain_text("tauolla")

    # After the pause nothing mentions it.
    letter = Letter()
    reference = Visitor(page).send_letter(letter)
    expect(page.locator("body")).not_to_contain_text("tauolla")
    mails = {str(mail["To"]): mail for mail in site.smtp.wait_for_about(reference, 2)}
    assert "tauolla" not in words_of(mails[letter.address])
