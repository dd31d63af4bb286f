"""Printed admin pages: all text is there, including the notes in forms, dark on white in every theme."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.katis_desk import REMOVE_ALL, KatisDesk
from tests.tools.running_site import RunningSite

MAKE = (
    "from intake.choices import Kind\n"
    "from intake.models import Enquiry, InitialMapping\n"
    "from tests.intake.desk.mappings import with_mapping\n"
    "from tests.intake.enquiries import received\n"
    "received(name='Oona Odottaja', kind=Kind.WAITING)\n"
    "one = with_mapping(name='Paula Paperi')\n"
    "Enquiry.objects.filter(pk=one.pk).update(note='Soitan maanantaina.')\n"
    "InitialMapping.objects.filter(enquiry=one).update(preparation_notes='Kysy ensin rooleista.')\n"
)
# Elements whose text is not dark, or whose background is not white.
NOT_FOR_PAPER = """() => {
  const root = document.documentElement;
  root.className = root.className.replace(/w-theme-\\w+/, 'w-theme-dark');
  const isLight = (colour, limit) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return a === 0 || r + g + b > limit;
  };
  const all = [...document.querySelectorAll('html, body, .wrapper, main, main *')];
  const shown = all.filter(one => one.checkVisibility());
  const hasWords = one => [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  return shown.filter(one => {
    const style = getComputedStyle(one);
    return !isLight(style.backgroundColor, 700) || (hasWords(one) && isLight(style.color.replace('rgba', 'rgb'), 450));
  }).map(one => one.outerHTML.slice(0, 80));
}"""


@pytest.fixture
def desk_on_paper(site: RunningSite, desk: KatisDesk) -> Iterator[KatisDesk]:
    """The print view of an enquiry with both kinds of notes."""
    site.run(REMOVE_ALL + MAKE)
    desk.read("Paula Paperi")
    desk.page.emulate_media(media="print")
    yield desk
    site.run(REMOVE_ALL)


def test_own_notes_are_printed(desk_on_paper: KatisDesk) -> None:
    paper = desk_on_paper.facts
    for words in ("Soitan maanantaina.", "Kysy ensin rooleista."):
        on_paper = paper.locator("p", has_text=words)
        expect(on_paper).to_be_visible()
        # On the screen the notes are only in the form.
        desk_on_paper.page.emulate_media(media="screen")
        expect(on_paper).to_be_hidden()
        desk_on_paper.page.emulate_media(media="print")
    expect(paper.locator("textarea, select, button").locator("visible=true")).to_have_count(0)


def test_paper_is_white_in_a_dark_theme(desk_on_paper: KatisDesk) -> None:
    page = desk_on_paper.page
    assert page.evaluate(NOT_FOR_PAPER) == []
    for address in ("/admin/yhteydenotot/", "/admin/odotuslista/", "/admin/opas/"):
        page.goto(address)
        assert page.evaluate(NOT_FOR_PAPER) == [], address
        expect(page.locator("[data-wagtail-sidebar], #wagtail-sidebar").locator("visible=true")).to_have_count(0)
