"""A failing connection or server does not lose the typed text."""

from functools import partial

from playwright.sync_api import Page, Route, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor, stored
from tests.browser.waits import first_held
from tests.tools.running_site import RunningSite

FAILED = (
    "Viestiä ei saatu lähetettyä: yhteys katkesi. Tekstisi on yhä lomakkeella – yritä uudelleen tai soita 050 534 8567."
)
REFUSED = FAILED.replace("yhteys katkesi", "sivusto ei ottanut sitä vastaan")


def test_offline_submit_keeps_text_and_can_retry(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    visitor.take_time()
    page.context.set_offline(True)
    visitor.send()
    told = page.get_by_role("alert")
    expect(told).to_have_text(FAILED)
    expect(told).to_be_focused()
    expect(told).to_be_in_viewport()
    visitor.expect_words_kept(letter)
    expect(visitor.button).to_have_text("Lähetä viesti")
    assert_accessible(page)

    page.context.set_offline(False)
    visitor.send()
    visitor.wait_for_thanks()
    assert len(stored(site, letter)) == 1


def test_resend_after_lost_response_stores_one_enquiry(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)

    def take_it_and_break(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("connectionreset")

    page.route(f"**{CONTACT_PAGE}", take_it_and_break, times=1)
    visitor.send()
    expect(page.get_by_role("alert")).to_have_text(FAILED)
    visitor.send()
    visitor.wait_for_thanks()
    assert len(stored(site, letter)) == 1


def test_http_error_keeps_text_and_can_retry(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    for status in (404, 500, 502):
        page.route(
            f"**{CONTACT_PAGE}",
            partial(Route.fulfill, status=status, content_type="text/html", body="<h1>Bad gateway</h1>"),
            times=1,
        )
        visitor.send()
        visitor.expect_failure(REFUSED)
        visitor.expect_words_kept(letter)
    assert stored(site, letter) == []
    visitor.send()
    visitor.wait_for_thanks()
    assert len(stored(site, letter)) == 1


def test_submit_button_disabled_and_relabelled_while_sending(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(Letter())
    held: list[Route] = []
    page.route(f"**{CONTACT_PAGE}", lambda route: held.append(route))
    visitor.send()
    expect(visitor.button).to_have_text("Lähetetään…")
    expect(visitor.button).to_have_attribute("aria-disabled", "true")
    # The button keeps the focus, which it would lose with the attribute `disabled`.
    expect(visitor.button).to_be_focused()
    page.keyboard.press("Enter")
    # If Enter had sent the form again, that request would be held, too.
    sending = first_held(page, held)
    page.wait_for_timeout(300)
    assert held == []
    sending.continue_()
    visitor.wait_for_thanks()


def test_counter_shows_remaining_characters_near_limit(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    counter = page.locator(".counter")
    visitor.message.fill("a" * 3999)
    expect(counter).to_have_count(0)
    visitor.message.fill("a" * 4000)
    expect(counter).to_have_text("1000 merkkiä jäljellä")
    visitor.message.fill("a" * 3999)
    expect(counter).to_be_empty()
    visitor.message.fill("a" * 4999)
    expect(counter).to_have_text("1 merkki jäljellä")
    visitor.message.fill("🙂" * 5000)
    expect(counter).to_have_text("0 merkkiä jäljellä")
    visitor.message.fill("a" * 5002)
    expect(counter).to_have_text("2 merkkiä liikaa")
    assert_accessible(page)
    visitor.send()
    expect(visitor.summary).to_contain_text("Lyhennä viestiä: nyt 5002 merkkiä, enintään 5000.")
    expect(visitor.message).to_have_value("a" * 5002)


def test_text_typed_while_sending_is_kept(page: Page) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    visitor.name.fill("")
    held: list[Route] = []
    page.route(f"**{CONTACT_PAGE}", lambda route: held.append(route), times=2)

    def send_and_write_on(words: str) -> None:
        visitor.send()
        expect(visitor.button).to_have_text("Lähetetään…")
        visitor.message.press_sequentially(words)
        first_held(page, held).continue_()

    send_and_write_on(" Ja vielä.")
    expect(visitor.summary).to_be_focused()
    expect(visitor.message).to_have_value(f"{letter.message} Ja vielä.")
    visitor.name.fill(letter.name)
    send_and_write_on(" PS")
    visitor.wait_for_thanks()
    # The message was stored without the additions, so the form still has them.
    visitor.open_form()
    expect(visitor.message).to_have_value(f"{letter.message} Ja vielä. PS")
