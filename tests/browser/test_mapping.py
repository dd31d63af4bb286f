"""The mapping of the initial content: filled in by keyboard alone, with and without scripts, and all ways back."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import NewPage, Watch
from tests.browser.mapping_visitor import (
    AT_WORK,
    GOAL,
    INDIVIDUAL,
    MAPPING_PAGE,
    ONLINE,
    RHYTHM,
    SIGN,
    MappingVisitor,
    Matter,
)
from tests.browser.visitor import Letter, Visitor
from tests.browser.waits import next_document
from tests.tools.audit.budgets import SIZES
from tests.tools.audit.page_weight import over_budget, weigh
from tests.tools.running_site import RunningSite

CHECK = "Tarkista vastauksesi"
DONE = "Kiitos, alkukartoituksesi on perillä"
_COUNT = (
    "from intake.enquiry.models import Enquiry; from intake.mapping.models import InitialMapping\n"
    "sent = InitialMapping.objects.exclude(sent_at=None)\n"
    "print('COUNTS', Enquiry.objects.count(), sent.count(), InitialMapping.objects.count())"
)
MOST_PRESSES = 150


def counts(site: RunningSite) -> tuple[int, ...]:
    """Return the numbers of enquiries, sent mappings, and all mappings."""
    said = site.run(_COUNT)
    return tuple(map(int, said.rpartition("COUNTS")[2].split()))


def press_until(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus."""
    for _ in range(MOST_PRESSES):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {target}.")


def choose_by_keys(page: Page, group: Locator, answer: str) -> None:
    """Choose `answer` in a group of radio buttons or checkboxes, using only the keyboard."""
    wanted = group.get_by_label(answer, exact=True)
    if wanted.get_attribute("type") == "checkbox":
        press_until(page, wanted)
        page.keyboard.press("Space")
    else:
        # Tab moves to the selected button of a group.
        chosen = group.locator("input:checked")
        press_until(page, chosen if chosen.count() else group.locator("input").first)
        page.keyboard.press("Space")
        for _ in range(group.locator("input").count()):
            if wanted.is_checked():
                break
            page.keyboard.press("ArrowDown")
    expect(wanted).to_be_checked()


def write_by_keys(page: Page, box: Locator, words: str) -> None:
    press_until(page, box)
    page.keyboard.type(words)


def press_button(page: Page, button: Locator, heading: str) -> None:
    press_until(page, button)
    with next_document(page):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_mapping_completed_and_sent_by_keyboard_alone(
    new_page: NewPage, javascript_enabled: bool, site: RunningSite
) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    visitor, matter = MappingVisitor(page), Matter()
    before = counts(site)
    page.goto(MAPPING_PAGE)
    press_button(page, page.get_by_role("link", name="Aloita alkukartoitus"), "Yhteystiedot")

    visitor.expect_step("Yhteystiedot", 1, 4)
    write_by_keys(page, visitor.box("Nimesi"), matter.letter.name)
    write_by_keys(page, visitor.box("Sähköpostiosoite"), matter.letter.address)
    choose_by_keys(page, visitor.group("Työnohjauksen muoto"), matter.form)
    choose_by_keys(page, visitor.group("Missä tavattaisiin?"), AT_WORK)
    press_button(page, visitor.onwards, "Tilanteesi")

    visitor.expect_step("Tilanteesi", 2, 4)
    choose_by_keys(page, visitor.group("Missä roolissa otat yhteyttä?"), "Vastaan työnohjauksen tilaamisesta")
    write_by_keys(page, visitor.box("Ryhmän koko"), matter.size)
    write_by_keys(page, visitor.box("Paikkakunta"), matter.place)
    press_button(page, visitor.onwards, "Toiveesi")

    visitor.expect_step("Toiveesi", 3, 4)
    write_by_keys(page, visitor.box("Mihin toivot muutosta?"), GOAL)
    press_button(page, visitor.onwards, "Käytännön asiat")

    visitor.expect_step("Käytännön asiat", 4, 4)
    choose_by_keys(page, visitor.group("Tunnetko Katin ennestään?"), "En")
    press_button(page, visitor.onwards, CHECK)
    for words in (matter.letter.name, matter.form, AT_WORK, "Vastaan työnohjauksen tilaamisesta", "Rauma", GOAL):
        expect(page.get_by_role("main")).to_contain_text(words)
    press_button(page, visitor.onwards, DONE)
    assert page.context.cookies() == []
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0 if javascript_enabled else True
    assert counts(site) == tuple(number + 1 for number in before)


def test_inapplicable_questions_are_hidden(page: Page, site: RunningSite) -> None:
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 2, Matter(form=INDIVIDUAL, meeting=(ONLINE,)))
    expect(visitor.group("Missä roolissa otat yhteyttä?")).to_be_visible()
    for question in ("Ryhmän koko", "Ryhmän kokoonpano", "Paikkakunta"):
        expect(page.get_by_text(question, exact=True)).to_have_count(0)


def test_going_back_loses_nothing(new_page: NewPage, javascript_enabled: bool, site: RunningSite) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    visitor, matter = MappingVisitor(page), Matter()
    visitor.begin_at_step(site, 3, matter)
    visitor.box("Mistä huomaisit").fill(SIGN)
    # The required answer above is still missing, but going back does not require it.
    visitor.press(visitor.back, "Tilanteesi")
    expect(visitor.box("Paikkakunta")).to_have_value(matter.place)
    expect(visitor.group("Toimiala").get_by_label("Järjestö")).to_be_checked()
    visitor.press(visitor.back, "Yhteystiedot")
    expect(visitor.box("Nimesi")).to_have_value(matter.letter.name)
    visitor.go_on("Tilanteesi")
    visitor.go_on("Toiveesi")
    expect(visitor.box("Mistä huomaisit")).to_have_value(SIGN)


def test_check_page_edit_returns_to_check_page(new_page: NewPage, javascript_enabled: bool, site: RunningSite) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 5, Matter())
    visitor.press(page.get_by_role("link", name=re.compile("^Muuta ?: Paikkakunta$")), "Tilanteesi")
    expect(visitor.box("Paikkakunta")).to_be_in_viewport()
    visitor.box("Paikkakunta").fill("")
    visitor.onwards.click()
    expect(visitor.summary).to_be_focused()
    visitor.box("Paikkakunta").fill("Tampere")
    visitor.go_on(CHECK)
    expect(page.get_by_role("main")).to_contain_text("Tampere")
    expect(page.get_by_role("main")).to_contain_text("Satakunnan ulkopuolella työnohjaus onnistuu verkossa.")
    # With another form of supervision the questions for groups don't apply, and their answers are removed.
    visitor.press(page.get_by_role("link", name=re.compile("^Muuta ?: Työnohjauksen muoto$")), "Yhteystiedot")
    page.get_by_role("radio", name=INDIVIDUAL).check()
    visitor.go_on(CHECK)
    expect(page.get_by_text("Ryhmän koko", exact=True)).to_have_count(0)


def test_private_link_continues_mapping_on_another_device(new_page: NewPage, site: RunningSite) -> None:
    phone, desk = MappingVisitor(new_page()), MappingVisitor(new_page(viewport={"width": 1280, "height": 900}))
    matter = Matter()
    phone.begin_at_step(site, 3, matter)
    phone.page.get_by_text("Jatka myöhemmin tai toisella laitteella").click()
    address = phone.page.locator(".later__address").inner_text()
    phone.write_wishes()
    phone.go_on("Käytännön asiat")

    desk.page.goto(address)
    desk.expect_step("Toiveesi", 3, 4)
    expect(desk.box("Mihin toivot muutosta?")).to_have_value(GOAL)
    desk.go_on("Käytännön asiat")
    desk.write_practicalities()
    desk.go_on(CHECK)
    desk.go_on(DONE)
    # The phone still shows the step: its text is shown again, with a message that it was not added.
    phone.box("Milloin haluaisit aloittaa ja miten usein tavata?").fill(RHYTHM)
    phone.onwards.click()
    expect(phone.summary).to_contain_text("Alkukartoitus on jo lähetetty")
    expect(phone.box("Milloin haluaisit aloittaa ja miten usein tavata?")).to_have_value(RHYTHM)


def test_lost_connection_keeps_typed_answers(page: Page, watch: Watch, site: RunningSite) -> None:
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 3, Matter())
    visitor.write_wishes()
    page.route("**/jatka/**", lambda route: route.abort("connectionreset"), times=1)
    visitor.onwards.click()
    expect(page.get_by_role("alert")).to_contain_text("Vastausten lähettäminen ei onnistunut")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(visitor.box("Mihin toivot muutosta?")).to_have_value(GOAL)
    visitor.go_on("Käytännön asiat")
    watch.problems.clear()


def test_error_summary_takes_focus_and_links_questions(
    new_page: NewPage, javascript_enabled: bool, site: RunningSite
) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 2, Matter())
    visitor.box("Ryhmän koko").fill("monta")
    visitor.onwards.click()
    expect(visitor.summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Virhe: Tilanteesi, vaihe 2/4"))
    expect(visitor.summary.get_by_role("link")).to_have_text(
        [
            "Valitse, missä roolissa otat yhteyttä.",
            re.compile("^Ryhmän koko: Vastaa numerolla"),
            "Kirjoita paikkakunta.",
        ]
    )
    expect(visitor.box("Ryhmän koko")).to_have_value("monta")
    visitor.summary.get_by_role("link").nth(1).focus()
    page.keyboard.press("Enter")
    expect(visitor.box("Ryhmän koko")).to_be_focused()
    expect(visitor.box("Ryhmän koko")).to_have_accessible_description(re.compile("Vastaa numerolla"))


def test_check_page_blocks_sending_until_answers_complete(page: Page, site: RunningSite) -> None:
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 3, Matter())
    page.goto(f"/jatka/{visitor.secret}/tarkista/")
    expect(visitor.summary).to_contain_text("Yksi vastaus puuttuu vielä")
    visitor.onwards.click()
    expect(visitor.summary).to_be_focused()
    visitor.press(visitor.summary.get_by_role("link", name="Mihin toivot muutosta?"), "Toiveesi")
    visitor.box("Mihin toivot muutosta?").fill(GOAL)
    visitor.go_on(CHECK)
    visitor.go_on(DONE)


def test_mapping_after_enquiry_needs_no_retyping(
    new_page: NewPage, javascript_enabled: bool, site: RunningSite
) -> None:
    page = new_page(java_script_enabled=javascript_enabled)
    letter = Letter()
    Visitor(page).send_letter(letter)
    before = counts(site)
    visitor = MappingVisitor(page)
    visitor.press(page.get_by_role("button", name="Jatka alkukartoitukseen"), "Tilanteesi")
    visitor.expect_step("Tilanteesi", 1, 3)
    visitor.write_situation(Matter(letter=letter, meeting=(ONLINE,)))
    visitor.go_on("Toiveesi")
    visitor.write_wishes()
    visitor.go_on("Käytännön asiat")
    visitor.go_on(CHECK)
    expect(page.get_by_text("Nimesi", exact=True)).to_have_count(0)
    visitor.go_on(DONE)
    # The link in the confirmation mail may have created the mapping already, so don't count all mappings.
    assert counts(site)[:2] == (before[0], before[1] + 1)


def test_leaving_mapping_page_stores_nothing(page: Page, site: RunningSite) -> None:
    before = counts(site)
    page.goto(MAPPING_PAGE)
    page.get_by_role("link", name="Minne kannattaa kääntyä").click()
    expect(page.get_by_role("link", name="112", exact=True)).to_have_attribute("href", "tel:112")
    page.get_by_role("link", name="Takaisin alkukartoitukseen").click()
    expect(page.get_by_role("link", name="Aloita alkukartoitus")).to_be_visible()
    assert counts(site) == before


@pytest.fixture
def step_address(page: Page, site: RunningSite) -> str:
    """The full URL of a step of a mapping in progress."""
    visitor = MappingVisitor(page)
    visitor.begin_at_step(site, 3, Matter())
    return f"{site.url}/jatka/{visitor.secret}/vaihe/2/"


def test_mapping_step_within_first_view_budget(chromium: Browser, step_address: str, site: RunningSite) -> None:
    """The link in a mail may be opened on a phone with an empty cache."""
    for address in (step_address, f"{site.url}{MAPPING_PAGE}aloita/", step_address.replace("vaihe/2", "tarkista")):
        assert over_budget(weigh(chromium, address, SIZES["phone"])) == []


def open_later(page: Page, site: RunningSite) -> Locator:
    """Open a step, and expand its section on continuing later. Return the button that copies the URL."""
    MappingVisitor(page).begin_at_step(site, 2, Matter())
    page.get_by_text("Jatka myöhemmin tai toisella laitteella", exact=True).click()
    return page.get_by_role("button", name="Kopioi osoite")


def test_private_address_is_copied_by_button(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    open_later(page, site).click()
    expect(page.get_by_role("status").filter(has_text="Kopioitu")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_no_copy_button_without_javascript(new_page: NewPage, site: RunningSite) -> None:
    page = new_page(java_script_enabled=False)
    expect(open_later(page, site)).to_have_count(0)
    expect(page.locator(".later__address")).to_have_text(page.url)


# Words read and typed per minute, and seconds for choosing an answer and for the next page: values of a slow person.
READ_WORDS = 200
TYPED_WORDS = 30
LETTERS_A_WORD = 5
SECONDS_A_CHOICE = 2
SECONDS_A_PAGE = 3
LONGEST_SECONDS = 5 * 60


def seconds_of_reading(page: Page, read: set[str]) -> float:
    """Return the time for reading the text of `main`, except lines that an earlier page contained (`read`)."""
    lines = set(page.get_by_role("main").inner_text().splitlines()) - read
    read |= lines
    return len(" ".join(lines).split()) / READ_WORDS * 60


def seconds_of_filling(page: Page) -> float:
    """Return the time for typing the text of the fields and choosing the selected answers."""
    typed = page.locator("main :is(input:not([type=radio], [type=checkbox], [type=hidden]), textarea)")
    letters = sum(len(text) for text in typed.evaluate_all("all => all.map((one) => one.value)"))
    chosen = page.locator("main input:checked").count()
    return letters / LETTERS_A_WORD / TYPED_WORDS * 60 + chosen * SECONDS_A_CHOICE


def test_mapping_estimated_time_is_under_five_minutes(page: Page) -> None:
    """The time for reading everything and answering all questions, computed from the pages and not measured."""
    visitor, matter = (
        MappingVisitor(page),
        Matter(letter=Letter(name="Maija Meikäläinen", email="maija@esimerkki.fi", phone="050 123 4567")),
    )
    spent, read = 0.0, set[str]()
    page.goto(MAPPING_PAGE)
    spent += seconds_of_reading(page, read) + SECONDS_A_PAGE
    visitor.press(page.get_by_role("link", name="Aloita alkukartoitus"), "Yhteystiedot")
    for write, following in (
        (lambda: visitor.write_facts(matter), "Tilanteesi"),
        (lambda: visitor.write_situation(matter), "Toiveesi"),
        (visitor.write_wishes, "Käytännön asiat"),
        (visitor.write_practicalities, CHECK),
    ):
        write()
        spent += seconds_of_reading(page, read) + seconds_of_filling(page) + SECONDS_A_PAGE
        visitor.go_on(following)
    spent += seconds_of_reading(page, read) + SECONDS_A_PAGE
    assert spent < LONGEST_SECONDS, f"It takes {spent:.0f} seconds."
    # Check the computation itself: it must have seen the pages.
    assert spent > LONGEST_SECONDS / 3
