"""Editing the questions: new ones are asked, mappings in progress don't change, errors are shown at the question."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.katis_desk import KatisDesk
from tests.browser.mapping_visitor import GROUP, INDIVIDUAL, ONLINE, MappingVisitor, Matter
from tests.browser.question_editor import QuestionEditor
from tests.browser.test_mapping import counts
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

WHENCE, ACQUAINTANCE = "Mistä kuulit Aijuusta?", "Tutulta"
WHO = "Kuka kertoi?"
CONDITION = f"Vastaa tähän, jos valitsit kohdassa ”{WHENCE}” vaihtoehdon ”{ACQUAINTANCE}”."
# The other types of questions: the name in the editor, and the required fields besides the text.
OTHER_KINDS = {
    "Pitkä teksti": {},
    "Luku": {"minimum": "1", "maximum": "9"},
    "Asteikko 0–10": {"low_label": "ei lainkaan", "high_label": "täysin"},
    "Kyllä vai ei": {},
    "Päivä": {},
    "Aikaväli (päivästä päivään)": {},
}
_PUT_BACK = (
    "from intake.mapping.page import MappingPage\n"
    "page = MappingPage.objects.get()\n"
    "page.revisions.order_by('created_at', 'pk').first().publish()\n"
)
# Starts a new history with the current questions, because the history shows only the newest twenty entries.
_KEEP = (
    "from intake.mapping.page import MappingPage; from wagtail.models import PageLogEntry\n"
    "page = MappingPage.objects.get()\n"
    "PageLogEntry.objects.filter(page=page).delete()\n"
    "page.save_revision(log_action=True).publish()\n"
)
# Saves the result of add_background_step() as a draft.
_ADD_BACKGROUND = f"""
import json
from intake.mapping.page import MappingPage
from tests.intake.mapping.asking import row
page = MappingPage.objects.get()
page.questions = json.dumps([
    *page.questions.get_prep_value(),
    row("step", "taustaa", title="Taustaa"),
    row("single_choice", "mista", label={WHENCE!r}, choices=[{ACQUAINTANCE!r}, "Verkosta"]),
    row("short_text", "kuka", label={WHO!r}, when=["mista:mista-1"]),
])
page.save_revision(log_action=True)
print(page.pk)
"""
_PUBLISH = (
    "from intake.mapping.page import MappingPage\nMappingPage.objects.get().latest_revision.publish(log_action=True)\n"
)


@pytest.fixture
def questions(desk: KatisDesk, site: RunningSite) -> Iterator[QuestionEditor]:
    """The question editor, not yet open. Restores the questions after the test."""
    site.run(_KEEP)
    yield QuestionEditor(desk.page)
    site.run(_PUT_BACK)


@pytest.fixture
def editor(questions: QuestionEditor, desk: KatisDesk, site: RunningSite) -> QuestionEditor:
    """The question editor, open."""
    desk.open_editor(site, "Alkukartoitus")
    questions.wait_until_drawn()
    return questions


@pytest.fixture
def background(questions: QuestionEditor, site: RunningSite) -> QuestionEditor:
    """The editor with a draft that contains the step of add_background_step()."""
    number = site.run(_ADD_BACKGROUND).strip()
    questions.page.goto(f"/admin/pages/{number}/edit/")
    questions.wait_until_drawn()
    return questions


def add_background_step(editor: QuestionEditor) -> None:
    """Add a step with a question, and a second question that depends on an answer to the first."""
    editor.add("Vaihe", title="Taustaa")
    whence = editor.add("Yksi vaihtoehto", label=WHENCE)
    editor.add_choices(whence, ACQUAINTANCE, "Verkosta")
    editor.save_draft()
    who = editor.add("Lyhyt teksti", label=WHO)
    editor.ask_when(who, f"{WHENCE} – {ACQUAINTANCE}")


def test_added_step_is_previewed_published_and_asked(
    questions: QuestionEditor, new_page: NewPage, site: RunningSite
) -> None:
    editor = questions
    # Through the list of pages, as Kati does.
    editor.open()
    earlier = MappingVisitor(new_page())
    earlier.begin_at_step(site, 4, Matter(form=INDIVIDUAL, meeting=(ONLINE,)))
    add_background_step(editor)
    editor.save_draft()
    before = counts(site)

    # The preview beside the editor shows the step with all its questions, and describes their conditions.
    page = editor.page
    page.get_by_role("button", name="Esikatselu päälle/pois").click()
    # Wait until Wagtail has finished the first preview: only then can another one be requested.
    expect(editor.preview.get_by_role("heading", level=1)).to_have_text(re.compile("Alkukartoitus"))
    expect(page.locator("[data-w-preview-target='spinner']")).to_be_hidden()
    page.locator("[data-side-panel='preview'] select:has(option:text-is('Taustaa'))").select_option(label="Taustaa")
    expect(editor.preview.get_by_role("heading", level=1)).to_have_text("Taustaa")
    expect(editor.preview.get_by_text(WHO)).to_be_visible()
    expect(editor.preview.get_by_text(CONDITION)).to_be_visible()
    expect(editor.preview.get_by_text("Tämä on esikatselu")).to_be_visible()
    page.get_by_role("button", name="Esikatselu päälle/pois").click()

    # The trial run goes through the whole mapping in the admin, and stores nothing.
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Kokeile koko kartoitusta").click()
    tryout = MappingVisitor(opened.value, in_place=True)
    tryout.write_facts(Matter(form=GROUP, meeting=(ONLINE,)))
    tryout.go_on("Tilanteesi")
    tryout.write_situation(Matter(form=GROUP, meeting=(ONLINE,)))
    tryout.go_on("Toiveesi")
    tryout.write_wishes()
    tryout.go_on("Käytännön asiat")
    tryout.go_on("Taustaa")
    tryout.choose(WHENCE, ACQUAINTANCE)
    tryout.box(WHO).fill("Serkku")
    tryout.go_on("Tarkista vastauksesi")
    expect(tryout.page.get_by_role("main")).to_contain_text("Serkku")
    tryout.go_on("Kokeilu päättyi")
    assert counts(site) == before
    # Until they are published, visitors don't get the new questions.
    fresh = MappingVisitor(new_page())
    fresh.page.goto("/alkukartoitus/")
    expect(fresh.page.get_by_text("Taustaa")).to_have_count(0)

    editor.publish()
    expect(page.locator(".messages")).to_contain_text("julkaistu")
    for scripts in (True, False):
        visitor = MappingVisitor(new_page(java_script_enabled=scripts))
        visitor.begin_at_step(site, 4, Matter(form=INDIVIDUAL, meeting=(ONLINE,)))
        visitor.expect_step("Käytännön asiat", 4, 5)
        visitor.go_on("Taustaa")
        expect(visitor.box(WHO)).to_be_visible(visible=not scripts)
        expect(visitor.page.get_by_text(CONDITION)).to_have_count(0 if scripts else 1)
        visitor.choose(WHENCE, ACQUAINTANCE)
        expect(visitor.box(WHO)).to_be_visible()
        visitor.box(WHO).fill("Serkku")
        visitor.choose(WHENCE, "Verkosta")
        expect(visitor.box(WHO)).to_be_visible(visible=not scripts)
        if not scripts:
            # Without scripts the field was visible: its text is shown once more before it is discarded.
            visitor.go_on("Taustaa")
            expect(visitor.page.get_by_role("main")).to_contain_text("Serkku")
        visitor.go_on("Tarkista vastauksesi")
        # A question whose condition is not met is neither shown nor stored.
        expect(visitor.page.get_by_role("main")).not_to_contain_text("Serkku")
    # A mapping begun earlier continues with the earlier questions.
    earlier.expect_step("Käytännön asiat", 4, 4)
    earlier.go_on("Tarkista vastauksesi")


def test_every_question_type_is_saved_and_shown(editor: QuestionEditor, page: Page, site: RunningSite) -> None:
    editor.add("Vaihe", title="Kaikenlaista")
    for kind, fields in OTHER_KINDS.items():
        editor.add(kind, label=f"Koe: {kind}", **fields)
    several = editor.add("Monta vaihtoehtoa", label="Koe: monta")
    editor.add_choices(several, "Yksi", "Toinen")
    editor.publish()
    expect(editor.page.locator(".messages")).to_contain_text("julkaistu")
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 4, Matter(form=INDIVIDUAL, meeting=(ONLINE,)))
    visitor.go_on("Kaikenlaista")
    for kind in OTHER_KINDS:
        expect(page.get_by_text(f"Koe: {kind}", exact=True)).to_be_visible()
    visitor.group("Koe: Asteikko").get_by_label("7", exact=True).check()
    visitor.group("Koe: monta").get_by_label("Toinen").check()
    page.get_by_label("Aikaisintaan").fill("1.2.2027")
    visitor.go_on("Tarkista vastauksesi")
    for words in ("7 asteikolla 0–10", "Toinen", "1.2.2027 alkaen"):
        expect(page.get_by_role("main")).to_contain_text(words)


def refused(editor: QuestionEditor, number: int, words: str) -> None:
    """Publish, and expect the error message `words` at block `number`, which is expanded."""
    editor.publish()
    expect(editor.page.locator(".messages")).to_contain_text("Sivua ei voitu tallentaa")
    told = editor.block(number).get_by_text(words)
    expect(told).to_be_visible()


def test_empty_step_and_duplicate_choice_show_validation_errors_in_place(editor: QuestionEditor) -> None:
    question = editor.add("Yksi vaihtoehto", label="Kumpi?")
    editor.add_choices(question, "Sama", " sama")
    step = editor.add("Vaihe", title="Tyhjä")
    refused(editor, question, "Tämä vaihtoehto on jo luettelossa")
    editor.add_choices(question, "Sama", "Toinen")
    refused(editor, step, "Tässä vaiheessa ei ole yhtään kysymystä")


def test_question_before_its_condition_or_without_it_is_refused(background: QuestionEditor) -> None:
    number = background.count - 1
    background.block(number).get_by_role("button", name="Siirrä ylös").first.click()
    refused(background, number - 1, "tulee vasta myöhemmin")
    # The page with the errors numbers the blocks in their current order.
    background.block(number - 1).get_by_role("button", name="Siirrä alas").first.click()
    background.block(number).get_by_role("button", name="Poista").first.click()
    refused(background, number - 1, "on poistettu")


def test_old_question_revision_can_be_restored(questions: QuestionEditor, site: RunningSite, page: Page) -> None:
    number = site.run(_ADD_BACKGROUND).strip()
    site.run(_PUBLISH)
    page.goto("/alkukartoitus/")
    expect(page.get_by_role("main")).to_contain_text("Taustaa")
    admin = questions.page
    admin.goto(f"/admin/pages/{number}/history/")
    admin.locator("main tbody").get_by_role("button", name="Toimet").last.click()
    with next_document(admin):
        admin.get_by_role("link", name="Tarkasta tämä versio").filter(visible=True).click()
    questions.publish()
    expect(admin.locator(".messages")).to_contain_text("julkaistu")
    page.reload()
    expect(page.get_by_role("main")).not_to_contain_text("Taustaa")
