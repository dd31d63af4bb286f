"""The questions and answers (FAQ): opening single items and linking to them."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewPage

QUESTIONS = {
    "mita-tyonohjaus-on": ("Mitä työnohjaus on?", "yhdessä tulkitsemista ja jäsentämistä"),
    "mita-hyotya-tyonohjauksesta-on": ("Mitä hyötyä työnohjauksesta on?", "muutoskyvyn lisääntyminen"),
    "kenelle-tyonohjaus-sopii": ("Kenelle työnohjaus sopii?", "oppia ja kehittyä työssään"),
    "mita-tyonohjauksessa-kaytannossa-tapahtuu": (
        "Mitä työnohjauksessa käytännössä tapahtuu?",
        "auttaa kysymyksien avulla ohjattavia löytämään omia ratkaisuja",
    ),
}


def answer_of(page: Page, anchor: str) -> Locator:
    return page.locator(f"#{anchor}").get_by_text(QUESTIONS[anchor][1])


def test_faq_items_open_and_close(new_page: NewPage, javascript_enabled: bool) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    page.goto("/")
    for anchor, (question, _answer) in QUESTIONS.items():
        heading = page.locator(f"#{anchor}").get_by_role("heading", name=question)
        answer = answer_of(page, anchor)
        expect(answer).to_be_hidden()
        heading.click()
        expect(answer).to_be_visible()
        heading.click()
        expect(answer).to_be_hidden()


def test_faq_anchor_url_opens_only_that_question(page: Page) -> None:
    for anchor in QUESTIONS:
        page.goto("about:blank")
        page.goto(f"/#{anchor}")
        expect(answer_of(page, anchor)).to_be_visible()
        expect(page.locator(f"#{anchor} summary")).to_be_in_viewport()
        for other in QUESTIONS.keys() - {anchor}:
            expect(answer_of(page, other)).to_be_hidden()


def test_hash_link_opens_faq_on_same_page(page: Page) -> None:
    page.goto("/")
    anchor = "kenelle-tyonohjaus-sopii"
    page.evaluate("anchor => { location.hash = anchor; }", anchor)
    expect(answer_of(page, anchor)).to_be_visible()
    expect(page.locator(f"#{anchor} summary")).to_be_in_viewport()


def test_link_opens_a_question_that_was_closed_again(page: Page) -> None:
    anchor = "kenelle-tyonohjaus-sopii"
    page.goto(f"/#{anchor}")
    page.locator(f"#{anchor} summary").click()
    expect(answer_of(page, anchor)).to_be_hidden()
    add = "(name) => document.body.insertAdjacentHTML('afterbegin', `<a href='#${name}'>Kysymys</a>`)"
    page.evaluate(add, anchor)
    page.get_by_role("link", name="Kysymys").click()
    expect(answer_of(page, anchor)).to_be_visible()


def test_faq_anchor_scrolls_to_question_without_javascript(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/#mita-tyonohjauksessa-kaytannossa-tapahtuu")
    expect(page.locator("#mita-tyonohjauksessa-kaytannossa-tapahtuu summary")).to_be_in_viewport()


def test_printed_page_shows_every_answer(new_page: NewPage, javascript_enabled: bool) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    page.goto("/")
    page.emulate_media(media="print")
    for anchor in QUESTIONS:
        expect(answer_of(page, anchor)).to_be_visible()
