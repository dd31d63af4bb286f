"""Page object for the initial mapping: the actions of a visitor on its pages, and what they show."""

import re
from contextlib import nullcontext
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import Letter
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

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

# Fills pages with the test client, which takes a twentieth of the time of a browser. Text fields are found by the
# beginning of their label, choices by the whole label.
_FILL = """
from urllib.parse import urlsplit
from django.conf import settings
from django.test import Client
from tests.intake.visiting import OWN_PAGE, ShownForm
client = Client(headers=dict(OWN_PAGE, host=urlsplit(settings.SITE_URL).netloc))
address = {begin!r}
for texts, choices in {pages!r}:
    page = client.get(address, follow=True)
    address = page.wsgi_request.path
    shown = ShownForm.of(page)
    form, words = shown.soup.select_one("main form"), shown.values
    labels = [(one.get_text(" ", strip=True), form.find(id=one["for"])) for one in form.select("label[for]")]
    for name, text in texts:
        [field] = [field for label, field in labels if label.startswith(name)]
        words[field["name"]] = text
    for question, answer in choices:
        [group] = [one for one in form.select("fieldset") if one.legend.get_text(strip=True).startswith(question)]
        [box] = [one.find("input") or group.find(id=one["for"]) for one in group.select("label")
            if one.get_text(" ", strip=True) == answer]
        if box["type"] == "checkbox":
            words.setdefault(box["name"], []).append(box["value"])
        else:
            words[box["name"]] = box["value"]
    answer = client.post(address, words)
    assert answer.status_code == 303, (answer.status_code, shown.title, ShownForm.of(answer).summary)
    address = answer["Location"]
print(address)
"""


@dataclass(frozen=True)
class Matter:
    """The contact details and answers with which a visitor fills the initial content's mapping."""

    letter: Letter = field(default_factory=Letter)
    form: str = GROUP
    meeting: tuple[str, ...] = (AT_WORK,)
    size: str = "5"
    place: str = "Rauma"


def _pages(matter: Matter) -> list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
    """Return what write_facts() and the following methods fill in: (label, text) and (question, answer) per page."""
    letter = matter.letter
    facts = [("Nimesi", letter.name), ("Sähköpostiosoite", letter.address)]
    situation = [("Missä roolissa otat yhteyttä?", "Edustan ryhmää tai työyhteisöä"), ("Toimiala", "Järjestö")]
    texts = []
    if matter.form != INDIVIDUAL:
        texts.append(("Ryhmän koko", matter.size))
        situation.append(("Ryhmän kokoonpano", "Sama tiimi"))
    if AT_WORK in matter.meeting:
        texts.append(("Paikkakunta", matter.place))
    return [
        (facts, [("Työnohjauksen muoto", matter.form), *(("Missä tavattaisiin?", place) for place in matter.meeting)]),
        (texts, situation),
        (
            [("Mihin toivot muutosta?", GOAL), ("Mistä huomaisit", SIGN)],
            [("Oletko ollut työnohjauksessa?", EXPERIENCE)],
        ),
        (
            [("Milloin haluaisit aloittaa ja miten usein tavata?", RHYTHM)],
            [("Kuka maksaa työnohjauksen?", "Työnantaja"), ("Tunnetko Katin ennestään?", "En")],
        ),
    ]


class MappingVisitor:
    """A visitor in `page`, on the mapping of the initial content.

    `in_place`: each step replaces the previous one in the same document, as in the trial run of the admin.
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
        """The button that submits the page; its text changes."""
        return self.page.locator("main form button[type=submit]:not([name])")

    @property
    def back(self) -> Locator:
        return self.page.get_by_role("button", name="Takaisin", exact=True)

    def box(self, name: str) -> Locator:
        """The field whose label begins with `name`."""
        return self.page.get_by_role("textbox", name=re.compile(f"^{re.escape(name)}"))

    def group(self, name: str) -> Locator:
        """The question with choices whose text begins with `name`."""
        return self.page.locator(
            "fieldset", has=self.page.locator("legend", has_text=re.compile(f"^{re.escape(name)}"))
        )

    def choose(self, question: str, answer: str) -> None:
        self.group(question).get_by_label(answer, exact=True).check()

    def expect_step(self, title: str, number: int, steps: int) -> None:
        """Expect the step to be open, and to be named in the page's title and in text that screen readers read."""
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
        """Submit the page and wait for the page with the heading `to`."""
        self.press(self.onwards, to)

    def press(self, button: Locator, to: str) -> None:
        """Press `button` and wait for the page with the heading `to`."""
        with nullcontext() if self.in_place else next_document(self.page):
            button.click()
        expect(self.heading).to_have_text(to)

    def go_to_step(self, number: int, matter: Matter) -> None:
        """Begin a mapping, and fill the pages before page `number` of 5: 2–4 are steps of questions, 5 is the check."""
        self.open_first_step()
        self.fill_until(number, matter)

    def begin_at_step(self, site: RunningSite, number: int, matter: Matter) -> None:
        """Like go_to_step(), but fill the pages with the test client, and then open page `number`."""
        address = site.run(_FILL.format(begin=BEGIN, pages=_pages(matter)[: number - 1]))
        self.page.goto(address.strip())

    def fill_until(self, number: int, matter: Matter, *, start: int = 1) -> None:
        """Fill the pages from the open page `start` up to the one before `number`."""
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
        """The secret in the private URL that is open."""
        found = re.search(r"/jatka/([\w-]+)/", self.page.url)
        assert found, f"{self.page.url} is no private address."
        return found.group(1)
