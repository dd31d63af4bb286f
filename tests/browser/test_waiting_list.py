"""The waiting list for visitors: joining on a phone, by keyboard and without scripts; the private page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.accessibility import assert_fits
from tests.browser.conftest import NewPage
from tests.browser.test_enquiry_chain import words_of
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor, stored
from tests.browser.waiting_visitor import JOIN, WaitingVisitor
from tests.browser.waits import next_document
from tests.tools.public_views import Condition, Stage
from tests.tools.running_site import RunningSite

NARROW: ViewportSize = {"width": 320, "height": 640}


@pytest.fixture
def stage(site: RunningSite) -> Iterator[Stage]:
    """The site in a pause with the waiting list's form on the contact page. Restores the pause after the test."""
    with Stage(site) as stage:
        stage.arrange(Condition.WAITING_LIST)
        yield stage


def expect_heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def press(page: Page, button: str, heading: str) -> None:
    """Press the button and wait for the page with that heading."""
    with next_document(page):
        page.get_by_role("button", name=button).click()
    expect_heading(page, heading)


def private_address(site: RunningSite, reference: str, address: str) -> str:
    """Return the private link from the confirmation sent to this address."""
    assert site.smtp
    (mail,) = [mail for mail in site.smtp.wait_for_about(reference, 2) if str(mail["To"]) == address]
    found = re.search(r"https?://[^/]+(/jatka/[\w-]+/odotuslista/)", words_of(mail))
    assert found, "The confirmation has no link."
    return found.group(1)


@pytest.mark.parametrize("scripts", [True, False])
def test_visitor_joins_and_leaves_waiting_list(
    stage: Stage, site: RunningSite, new_page: NewPage, scripts: bool
) -> None:
    page = new_page(java_script_enabled=scripts)
    page.set_viewport_size(NARROW)
    page.goto("/")
    visitor = WaitingVisitor(page)
    visitor.follow_to_form(page.get_by_role("link", name=JOIN).first)
    expect(page.get_by_text("Se ei sido sinua eikä takaa aikaa.")).to_be_visible()
    expect(visitor.wants_mail).not_to_be_checked()

    # A required field is missing: the typed text is kept.
    letter = Letter(message="Porin seudulla.")
    visitor.write(letter)
    visitor.email.fill("")
    visitor.wants_mail.check()
    visitor.take_time()
    visitor.send()
    expect(visitor.summary.get_by_role("link")).to_have_text(["Kirjoita sähköpostiosoitteesi."])
    expect(visitor.wants_mail).to_be_checked()
    expect(visitor.wish).to_have_value(letter.message)
    visitor.email.fill(letter.address)
    visitor.button.click()
    reference = visitor.wait_until_joined()
    assert_fits(page)
    assert len(stored(site, letter)) == 1

    # Through the private link: stay, leave, come back, and be removed.
    page.goto(private_address(site, reference, letter.address))
    expect_heading(page, "Olet odotuslistalla")
    press(page, "Haluan pysyä odotuslistalla", "Kiitos, pysyt odotuslistalla")
    press(page, "En halua enää odottaa", "Et ole enää odotuslistalla")
    press(page, "Haluan takaisin odotuslistalle", "Kiitos, pysyt odotuslistalla")
    removal = page.get_by_role("button", name="Poista tietoni nyt")
    expect(removal).to_be_hidden()
    page.get_by_text("Poista tietoni", exact=True).click()
    with next_document(page):
        removal.click()
    expect_heading(page, "Tämän linkin takana ei ole tietoja")
    assert stored(site, letter) == []


def test_the_private_page_is_answered_by_keyboard_alone(stage: Stage, site: RunningSite, page: Page) -> None:
    letter = Letter()
    reference = WaitingVisitor(page).join(letter, wants_mail=False)
    page.goto(private_address(site, reference, letter.address))
    page.get_by_role("main").focus()
    for button in ("Haluan pysyä odotuslistalla", "En halua enää odottaa", "Poista tietoni"):
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text(button)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Poista tietoni nyt")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect_heading(page, "Et ole enää odotuslistalla")


def test_back_and_sending_again_is_the_same_place(stage: Stage, page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = WaitingVisitor(page)
    reference = visitor.join(letter, wants_mail=True)
    page.go_back()
    page.wait_for_url(f"**{CONTACT_PAGE}")
    expect(visitor.wants_mail).to_be_checked()
    visitor.send()
    assert visitor.wait_until_joined() == reference
    assert len(stored(site, letter)) == 1


def test_enquiry_started_before_pause_is_stored(site: RunningSite, page: Page) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    with Stage(site) as stage:
        stage.arrange(Condition.WAITING_LIST)
        visitor.take_time()
        visitor.send()
        visitor.wait_for_thanks()
        # A message can be sent in every state, through a separate link.
        page.goto(CONTACT_PAGE)
        with next_document(page):
            page.get_by_role("link", name="Kirjoita viesti").click()
        expect(visitor.button).to_have_text("Lähetä viesti")
    assert len(stored(site, letter)) == 1
