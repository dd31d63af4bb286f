"""A message sent several times becomes one enquiry; a different text becomes another one."""

from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import NewPage
from tests.browser.katis_desk import KatisDesk
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor, stored
from tests.tools.running_site import RunningSite


def test_reload_and_back_do_not_resend_enquiry(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    reference = visitor.send_letter(letter)
    page.reload()
    assert visitor.wait_for_thanks() == reference
    page.go_back()
    page.wait_for_url(f"**{CONTACT_PAGE}")
    page.go_forward()
    assert visitor.wait_for_thanks() == reference
    assert len(stored(site, letter)) == 1


def test_resend_after_back_gives_same_reference(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    reference = visitor.send_letter(letter)
    page.go_back()
    page.wait_for_url(f"**{CONTACT_PAGE}")
    visitor.expect_words_kept(letter)
    expect(visitor.button).to_have_text("Lähetä viesti")
    visitor.send()
    assert visitor.wait_for_thanks() == reference
    assert len(stored(site, letter)) == 1


def test_same_text_on_fresh_form_is_deduplicated(new_page: NewPage, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(new_page(java_script_enabled=False))
    reference = visitor.send_letter(letter)
    again = Visitor(new_page(java_script_enabled=False))
    assert again.send_letter(letter) == reference
    assert len(stored(site, letter)) == 1


def test_changed_text_after_back_is_second_enquiry(page: Page, desk: KatisDesk) -> None:
    letter = Letter()
    visitor = Visitor(page)
    first = visitor.send_letter(letter)
    page.go_back()
    page.wait_for_url(f"**{CONTACT_PAGE}")
    visitor.message.fill("Hei taas, unohdin kertoa: meitä on viisi.")
    visitor.send()
    page.wait_for_url(lambda url: "/ota-yhteytta/" in url and not url.endswith(CONTACT_PAGE))
    second = visitor.wait_for_thanks()
    assert second != first
    rows = desk.search(letter.name)
    expect(rows).to_have_count(2)
    desk.read(second)
    expect(desk.letter).to_contain_text("Hei taas")
    desk.read(first)
    expect(desk.letter).to_contain_text(letter.message)


def test_double_click_on_send_stores_one_enquiry(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    posts: list[Request] = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    visitor.open_form()
    visitor.write(letter)
    visitor.take_time()
    visitor.button.dblclick()
    reference = visitor.wait_for_thanks()
    assert len(posts) == 1
    assert len(stored(site, letter)) == 1
    assert site.smtp
    site.smtp.wait_for_about(reference, 2)


def test_same_form_in_two_tabs_one_enquiry(page: Page, site: RunningSite) -> None:
    letter = Letter()
    first = Visitor(page)
    first.open_form()
    second = Visitor(page.context.new_page())
    # Copy the token, as "Duplicate tab" does: opening the URL again creates a new form.
    second.page.goto(CONTACT_PAGE)
    token = page.locator("[name=form_token]").input_value()
    second.page.locator("[name=form_token]").evaluate("(field, token) => { field.value = token; }", token)
    for tab in (first, second):
        tab.write(letter)
    first.send()
    second.send()
    assert first.wait_for_thanks() == second.wait_for_thanks()
    assert len(stored(site, letter)) == 1
