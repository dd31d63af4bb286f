"""Admin forms when the session has expired or the site is unreachable: the typed text can still be saved later."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Watch
from tests.browser.katis_desk import KatisDesk
from tests.browser.people import SUPERVISOR, sign_in
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

SIGNED_OUT = "Et ole enää kirjautuneena, joten mitään ei tallennettu."
UNREACHABLE = "Sivustoon ei saatu yhteyttä, joten mitään ei tallennettu."
WORDS = "muutaman yhtenä yönä kirjoitetun päivän kuluessa"


@pytest.fixture
def settings(site: RunningSite, desk: KatisDesk) -> Iterator[Page]:
    """The form of the contact details, with unsaved text."""
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


def test_text_survives_session_expiry(settings: Page) -> None:
    settings.context.clear_cookies(name="sessionid")
    save(settings)
    expect(settings.locator(".messages")).to_contain_text(SIGNED_OUT)
    expect(settings.get_by_label("Vastausaika")).to_have_value(WORDS)
    # Sign in again in another tab, which makes the form's CSRF token invalid, too.
    tab = settings.context.new_page()
    tab.goto("/admin/")
    sign_in(tab, SUPERVISOR)
    assert_saved_now(settings, WORDS)


def test_text_survives_unreachable_site(settings: Page) -> None:
    """No connection, the maintenance page, and the portal page of a hotel's network."""

    portal = "<h1>Hotelli Pori</h1>"
    answers: list[Callable[[Route], None]] = []

    def away(route: Route) -> None:
        answers[-1](route)

    settings.route("**/admin/**", away)
    message = settings.locator(".messages li:not([data-read])")
    for answer in (Route.abort, partial(Route.fulfill, status=503, body=portal), partial(Route.fulfill, body=portal)):
        answers.append(answer)
        save(settings)
        expect(message).to_contain_text(UNREACHABLE)
        # Mark the message, so that the next iteration finds only a new one.
        message.evaluate("one => { one.dataset.read = ''; }")
    settings.unroute("**/admin/**")
    assert_saved_now(settings, WORDS)


def test_draft_survives_session_expiry(site: RunningSite, desk: KatisDesk, watch: Watch) -> None:
    number = site.run("from wagtail.models import Page\nprint(Page.objects.get(slug='saavutettavuus').pk)").strip()
    page = desk.page
    page.goto(f"/admin/pages/{number}/edit/", wait_until="networkidle")
    page.context.clear_cookies(name="sessionid")
    title = page.locator("#id_title")
    title.fill("Saavutettavuus yön yli")
    # A message says why autosave has stopped.
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
    # On a slow machine, Wagtail's ping (every ten seconds) may have been refused while signed out.
    watch.problems[:] = [problem for problem in watch.problems if "/editing-sessions/ping/" not in problem]
