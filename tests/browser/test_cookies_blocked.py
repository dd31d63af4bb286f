"""A browser that blocks all cookies can send a message."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import ARGUMENTS, PHONE, Watch
from tests.browser.visitor import Letter, Visitor, stored
from tests.tools.chromium import chromium_path
from tests.tools.running_site import RunningSite

_BLOCK = 2


@pytest.fixture
def page_without_cookies(chromium: Browser, site: RunningSite, watch: Watch, tmp_path: Path) -> Iterator[Page]:
    """A page in a browser whose settings block all cookies."""
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    settings = {"profile": {"default_content_setting_values": {"cookies": _BLOCK}}}
    (profile / "Preferences").write_text(json.dumps(settings))
    context = chromium.browser_type.launch_persistent_context(
        profile.parent, executable_path=chromium_path(), args=ARGUMENTS, base_url=site.url, viewport=PHONE
    )
    page = context.pages[0]
    watch.attach(page)
    yield page
    context.close()


def test_enquiry_with_blocked_cookies_is_not_suspicious(page_without_cookies: Page, site: RunningSite) -> None:
    letter = Letter()
    visitor = Visitor(page_without_cookies)
    visitor.open_form()
    page_without_cookies.evaluate("document.cookie = 'tried=1'")
    assert page_without_cookies.context.cookies() == [], "The browser does not block cookies."
    visitor.send()
    visitor.summary.wait_for()
    visitor.write(letter)
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()
    assert stored(site, letter) == ["new accepted"]
