"""Pages with fewer or other parts than those of the initial content."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.conftest import DESK, NewPage
from tests.browser.mapping_visitor import MappingVisitor, Matter
from tests.browser.questions import questions_of
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
# The left edge and the width of each element.
_PLACES = "parts => parts.map((part) => part.getBoundingClientRect()).map(({ left, width }) => [left, width])"


@pytest.fixture
def page_without_picture(site: RunningSite) -> Iterator[None]:
    site.run(_PUBLISH)
    yield
    site.run(_REMOVE)


@pytest.mark.usefixtures("page_without_picture")
def test_text_column_without_picture(new_page: NewPage) -> None:
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


_LONG = "Hyvinvointityöntekijäyhdistys" * 10
_LONG_QUESTIONS = f"""[
    step("{_LONG[:80]}"),
    row("long_text", "a", label="{_LONG[:200]}", help="{_LONG}", need="recommended", limit=5000),
    row("single_choice", "b", label="{_LONG[:199]}", need="recommended", choices=["{_LONG[:150]}", "Muu"]),
    row("scale", "c", label="{_LONG[:198]}", need="recommended", low_label="{_LONG[:80]}", high_label="Paljon"),
]"""


def test_longest_words_of_questions_break_in_a_narrow_window(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(viewport=NARROW)
    visitor = MappingVisitor(page)
    with questions_of(site, _LONG_QUESTIONS):
        visitor.open_first_step()
        visitor.write_facts(Matter())
        visitor.go_on(_LONG[:80])
        wide = [(page.title(), page.evaluate("document.documentElement.scrollWidth"))]
        for heading in ("Tarkista vastauksesi", "Kiitos, alkukartoituksesi on perillä"):
            visitor.go_on(heading)
            wide.append((heading, page.evaluate("document.documentElement.scrollWidth")))
        page.get_by_role("link", name="Katso ja tallenna oma kopiosi").click()
        visitor.page.wait_for_url("**/kopio/")
        wide.append(("kopio", page.evaluate("document.documentElement.scrollWidth")))
    assert [place for place, width in wide if width > NARROW["width"]] == []
