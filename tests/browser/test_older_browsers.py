"""Older browsers, such as those of iPhones without updates: all forms can be sent."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.mapping_visitor import MappingVisitor, Matter
from tests.browser.visitor import Letter, Visitor
from tests.tools.running_site import RunningSite

# Features missing in iOS 15.5 to 16.3, and in all of Chrome 85 to 102.
_SAFARI_15 = """
delete AbortSignal.timeout;
window.FormData = class extends FormData {
  constructor(form) { super(form); }
};
"""
# Features missing in iOS 14 to 15.3.
_SAFARI_14 = _SAFARI_15 + "delete SubmitEvent.prototype.submitter;"


@pytest.fixture(params=[_SAFARI_15, _SAFARI_14], ids=["Safari 15", "Safari 14"])
def old_page(new_page: NewPage, request: pytest.FixtureRequest) -> Page:
    page = new_page()
    page.add_init_script(request.param)
    return page


def test_a_letter_is_sent(old_page: Page) -> None:
    assert Visitor(old_page).send_letter(Letter())


def test_back_goes_back(old_page: Page, site: RunningSite) -> None:
    visitor, matter = MappingVisitor(old_page), Matter()
    visitor.begin_at_step(site, 3, matter)
    visitor.press(visitor.back, "Tilanteesi")
    expect(visitor.box("Paikkakunta")).to_have_value(matter.place)
