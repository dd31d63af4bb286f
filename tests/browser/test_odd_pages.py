"""Pages that Kati can make of fewer or other parts than the first content has."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import DESK, NewPage
from tests.tools.running_site import RunningSite

NARROW: ViewportSize = {"width": 320, "height": 640}
ADDRESS = "/ilman-kuvaa/"
_PUBLISH = """
import json
from home.models import ContentPage, HomePage
fact = {"value": "3–4", "unit": "viikkoa", "label": "Ohjauskertojen väli"}
prose = "<p>" + "Työnohjaus lähtee ohjattavan ja hänen työyhteisönsä tarpeista. " * 5 + "</p>"
def text(**changes):
    value = {"heading": "Otsikko", "line": "", "text": prose, "facts": [], "image": None, "drawing": ""}
    return {"type": "text", "value": {**value, **changes}}
facts = [{"type": "item", "value": fact}]
body = [
    text(line="Yksi lyhyt rivi.", facts=facts, drawing="art"),
    text(line="Yksi lyhyt rivi.", facts=facts, heading=""),
    text(line="Yksi lyhyt rivi.", drawing="art"),
    text(line="Yksi lyhyt rivi."),
    text(facts=facts),
    text(heading=""),
]
page = ContentPage(title="Ilman kuvaa", slug="ilman-kuvaa", body=json.dumps(body))
HomePage.objects.get().add_child(instance=page)
"""
_REMOVE = "from home.models import ContentPage; ContentPage.objects.get(slug='ilman-kuvaa').delete()"
# The left edge and the width of each part.
_PLACES = "parts => parts.map((part) => part.getBoundingClientRect()).map(({ left, width }) => [left, width])"


@pytest.fixture
def page_without_picture(site: RunningSite) -> Iterator[None]:
    site.run(_PUBLISH)
    yield
    site.run(_REMOVE)


@pytest.mark.usefixtures("page_without_picture")
def test_title_and_texts_keep_the_reading_column_without_a_picture(new_page: NewPage) -> None:
    page = new_page(viewport=DESK)
    page.goto(ADDRESS)
    ((title, _width),) = page.locator("h1").evaluate_all(_PLACES)
    texts = page.locator(".prose > p:not(.large-line)").evaluate_all(_PLACES)
    assert len(texts) == 6
    for left, width in texts:
        assert left == pytest.approx(title, abs=1)
        assert width > DESK["width"] * 0.4
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
