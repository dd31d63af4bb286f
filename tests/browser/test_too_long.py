"""A text that exceeds the request size limit: a message says what to do, and the text is still in the form."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.conftest import NewPage
from tests.browser.mapping_visitor import SIGN, MappingVisitor, Matter
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor
from tests.tools.running_site import RunningSite

# 25 bytes when URL-encoded: few characters to lay out for a large post keep the browser fast.
WORD = "Ääää "
# URL-encoded 2.5 MB, which Django refuses, and 5 MB, which the web server refuses.
REFUSED = {
    "by Django": (WORD * 100_800, "Viestiä ei lähetetty"),
    "by the server": (WORD * 201_600, "Lähetys oli liian suuri"),
}
TOO_LONG = "Teksti on liian pitkä lähetettäväksi."


@pytest.mark.parametrize("by", REFUSED)
def test_no_javascript_oversized_post_413_keeps_text(new_page: NewPage, by: str) -> None:
    far_too_long, heading = REFUSED[by]
    page = new_page(java_script_enabled=False)
    visitor = Visitor(page)
    visitor.open_form()
    letter = Letter()
    visitor.write(letter)
    visitor.message.fill(far_too_long)
    # Chromium saves the form's text for its Back button only after a delay.
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
    expect(visitor.message).to_have_value(far_too_long)
    visitor.message.fill(letter.message)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()


def test_oversized_text_is_not_sent_with_javascript(new_page: NewPage) -> None:
    page = new_page()
    visitor = Visitor(page)
    visitor.open_form()
    letter = Letter()
    visitor.write(letter)
    far_too_long = WORD * 180_000
    visitor.message.fill(far_too_long)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    visitor.send()
    failure = page.get_by_role("alert").filter(has_text=TOO_LONG)
    expect(failure).to_be_focused()
    assert failure.evaluate("message => message.nextElementSibling.name") == "message"
    expect(visitor.name).to_have_value(letter.name)
    assert visitor.message.input_value() == far_too_long
    assert posts == []
    assert_accessible(page)
    visitor.message.fill(letter.message)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()


def test_oversized_mapping_step_keeps_typed_text(
    new_page: NewPage, javascript_enabled: bool, site: RunningSite
) -> None:
    """The page of a step is not cached, but Back restores the typed text."""
    page = new_page(java_script_enabled=javascript_enabled)
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 3, Matter())
    visitor.write_wishes()
    goal = visitor.box("Mihin toivot muutosta?")
    far_too_long = WORD * 144_000
    goal.fill(far_too_long)
    # Chromium saves the form's text for its Back button only after a delay.
    page.wait_for_timeout(2000)
    visitor.onwards.click()
    if javascript_enabled:
        expect(page.get_by_role("alert").filter(has_text=TOO_LONG)).to_be_focused()
    else:
        expect(visitor.heading).to_have_text("Lähetys oli liian suuri")
        page.go_back()
        expect(visitor.heading).to_have_text("Toiveesi")
    assert goal.input_value() == far_too_long
    expect(visitor.box("Mistä huomaisit")).to_have_value(SIGN)
    goal.fill("Lisää tilaa ajatella.")
    visitor.go_on("Käytännön asiat")
