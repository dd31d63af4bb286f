"""A text far past any letter: the page says so kindly, and the words are still in the browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.conftest import NewPage
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor

# On the wire 2.5 MB, which Django refuses, and 5 MB, of which the web server takes nothing.
REFUSED = {
    "by Django": ("Pitkä juttu. " * 140_000, "Viestiä ei lähetetty", "liian pitkä"),
    "by the server": ("Pitkä juttu. " * 280_000, "Lähetys oli liian suuri", "liian suuri"),
}


@pytest.mark.parametrize("by", REFUSED)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_javascript_the_page_leads_back_to_the_words(new_page: NewPage, scheme: str, by: str) -> None:
    far_too_long, heading, _reason = REFUSED[by]
    page = new_page(java_script_enabled=False, color_scheme=scheme)
    visitor = Visitor(page)
    visitor.open_form()
    letter = Letter()
    visitor.write(letter)
    visitor.message.fill(far_too_long)
    # Chromium notes for its Back button what stands in a form, but not at once.
    page.wait_for_timeout(2000)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.send()
    assert answer.value.status == 413
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_role("main").get_by_role("link", name="050 534 8567")).to_be_visible()
    assert_fits(page)

    page.go_back()
    page.wait_for_url(f"**{CONTACT_PAGE}")
    expect(visitor.name).to_have_value(letter.name)
    assert visitor.message.input_value() == far_too_long
    visitor.message.fill(letter.message)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()


@pytest.mark.parametrize("by", REFUSED)
def test_with_javascript_the_form_stays_and_says_why(new_page: NewPage, by: str) -> None:
    far_too_long, _heading, reason = REFUSED[by]
    page = new_page()
    visitor = Visitor(page)
    visitor.open_form()
    letter = Letter()
    visitor.write(letter)
    visitor.message.fill(far_too_long)
    visitor.send()
    failure = page.get_by_role("alert").filter(has_text=reason)
    expect(failure).to_be_focused()
    expect(visitor.name).to_have_value(letter.name)
    assert_accessible(page)
    visitor.message.fill(letter.message)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()
