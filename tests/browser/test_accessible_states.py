"""Every state of the public pages, at each size, light and dark: axe finds nothing, and nothing hangs over the edge."""

from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.accessibility import assert_accessible, assert_fits
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_pause import PAGES
from tests.browser.visitor import Letter, Visitor

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROW: ViewportSize = {"width": 320, "height": 640}


def assert_good_everywhere(page: Page) -> None:
    """Check the page as it is now at every size and in both colour schemes."""
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert_accessible(page)
        assert_fits(page)
    page.set_viewport_size(NARROW)
    assert_fits(page)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_to_read(page: Page, address: str) -> None:
    page.goto(address)
    assert_good_everywhere(page)


def test_the_front_page_with_every_question_and_the_menu_open(page: Page) -> None:
    page.goto("/")
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    assert_good_everywhere(page)


def test_the_form_with_every_error(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.email.fill("maija")
    visitor.box("Puhelinnumero").fill("soita")
    visitor.box("Organisaatio").fill("x" * 151)
    visitor.message.fill("a" * 5001)
    visitor.send()
    expect(visitor.summary.get_by_role("link")).to_have_count(7)
    assert_good_everywhere(page)


def test_the_thank_you_page(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(Letter())
    visitor.send()
    visitor.wait_for_thanks()
    assert_good_everywhere(page)


def test_the_page_that_is_not_there(page: Page) -> None:
    page.goto("/tata-ei-ole/")
    assert_good_everywhere(page)
