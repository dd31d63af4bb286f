"""A form is open while its page is renamed or unpublished, or something else responds: its text is not lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewPage
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor, stored
from tests.tools.running_site import RunningSite

REFUSED = (
    "Viestiä ei saatu lähetettyä: sivusto ei ottanut sitä vastaan. Tekstisi on yhä lomakkeella – yritä uudelleen tai "
    "soita 050 534 8567."
)
_PAGE = "from intake.models import ContactPage; page = ContactPage.objects.get(); "


@pytest.fixture
def contact_page(site: RunningSite) -> Iterator[RunningSite]:
    """The site. Restores the contact page after the test."""
    yield site
    site.run(f"{_PAGE}page.slug = 'ota-yhteytta'; page.save_revision().publish()")


def rename(site: RunningSite) -> None:
    site.run(f"{_PAGE}page.slug = 'yhteys'; page.save_revision().publish()")


def hide(site: RunningSite) -> None:
    site.run(f"{_PAGE}page.unpublish()")


@pytest.mark.usefixtures("watch")
def test_message_to_renamed_page_is_stored(
    contact_page: RunningSite, new_page: NewPage, javascript_enabled: bool
) -> None:
    letter = Letter()
    visitor = Visitor(page := new_page(java_script_enabled=javascript_enabled))
    visitor.open_form()
    visitor.write(letter)
    rename(contact_page)
    if javascript_enabled:
        page.reload()
        visitor.expect_words_kept(letter)
        assert page.url.endswith("/yhteys/")
        page.goto(CONTACT_PAGE)
        assert page.url.endswith("/yhteys/")
        visitor.expect_words_kept(letter)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()
    assert len(stored(contact_page, letter)) == 1


def test_open_form_is_stored_after_page_rename(contact_page: RunningSite, page: Page) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    visitor.take_time()
    rename(contact_page)
    visitor.send()
    visitor.wait_for_thanks()
    assert len(stored(contact_page, letter)) == 1


def test_unpublished_page_keeps_text_on_form(contact_page: RunningSite, page: Page) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    hide(contact_page)
    visitor.send()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Tätä lomaketta ei enää oteta vastaan")
    expect(told).to_be_focused()
    visitor.expect_words_kept(letter)


def test_unpublished_page_returns_text_without_javascript(contact_page: RunningSite, new_page: NewPage) -> None:
    letter = Letter()
    visitor = Visitor(page := new_page(java_script_enabled=False))
    visitor.open_form()
    visitor.write(letter)
    hide(contact_page)
    visitor.send()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tekstisi ei lähtenyt perille")
    main = page.get_by_role("main")
    for words in (letter.name, letter.address, letter.message, "050 534 8567"):
        expect(main).to_contain_text(words)


def redirected_to(address: str) -> dict[str, object]:
    return {"status": 302, "headers": {"Location": address}}


ANSWERS = {
    "the front page": redirected_to("/"),
    "the form again": redirected_to(f"{CONTACT_PAGE}viesti/"),
    "the login": redirected_to("/admin/login/"),
    "another page": {"status": 200, "content_type": "text/html", "body": "<main><h1>Tervetuloa verkkoon</h1></main>"},
    "an empty form": {
        "status": 200,
        "content_type": "text/html",
        "body": "<main><form data-enquiry-form></form></main>",
    },
    "nothing": {"status": 204},
    "not found": {"status": 404, "content_type": "text/html", "body": "<h1>Not found</h1>"},
}


def test_unexpected_response_keeps_text_on_form(page: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    given: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            name = list(ANSWERS)[len(given)]
            given.append(name)
            route.fulfill(**ANSWERS[name])  # type: ignore[arg-type]
        else:
            route.continue_()

    page.route(f"**{CONTACT_PAGE}", answer)
    for name in ANSWERS:
        visitor.send()
        visitor.expect_failure(REFUSED)
        assert given[-1] == name
        visitor.expect_words_kept(letter)
        assert page.url.endswith(CONTACT_PAGE), name
    page.unroute(f"**{CONTACT_PAGE}")
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()
    assert len(stored(site, letter)) == 1
