"""Details of the page layout: the header and menu on phones, links to errors, print, forced colours."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.visitor import CONTACT_PAGE

NARROW: ViewportSize = {"width": 320, "height": 640}
# Small phones, common phones, and both sides of each breakpoint of the header.
WIDTHS = (320, 344, 353, 359, 360, 375, 389, 390, 412, 417, 430, 431, 447, 449, 600)
_TOPS = "[...document.querySelectorAll('.site-header > *')].map((part) => Math.round(part.getBoundingClientRect().top))"
_SHOWN = """() => {
  const field = document.activeElement.closest(".field");
  const row = document.activeElement.parentElement.querySelector(":scope > .scale__number")
    ?? document.activeElement.closest(".choice") ?? document.activeElement;
  return {
    label: field.querySelector("legend, label").getBoundingClientRect().top,
    ring: getComputedStyle(row).outlineStyle,
  };
}"""
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_header_is_one_row_on_every_phone(page: Page) -> None:
    page.goto("/")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert len(set(page.evaluate(_TOPS))) == 1, width
        assert page.evaluate(_SIDEWAYS) == 0, width


def test_menu_closes(page: Page) -> None:
    page.goto("/")
    menu = page.locator(".site-menu__fold")
    for close in (lambda: page.mouse.click(195, 830), lambda: page.keyboard.press("Escape")):
        page.get_by_text("Valikko").click()
        for name in ("Alkukartoitus", "Ota yhteyttä"):
            expect(menu.get_by_role("link", name=name, exact=True)).to_be_visible()
        close()
        expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


def test_menu_of_a_form_closes_too(page: Page) -> None:
    page.goto("/ota-yhteytta/")
    menu = page.locator(".site-menu__fold")
    with page.expect_response("**/site*.js"):
        page.get_by_text("Valikko").click()
    page.wait_for_function("performance.getEntriesByType('resource').some((entry) => entry.name.includes('/js/site'))")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


def test_error_link_shows_question_and_focus(page: Page) -> None:
    page.goto(CONTACT_PAGE)
    page.locator("main form [type=submit]").first.click()
    links = page.locator(".summary__list a")
    expect(links.first).to_be_visible()
    assert links.count() >= 3
    for size in (NARROW, PHONE, DESK):
        page.set_viewport_size(size)
        for link in links.all():
            page.evaluate("scrollTo(0, 0)")
            link.click()
            expect(page.locator(link.get_attribute("href") or "")).to_be_focused()
            shown = page.evaluate(_SHOWN)
            assert shown["label"] >= 0, (size, link.inner_text())
            assert shown["ring"] == "solid", (size, link.inner_text())


def test_odd_url_fragment_causes_no_error(page: Page) -> None:
    """The fixture `page` fails the test for a script error."""
    for mark in ("#", "#%", "#%E0%A4%A", "#ei-ole"):
        # Leave the page first: otherwise the browser only scrolls and runs no script.
        page.goto("about:blank")
        page.goto(f"/{mark}")
        expect(page.locator(".faq details[open]")).to_have_count(0)


def test_progress_line_is_wide_enough_to_see(page: Page) -> None:
    page.goto("/alkukartoitus/aloita/")
    box = page.locator(".progress__way").bounding_box()
    assert box is not None
    assert box["width"] > 200


@pytest.mark.parametrize("path", ["/yksilotyonohjaus/", "/ryhmatyonohjaus/", "/tyoyhteison-tyonohjaus/"])
def test_service_page_prints_on_one_sheet(page: Page, path: str) -> None:
    page.goto(path)
    assert page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n") == 1


def test_headings_and_url_links_not_auto_hyphenated(page: Page) -> None:
    page.goto("/")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    hyphens = page.evaluate(
        "[...document.querySelectorAll('main :is(h1, h2, h3), main a[href^=http]')]"
        ".map((one) => getComputedStyle(one).hyphens)"
    )
    assert len(hyphens) > 10
    assert set(hyphens) == {"manual"}


def test_forced_colours_draw_the_menus_lines(new_page: NewPage) -> None:
    page = new_page(forced_colors="active", color_scheme="dark")
    page.goto("/")
    icon = page.evaluate(
        "(({ backgroundColor, backgroundImage }) => ({ backgroundColor, backgroundImage }))"
        "(getComputedStyle(document.querySelector('.site-menu summary'), '::before'))"
    )
    # The menu's lines are a gradient on a transparent background, not one solid block.
    assert icon["backgroundColor"] == "rgba(0, 0, 0, 0)"
    assert icon["backgroundImage"].startswith("linear-gradient")
