"""Drafts of forms survive a reload and reopening the tab, and are deleted when the form is sent or cleared."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import NewPage
from tests.browser.mapping_visitor import GOAL, RHYTHM, SIGN, MappingVisitor, Matter
from tests.browser.questions import questions_of
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor
from tests.tools.running_site import RunningSite

KEPT = "Keskeneräinen teksti säilyy vain tässä välilehdessä, kunnes lähetät sen tai tyhjennät lomakkeen."


_QUESTIONS = """[
    step("Yksi"),
    row("single_choice", "kuka", label="Kuka?", choices=["Ryhmä", "Muu", "Kriisissä"]),
    row("short_text", "muu", label="Mikä muu?", limit=50, when=["kuka:kuka-2"]),
    row("ending", "apu", title="Apua muualta", text="<p>Soita.</p>", when=["kuka:kuka-3"]),
    step("Kaksi"),
    row("short_text", "koti", label="Missä asut?", limit=50),
]"""


@pytest.fixture
def questions(site: RunningSite) -> Iterator[None]:
    """Three questions (the second depends on the first), and an early end."""
    with questions_of(site, _QUESTIONS):
        yield


def kept(page: Page) -> dict[str, str]:
    """Return the tab's sessionStorage."""
    found: dict[str, str] = json.loads(page.evaluate("JSON.stringify(sessionStorage)"))
    return found


def clear(page: Page) -> None:
    page.get_by_role("button", name="Tyhjennä lomake").click()


def test_draft_survives_reload(page: Page) -> None:
    letter = Letter(phone="050 123 4567", organisation="Porin perhekeskus")
    visitor = Visitor(page)
    visitor.open_form()
    line = page.get_by_text(KEPT)
    expect(line).to_be_hidden()
    visitor.write(letter)
    expect(line).to_be_visible()
    assert_accessible(page)
    token, shown = page.locator("[name=form_token]"), page.locator("[name=shown]")
    opened = token.input_value()
    shown.evaluate("field => { field.value = 'before'; }")
    page.reload()
    visitor.expect_words_kept(letter)
    expect(visitor.box("Puhelinnumero")).to_have_value(letter.phone)
    expect(line).to_be_visible()
    # The form token is restored with the draft, but not the statements of the page, which may have changed.
    expect(token).to_have_value(opened)
    expect(shown).not_to_have_value("before")


def test_draft_survives_reopening_the_tab(new_page: NewPage) -> None:
    """A browser that reopens a closed tab, or restarts after a crash, restores the tab's sessionStorage."""
    letter = Letter()
    visitor = Visitor(closed := new_page())
    visitor.open_form()
    visitor.write(letter)
    storage = kept(closed)
    closed.close()
    opened = new_page()
    opened.add_init_script(f"Object.assign(sessionStorage, {json.dumps(storage)})")
    visitor = Visitor(opened)
    visitor.open_form()
    visitor.expect_words_kept(letter)


def test_draft_is_not_shared_with_other_tabs(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(Letter())
    other = page.context.new_page()
    other.goto(CONTACT_PAGE)
    expect(Visitor(other).name).to_have_value("")
    assert other.evaluate("localStorage.length") == 0


def test_draft_excludes_token_and_honeypot(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(Letter())
    names = [name for name, _value in json.loads(kept(page)["draft:message"])]
    assert names == [
        "name",
        "email",
        "message",
        "phone",
        "organisation",
        "supervision_form",
        "delivery_modes",
        "preferred_contact",
    ]


def test_autosave_is_cleared_after_sending(page: Page) -> None:
    Visitor(page).send_letter(Letter())
    assert kept(page) == {}
    page.goto(CONTACT_PAGE)
    expect(Visitor(page).message).to_have_value("")


def test_clear_button_empties_form_and_can_undo(page: Page) -> None:
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    clear(page)
    expect(visitor.name).to_have_value("")
    expect(visitor.message).to_have_value("")
    expect(page.get_by_role("radio", name="Ryhmätyönohjaus")).not_to_be_checked()
    assert kept(page) == {}
    undo = page.get_by_role("button", name="Palauta teksti")
    expect(undo).to_be_focused()
    assert_accessible(page)
    undo.click()
    visitor.expect_words_kept(letter)
    expect(page.get_by_role("button", name="Tyhjennä lomake")).to_be_focused()
    clear(page)
    page.reload()
    expect(visitor.name).to_have_value("")
    expect(undo).to_be_hidden()


def test_a_translated_form_can_be_cleared(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter := Letter())
    # Browsers that translate a page wrap its text like this.
    page.evaluate("""() => document.querySelectorAll("button").forEach((button) => {
      const words = document.createElement("font");
      words.append(...button.childNodes);
      button.append(words);
    })""")
    clear(page)
    expect(visitor.message).to_have_value("")
    page.get_by_role("button", name="Palauta teksti").click()
    visitor.expect_words_kept(letter)


def test_text_returned_with_errors_can_be_cleared(page: Page) -> None:
    visitor = Visitor(page)
    visitor.open_form()
    visitor.name.fill("Maija")
    visitor.send()
    expect(visitor.summary).to_be_focused()
    expect(visitor.name).to_have_value("Maija")
    clear(page)
    expect(visitor.name).to_have_value("")
    assert kept(page) == {}


def test_text_returned_with_errors_survives_reload(page: Page) -> None:
    letter = Letter(email="ei osoite")
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    visitor.send()
    expect(visitor.summary).to_be_focused()
    visitor.message.fill("Korjattu viesti.")
    page.reload()
    expect(visitor.message).to_have_value("Korjattu viesti.")
    expect(visitor.email).to_have_value("ei osoite")


def test_each_mapping_step_has_own_draft(page: Page) -> None:
    visitor, matter = MappingVisitor(page), Matter()
    visitor.open_first_step()
    visitor.write_facts(matter)
    page.reload()
    expect(visitor.box("Nimesi")).to_have_value(matter.letter.name)
    visitor.fill_until(3, matter)
    assert kept(page) == {}
    visitor.box("Mihin toivot muutosta?").fill(GOAL)
    assert list(kept(page)) == [f"draft:/jatka/{visitor.secret}/vaihe/2/"]
    page.reload()
    expect(visitor.box("Mihin toivot muutosta?")).to_have_value(GOAL)
    # Leave a step without sending it, and go to the end from an earlier one: no draft remains.
    visitor.write_wishes()
    visitor.go_on("Käytännön asiat")
    visitor.write_practicalities()
    visitor.go_on("Tarkista vastauksesi")
    page.goto(f"/jatka/{visitor.secret}/vaihe/2/")
    visitor.box("Mihin toivot muutosta?").fill("Jotakin muuta, jota en lähetä.")
    page.goto(f"/jatka/{visitor.secret}/tarkista/")
    page.wait_for_timeout(2_000)
    visitor.go_on("Kiitos, alkukartoituksesi on perillä")
    assert kept(page) == {}


def test_clearing_reopened_step_restores_sent_answer(page: Page, site: RunningSite) -> None:
    visitor, matter = MappingVisitor(page), Matter()
    visitor.begin_at_step(site, 4, matter)
    visitor.press(visitor.back, "Toiveesi")
    goal = visitor.box("Mihin toivot muutosta?")
    goal.fill("Muuta.")
    page.reload()
    expect(goal).to_have_value("Muuta.")
    clear(page)
    expect(goal).to_have_value(GOAL)


@pytest.mark.usefixtures("questions")
def test_autosave_restores_answer_of_conditional_question(page: Page) -> None:
    visitor = MappingVisitor(page)
    visitor.open_first_step()
    visitor.write_facts(Matter())
    visitor.go_on("Yksi")
    visitor.choose("Kuka?", "Muu")
    more = visitor.box("Mikä muu?")
    more.fill("Kuoro.")
    page.reload()
    expect(more).to_have_value("Kuoro.")
    clear(page)
    expect(more).to_be_hidden()
    page.get_by_role("button", name="Palauta teksti").click()
    expect(more).to_have_value("Kuoro.")


@pytest.mark.usefixtures("questions")
def test_answer_to_hidden_question_blocks_nothing(new_page: NewPage, javascript_enabled: bool) -> None:
    """With the script the question is hidden and the form can be sent; without it the answer is shown once more."""
    page = new_page(java_script_enabled=javascript_enabled)
    visitor = MappingVisitor(page)
    visitor.open_first_step()
    visitor.write_facts(Matter())
    visitor.go_on("Yksi")
    visitor.choose("Kuka?", "Muu")
    visitor.box("Mikä muu?").fill("Kuoro.")
    visitor.choose("Kuka?", "Ryhmä")
    if not javascript_enabled:
        visitor.onwards.click()
        expect(visitor.summary).to_contain_text("Kuoro.")
        expect(visitor.box("Mikä muu?")).to_have_value("Kuoro.")
    visitor.go_on("Kaksi")


@pytest.mark.usefixtures("questions")
def test_early_end_deletes_drafts_of_all_steps(page: Page) -> None:
    visitor = MappingVisitor(page)
    visitor.open_first_step()
    visitor.write_facts(Matter())
    visitor.go_on("Yksi")
    visitor.choose("Kuka?", "Ryhmä")
    visitor.go_on("Kaksi")
    visitor.box("Missä asut?").fill("Salakylä")
    page.go_back()
    page.wait_for_url("**/vaihe/1/")
    visitor.choose("Kuka?", "Kriisissä")
    assert len(kept(page)) == 2
    visitor.go_on("Apua muualta")
    assert kept(page) == {}


@pytest.mark.usefixtures("questions")
def test_step_after_end_elsewhere_returns_text(page: Page) -> None:
    visitor = MappingVisitor(page)
    visitor.open_first_step()
    visitor.write_facts(Matter())
    visitor.go_on("Yksi")
    other = MappingVisitor(page.context.new_page())
    other.page.goto(page.url)
    visitor.choose("Kuka?", "Ryhmä")
    visitor.go_on("Kaksi")
    visitor.box("Missä asut?").fill("Salakylä")
    other.choose("Kuka?", "Kriisissä")
    other.go_on("Apua muualta")
    visitor.onwards.click()
    expect(visitor.heading).to_have_text("Tämä linkki ei enää avaa alkukartoitusta")
    expect(page.get_by_text("Salakylä")).to_be_visible()
    expect(page.get_by_role("link", name="Aloita uusi alkukartoitus")).to_be_visible()


def test_no_draft_notice_without_session_storage(page: Page) -> None:
    page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('forbidden'); } })")
    letter = Letter()
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    expect(page.get_by_text(KEPT)).to_be_hidden()
    visitor.take_time()
    visitor.send()
    visitor.wait_for_thanks()


@pytest.mark.parametrize("address", [CONTACT_PAGE, "/alkukartoitus/aloita/"])
def test_no_draft_notice_without_javascript(new_page: NewPage, address: str) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(address)
    page.get_by_role("textbox", name="Nimesi").fill("Maija")
    expect(page.get_by_text(KEPT)).to_be_hidden()
    expect(page.get_by_role("button", name="Tyhjennä lomake")).to_be_hidden()


def test_draft_keeps_answers_of_another_device(new_page: NewPage, page: Page, site: RunningSite) -> None:
    visitor, phone = MappingVisitor(page), MappingVisitor(new_page())
    visitor.begin_at_step(site, 3, Matter())
    phone.page.goto(page.url)
    visitor.box("Mistä huomaisit").fill(SIGN)
    phone.box("Mihin toivot muutosta?").fill(GOAL)
    phone.go_on("Käytännön asiat")
    # This draft was begun before the other device answered.
    page.reload()
    visitor.go_on("Käytännön asiat")
    phone.write_practicalities()
    phone.go_on("Tarkista vastauksesi")
    visitor.go_on("Tarkista vastauksesi")
    for words in (GOAL, SIGN, RHYTHM):
        expect(page.get_by_role("main")).to_contain_text(words)
    # A visitor who has seen an answer can delete it.
    visitor.press(page.get_by_role("link", name=re.compile("^Muuta ?: Mistä huomaisit")), "Toiveesi")
    visitor.box("Mistä huomaisit").fill("")
    visitor.go_on("Tarkista vastauksesi")
    expect(page.get_by_role("main")).not_to_contain_text(SIGN)
