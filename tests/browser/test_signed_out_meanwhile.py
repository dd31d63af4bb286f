"""A form of the admin whose session has ended, or that reaches no site: what was written stays to be saved later."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.katis_desk import KatisDesk
from tests.browser.people import SUPERVISOR, sign_in
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

SIGNED_OUT = "Et ole enää kirjautuneena, joten mitään ei tallennettu."
UNREACHABLE = "Sivustoon ei saatu yhteyttä, joten mitään ei tallennettu."
WORDS = "muutaman yhtenä yönä kirjoitetun päivän kuluessa"


@pytest.fixture
def settings(site: RunningSite, desk: KatisDesk) -> Iterator[Page]:
    """The contact details, with words that are not saved yet."""
    number = site.run("from home.models import ContactDetails\nprint(ContactDetails.load().pk)").strip()
    page = desk.page
    page.goto(f"/admin/settings/home/contactdetails/{number}/", wait_until="networkidle")
    page.get_by_label("Vastausaika").fill(WORDS)
    yield page
    site.run("from home.models import ContactDetails\nContactDetails.objects.update(response_time='')")


def save(page: Page) -> None:
    page.get_by_role("button", name="Tallenna", exact=True).click()


def assert_saved_now(page: Page, words: str) -> None:
    with next_document(page):
        save(page)
    expect(page.locator(".messages")).to_contain_text("tallennettu")
    expect(page.locator(".messages")).not_to_contain_text("mitään ei")
    expect(page.get_by_label("Vastausaika")).to_have_value(words)


def test_words_survive_the_end_of_the_session(settings: Page) -> None:
    settings.context.clear_cookies(name="sessionid")
    save(settings)
    expect(settings.locator(".messages")).to_contain_text(SIGNED_OUT)
    expect(settings.get_by_label("Vastausaika")).to_have_value(WORDS)
    # In another tab, which also makes the form's token invalid.
    tab = settings.context.new_page()
    tab.goto("/admin/")
    sign_in(tab, SUPERVISOR)
    assert_saved_now(settings, WORDS)


@pytest.mark.parametrize("answer", ["none", "maintenance", "portal"])
def test_words_survive_a_site_that_is_away(settings: Page, answer: str) -> None:
    def away(route: Route) -> None:
        if answer == "none":
            route.abort()
        else:
            route.fulfill(status=503 if answer == "maintenance" else 200, body="<h1>Hotelli Pori</h1>")

    settings.route("**/admin/**", away)
    save(settings)
    expect(settings.locator(".messages")).to_contain_text(UNREACHABLE)
    settings.unroute("**/admin/**")
    assert_saved_now(settings, WORDS)


def test_draft_survives_the_end_of_the_session(site: RunningSite, desk: KatisDesk) -> None:
    number = site.run("from wagtail.models import Page\nprint(Page.objects.get(slug='saavutettavuus').pk)").strip()
    page = desk.page
    page.goto(f"/admin/pages/{number}/edit/", wait_until="networkidle")
    page.context.clear_cookies(name="sessionid")
    title = page.locator("#id_title")
    title.fill("Saavutettavuus yön yli")
    # The autosave says why it stopped.
    expect(page.locator(".messages")).to_contain_text(SIGNED_OUT)
    page.get_by_role("button", name="Tallenna luonnos").click()
    expect(page.get_by_role("button", name="Tallenna luonnos")).to_be_enabled()
    expect(title).to_have_value("Saavutettavuus yön yli")
    tab = page.context.new_page()
    tab.goto("/admin/")
    sign_in(tab, SUPERVISOR)
    with next_document(page):
        page.get_by_role("button", name="Tallenna luonnos").click()
    expect(title).to_have_value("Saavutettavuus yön yli")
    expect(page.locator(".messages")).not_to_contain_text(SIGNED_OUT)
    title.fill("Saavutettavuus")
    with next_document(page):
        page.get_by_role("button", name="Tallenna luonnos").click()
