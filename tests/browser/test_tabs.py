"""A tab that a test before looked through is like a new one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import DESK, PHONE
from tests.browser.tabs import Tabs
from tests.tools.running_site import RunningSite

_LOOKS = """() => [
  document.cookie, localStorage.length, sessionStorage.length, innerWidth,
  ...["(prefers-color-scheme: dark)", "(forced-colors: active)", "print"].filter((one) => matchMedia(one).matches),
]"""


@pytest.fixture
def tabs(chromium: Browser, site: RunningSite) -> Iterator[Tabs]:
    tabs = Tabs(chromium, site.url)
    yield tabs
    tabs.give_back()
    tabs.close()


def test_tab_taken_again_is_like_a_new_one(tabs: Tabs) -> None:
    told: list[object] = []
    page = tabs.take({"viewport": PHONE}, {"console": lambda message: told.append(message)})
    page.goto("/")
    new = page.evaluate(_LOOKS)
    page.set_viewport_size(DESK)
    page.emulate_media(media="print", color_scheme="dark", forced_colors="active")
    page.evaluate("() => { localStorage.a = sessionStorage.a = document.cookie = 'a=1'; }")
    assert len(page.evaluate(_LOOKS)) > len(new)
    tabs.give_back()
    again = tabs.take({"viewport": PHONE}, {})
    assert again is page
    again.goto("/")
    assert again.evaluate(_LOOKS) == new
    again.evaluate("console.error('told to nobody')")
    assert told == []


@pytest.mark.parametrize("method", ["on", "route"])
def test_tab_changed_for_good_is_not_taken_again(tabs: Tabs, method: str) -> None:
    page = tabs.take({"viewport": PHONE}, {})
    getattr(page, method)("request", lambda *_: None)
    tabs.give_back()
    assert page.is_closed()
    assert tabs.take({"viewport": PHONE}, {}) is not page
