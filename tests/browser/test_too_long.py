"""A text far past any letter: the page says so kindly, and the words are still in the browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.conftest import NewPage
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor

FAR_TOO_LONG = "Pitkä juttu. " * (2 * 1024 * 1024 // 12)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_javascript_the_page_leads_back_to_the_words(new_page: NewPage, scheme: str) -> None:
    page = new_page(java_script_enabled=False, color_scheme=scheme)
    visitor = Visitor(page)
    visitor.open_form()
    letter = Letter()
    visitor.write(letter)
    visitor.message.fill(FAR_TOO_LONG)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.send()
    assert answer.value.status == 413
    expect(page.get_by_role("heading", level=1)).to_have_text("Viestiä ei lähetetty")
    expect(page.get_by_role("main").get_by_role("link", name="050 534 8567")).to_be_visible()
    assert_fits(page)

    page.go_back()
    page.wait_for_url(f"**{CONTACT_PAGE}")
    expect(visitor.name).to_have_value(letter.name)
    assert visitor.message.input_value() == FAR_TOO_LONG
    visitor.message.fill(letter.message)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()


def test_with_javascript_the_form_stays_and_says_why(new_page: NewPage) -> None:
    page = new_page()
    visitor = Visitor(page)
    visitor.open_form()
    letter = Letter()
    visitor.write(letter)
    visitor.message.fill(FAR_TOO_LONG)
    visitor.send()
    failure = page.get_by_role("alert").filter(has_text="liian pitkä")
    expect(failure).to_be_focused()
    expect(visitor.name).to_have_value(letter.name)
    assert_accessible(page)
    visitor.message.fill(letter.message)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()
