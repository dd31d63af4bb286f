"""A user who may only edit pages: the front page, the block chooser, and the limits of the permissions."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from home.blocks import BodyStreamBlock
from tests.browser.conftest import Watch
from tests.browser.katis_desk import LIST
from tests.browser.question_editor import publish
from tests.tools.running_site import RunningSite

LEAD = "Työnohjaus on yhteinen hetki ajatella."
_PUT_BACK = (
    "from home.models import HomePage\n"
    "page = HomePage.objects.get()\n"
    "page.lead = {lead!r}\n"
    "page.save_revision().publish()\n"
)


@pytest.fixture
def front_page_in_editor(editor: Page) -> Page:
    """The editor with the front page open."""
    editor.goto("/admin/pages/")
    # The list of pages opens at the front page, the topmost page that the user may edit.
    editor.goto(f"{editor.url}edit/")
    expect(editor.get_by_role("textbox", name="Otsikko").first).to_have_value("Aijuu työnohjaus")
    return editor


@pytest.fixture
def lead_put_back(site: RunningSite) -> Iterator[None]:
    lead = site.run("from home.models import HomePage; print(HomePage.objects.get().lead)")
    yield
    site.run(_PUT_BACK.format(lead=lead.strip()))


@pytest.mark.usefixtures("lead_put_back")
def test_published_front_page_text_shows_immediately(front_page_in_editor: Page, page: Page) -> None:
    editor = front_page_in_editor
    page.goto("/")
    expect(page.get_by_role("main")).not_to_contain_text(LEAD)

    editor.locator("#panel-child-sisalto-lead-section .public-DraftEditor-content").fill(LEAD)
    # The editor passes its text to the form with a delay; a preview opened before that shows the old text.
    expect(editor.locator("input[name=lead]")).to_have_value(re.compile(LEAD))
    editor.get_by_role("button", name="Esikatselu päälle/pois").click()
    preview = editor.frame_locator("[data-side-panel='preview'] iframe").first
    expect(preview.get_by_role("main")).to_contain_text(LEAD)
    expect(preview.get_by_role("complementary", name="Tiedote tauosta")).to_be_visible()
    page.reload()
    expect(page.get_by_role("main")).not_to_contain_text(LEAD)

    publish(editor)
    expect(editor.get_by_text(re.compile("julkaistu", re.I)).first).to_be_visible()
    page.reload()
    expect(page.get_by_role("main")).to_contain_text(LEAD)


def test_block_chooser_previews_every_block(front_page_in_editor: Page) -> None:
    editor = front_page_in_editor
    blocks = BodyStreamBlock().child_blocks.values()
    editor.locator(".c-sf-add-button").last.click()
    shows = editor.locator(".w-combobox__option-preview")
    expect(shows).to_have_count(len(blocks))
    for show in shows.all():
        show.click()
        looks = editor.frame_locator(".w-combobox-preview__iframe")
        expect(looks.get_by_role("main")).not_to_be_empty()
        expect(editor.locator(".w-combobox-preview__description")).not_to_be_empty()
        # The font shows that the site's style sheet was not blocked.
        expect(looks.locator("body")).to_have_css("font-family", re.compile("Atkinson"))
        show.click()


def test_the_editor_has_no_way_to_enquiries(editor: Page) -> None:
    editor.goto("/admin/")
    expect(editor.get_by_role("heading", level=1).first).to_be_visible()
    expect(editor.get_by_text("Yhteydenotot")).to_have_count(0)
    for address in (LIST, f"{LIST}?export=csv", f"{LIST}inspect/1/", f"{LIST}delete/1/"):
        answer = editor.goto(address)
        assert answer
        assert answer.status == 403, address
        expect(editor.get_by_role("heading", level=1)).to_have_text("Tälle sivulle ei ole pääsyä")


# One page per line: its content, and the findings shown to the editor. Some findings exclude each other.
_ERRORS = [
    ({}, []),
    ({"search_description": "a" * 156}, ["Kuvaus hakukoneille on pitkä"]),
    (
        {
            "search_description": "",
            "seo_title": "a" * 61,
            "intro": '<p>Sanoo "niin".</p>',
            "skips": True,
        },
        [
            "Kuvaus hakukoneille puuttuu",
            "Otsikko on pitkä",
            "Otsikkotasot ovat väärässä järjestyksessä",
            "Tekstissä on suoria lainausmerkkejä",
        ],
    ),
]
_MAKE_INVALID = """
from home.models import HomePage, ServicePage

for number, changed in enumerate({errors!r}):
    html = "<h4>Liian alas</h4>" if changed.pop("skips", False) else ""
    body = [dict(type="text", value=dict(heading="Alku", text=html + "<p>Teksti.</p>"))]
    values = dict(title="Koe", slug=f"tarkistus-{{number}}", search_description="Lyhyt kuvaus.", body=body)
    print(HomePage.objects.get().add_child(instance=ServicePage(**(values | changed))).pk)
"""
_REMOVE_INVALID = """
from home.models import ServicePage

for page in ServicePage.objects.filter(slug__startswith="tarkistus-"):
    page.delete()
"""


@pytest.fixture
def invalid_pages(site: RunningSite) -> Iterator[list[str]]:
    """The primary keys of the pages made from _ERRORS."""
    made = site.run(_MAKE_INVALID.format(errors=[changed for changed, _findings in _ERRORS]))
    yield made.split()
    site.run(_REMOVE_INVALID)


def test_image_list_title_is_readable(editor: Page) -> None:
    editor.goto("/admin/images/")
    title = editor.get_by_role("navigation", name="Linkkipolku").get_by_text("Kuvat", exact=True)
    shown_at_its_end = """element => {
      const box = element.getBoundingClientRect();
      return element.contains(document.elementFromPoint(box.right - 2, (box.top + box.bottom) / 2));
    }"""
    assert title.evaluate(shown_at_its_end)


def test_editor_checks_panel_shows_each_finding(editor: Page, invalid_pages: list[str], watch: Watch) -> None:
    for number, (_changed, findings) in zip(invalid_pages, _ERRORS, strict=True):
        editor.goto(f"/admin/pages/{number}/edit/")
        if number == invalid_pages[0]:
            # Wagtail keeps the panel open on later pages.
            editor.get_by_role("button", name="Tarkistukset päälle/pois").click()
        # The word count appears with the findings, so wait for it.
        expect(editor.locator("[data-content-word-count]")).to_have_text(re.compile(r"\d"))
        count = editor.locator("[data-side-panel='checks'] [data-content-checker-count]")
        expect(count).to_have_text(str(len(findings)))
        for words in findings:
            expect(editor.locator("[data-checks-panel]").get_by_text(words)).to_be_visible()
    # Wagtail writes its findings to the console as an error.
    watch.problems[:] = [problem for problem in watch.problems if "axe.run results" not in problem]
