"""A reused tab behaves like a new one."""

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


def test_reused_tab_is_like_a_new_one(tabs: Tabs) -> None:
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


def test_listeners_and_routes_are_removed(tabs: Tabs) -> None:
    asked: list[object] = []
    page = tabs.take({"viewport": PHONE}, {})
    page.on("request", lambda request: asked.append(request))
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.route("**/*", lambda route: route.fallback())
    page.goto("/ota-yhteytta/")
    page.get_by_role("textbox", name="Nimesi").click()
    page.evaluate("() => addEventListener('beforeunload', (event) => event.preventDefault())")
    page.keyboard.type("Maija")
    page.route("**/*", lambda route: route.abort())
    page.context.set_offline(True)
    tabs.give_back()
    again = tabs.take({"viewport": PHONE}, {})
    assert again is page
    asked.clear()
    answer = again.goto("/")
    assert answer
    assert answer.ok
    assert asked == []


@pytest.mark.parametrize("lasting", ["a script", "a clock", "a route of all tabs"])
def test_tab_with_lasting_change_is_not_reused(tabs: Tabs, lasting: str) -> None:
    page = tabs.take({"viewport": PHONE}, {})
    if lasting == "a script":
        page.add_init_script("window.of_a_test = 1")
    elif lasting == "a clock":
        page.clock.install()
    else:
        page.context.route("**/*", lambda route: route.abort())
    tabs.give_back()
    assert page.is_closed()
    assert tabs.take({"viewport": PHONE}, {}) is not page
