"""A form with an invalid token: it is shown again with the typed text, and can then be sent."""

from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import NewPage
from tests.browser.visitor import Letter, Visitor, stored
from tests.tools.running_site import RunningSite


def test_unknown_form_token_keeps_text_for_resend(
    new_page: NewPage, site: RunningSite, javascript_enabled: bool
) -> None:
    letter = Letter()
    page = new_page(java_script_enabled=javascript_enabled)
    visitor = Visitor(page)
    visitor.open_form()
    page.locator("[name=form_token]").evaluate("field => { field.value = 'rubbish'; }")
    visitor.write(letter)
    visitor.send()
    expect(visitor.summary).to_have_text("Lomake ehti vanhentua. Tekstisi on yhä tässä: lähetä viesti uudelleen.")
    expect(visitor.summary).to_be_focused()
    visitor.expect_words_kept(letter)
    if javascript_enabled:
        assert_accessible(page)
    visitor.send()
    visitor.wait_for_thanks()
    # Sending again quickly is not suspicious, since the page asked for it.
    assert stored(site, letter) == ["new accepted"]
