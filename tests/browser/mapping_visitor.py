"""Somebody who fills the initial mapping: what a person does on its pages, and sees."""

import re
from contextlib import nullcontext
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import Letter
from tests.browser.waits import next_document

MAPPING_PAGE = "/alkukartoitus/"
BEGIN = f"{MAPPING_PAGE}aloita/"
ELSEWHERE = f"{MAPPING_PAGE}muualle/"
GOAL = "Toivon, että palavereissa kuullaan kaikkia."
SIGN = "Aamulla olisi kevyempi lähteä töihin."
RHYTHM = "Helmikuussa, 3–4 viikon välein."
EXPERIENCE = "Olen"

GROUP = "Ryhmätyönohjaus"
INDIVIDUAL = "Yksilötyönohjaus"
ONLINE = "Verkossa"
AT_WORK = "Työpaikallamme Satakunnassa"


@dataclass(frozen=True)
class Matter:
    """What a visitor of the first content's questions wants: the contact facts, and an answer to each question."""

    letter: Letter = field(default_factory=Letter)
    form: str = GROUP
    meeting: tuple[str, ...] = (AT_WORK,)
    size: str = "5"
    place: str = "Rauma"


class MappingVisitor:
    """A person at `page`, on the pages that the first content makes.

    `in_place`: each page takes the place of the one before in the same document, as when Kati tries the questions.
    """

    def __init__(self, page: Page, *, in_place: bool = False) -> None:
        self.page = page
        self.in_place = in_place

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def summary(self) -> Locator:
        return self.page.locator("[data-summary]")

    @property
    def onwards(self) -> Locator:
        """The button that sends the page, whatever it says just now."""
        return self.page.locator("main form button[type=submit]:not([name])")

    @property
    def back(self) -> Locator:
        return self.page.get_by_role("button", name="Takaisin", exact=True)

    def box(self, name: str) -> Locator:
        """The field whose label begins with `name`."""
        return self.page.get_by_role("textbox", name=re.compile(f"^{re.escape(name)}"))

    def group(self, name: str) -> Locator:
        """The question with choices that begins with `name`."""
        return self.page.locator(
            "fieldset", has=self.page.locator("legend", has_text=re.compile(f"^{re.escape(name)}"))
        )

    def choose(self, question: str, answer: str) -> None:
        self.group(question).get_by_label(answer, exact=True).check()

    def expect_step(self, title: str, number: int, steps: int) -> None:
        """Be on the step, and be told so in the title and in words that a screen reader reads."""
        expect(self.heading).to_have_text(title)
        expect(self.page).to_have_title(re.compile(f"{re.escape(title)}, vaihe {number}/{steps} – "))
        expect(self.page.locator(".progress__count")).to_contain_text(f"Vaihe {number}/{steps}")

    def open_first_step(self) -> None:
        self.page.goto(BEGIN)

    def write_facts(self, matter: Matter) -> None:
        letter = matter.letter
        self.box("Nimesi").fill(letter.name)
        self.box("Sähköpostiosoite").fill(letter.address)
        self.box("Puhelinnumero").fill(letter.phone)
        self.box("Organisaatio").fill(letter.organisation)
        self.page.get_by_role("radio", name=matter.form).check()
        for place in matter.meeting:
            self.page.get_by_role("checkbox", name=place).check()

    def write_situation(self, matter: Matter) -> None:
        self.choose("Missä roolissa otat yhteyttä?", "Edustan ryhmää tai työyhteisöä")
        self.choose("Toimiala", "Järjestö")
        if matter.form != INDIVIDUAL:
            self.box("Ryhmän koko").fill(matter.size)
            self.choose("Ryhmän kokoonpano", "Sama tiimi")
        if AT_WORK in matter.meeting:
            self.box("Paikkakunta").fill(matter.place)

    def write_wishes(self) -> None:
        self.box("Mihin toivot muutosta?").fill(GOAL)
        self.box("Mistä huomaisit").fill(SIGN)
        self.choose("Oletko ollut työnohjauksessa?", EXPERIENCE)

    def write_practicalities(self) -> None:
        self.box("Milloin haluaisit aloittaa ja miten usein tavata?").fill(RHYTHM)
        self.choose("Kuka maksaa työnohjauksen?", "Työnantaja")
        self.choose("Tunnetko Katin ennestään?", "En")

    def go_on(self, to: str) -> None:
        """Send the page and wait for the one with the heading `to`."""
        self.press(self.onwards, to)

    def press(self, button: Locator, to: str) -> None:
        """Press `button` and wait for the page with the heading `to`."""
        with nullcontext() if self.in_place else next_document(self.page):
            button.click()
        expect(self.heading).to_have_text(to)

    def go_to_step(self, number: int, matter: Matter) -> None:
        """Begin, and fill the pages before page `number` of 5: 2–4 are steps of questions, 5 is the check."""
        self.open_first_step()
        self.fill_until(number, matter)

    def fill_until(self, number: int, matter: Matter, *, start: int = 1) -> None:
        """The same from page `start`, which is open; its own number leaves it as it is."""
        if start < 2 <= number:
            self.write_facts(matter)
            self.go_on("Tilanteesi")
        if start < 3 <= number:
            self.write_situation(matter)
            self.go_on("Toiveesi")
        if start < 4 <= number:
            self.write_wishes()
            self.go_on("Käytännön asiat")
        if start < 5 <= number:
            self.write_practicalities()
            self.go_on("Tarkista vastauksesi")

    @property
    def secret(self) -> str:
        """The secret of the private address that is open."""
        found = re.search(r"/jatka/([\w-]+)/", self.page.url)
        assert found, f"{self.page.url} is no private address."
        return found.group(1)
