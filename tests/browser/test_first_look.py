"""The front page at the first visit."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESK, PHONE, NewPage


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone, light", "desk, dark"])
def test_home_page_shows_pause_and_is_accessible(new_page: NewPage, viewport: ViewportSize, scheme: str) -> None:
    """test_every_view.py covers the other two combinations."""
    page = new_page(viewport=viewport, color_scheme=scheme)
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "fi")
    expect(page.get_by_text("toistaiseksi tauolla").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_accessible(page)


def test_the_home_page_reads_the_same_without_javascript(new_page: NewPage, javascript_enabled: bool) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    page.goto("/")
    expect(page.get_by_text("toistaiseksi tauolla").first).to_be_visible()
    expect(page.get_by_role("link", name="Ota yhteyttä").first).to_be_visible()


def test_reading_leaves_no_cookie(new_page: NewPage) -> None:
    page = new_page()
    for address in ("/", "/yksilotyonohjaus/", "/ota-yhteytta/", "/tietosuoja/"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200
    assert page.context.cookies() == []


def test_missing_page_is_404_with_links(page: Page) -> None:
    """test_every_view.py checks its accessibility."""
    answer = page.goto("/tata-ei-ole/")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Sivua ei löytynyt")
    expect(page.get_by_role("main").get_by_role("link").first).to_be_visible()
