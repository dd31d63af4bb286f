"""The walk: a visitor reads, makes mistakes, writes, goes back and forth, and Kati looks at what has come."""

import time
from dataclasses import dataclass, field

from intake.spam.rules import MIN_SECONDS
from tests.browser.katis_desk import LIST
from tests.browser.mapping_visitor import BEGIN, EXPERIENCE, GOAL, RHYTHM, SIGN
from tests.browser.people import SUPERVISOR
from tests.browser.visitor import CONTACT_PAGE, Letter
from tests.tools.browsers.visit import Visit
from tests.tools.public_views.catalogue import page_paths

WIDTHS = (390, 1280)
NARROW = 320
PRIVACY = "/tietosuoja/"
CONTACT, THANKS = "Ota yhteyttä", "Kiitos, viestisi on perillä"
CHOICES = {"supervision_form": "group", "delivery_modes": "online"}

# After a click on a link of the error summary: where the question begins, where the window ends, and the ring.
_SHOWN = """
  const field = document.activeElement.closest(".field");
  const row = document.activeElement.parentElement.querySelector(":scope > .scale__number")
    ?? document.activeElement.closest(".choice") ?? document.activeElement;
  const label = field?.querySelector("legend, label").getBoundingClientRect();
  return field && {top: label.top, bottom: label.bottom, end: innerHeight, ring: getComputedStyle(row).outlineStyle};
"""
_LUMINANCE = """
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
  return (r + g + b) / 3;
"""


@dataclass(frozen=True)
class Walker:
    """The walk of one visit, with a letter and a mapping of its own."""

    visit: Visit
    letter: Letter = field(default_factory=Letter)
    mapping: Letter = field(default_factory=Letter)

    @property
    def words(self) -> dict[str, str]:
        return {"name": self.letter.name, "email": self.letter.address, "message": self.letter.message}

    def write(self) -> None:
        self.visit.go(CONTACT_PAGE)
        self.visit.fill(**self.words)
        for name, value in CHOICES.items():
            self.visit.choose(name, value)

    def go_to_privacy_and_back(self) -> None:
        """By the link beside the form's button."""
        visit = self.visit
        visit.reach(visit.one(f"main form a[href='{PRIVACY}']")).click()
        visit.until(lambda driver: driver.current_url.endswith(PRIVACY), "the privacy page has not come")
        visit.back(CONTACT)

    def read(self) -> None:
        visit = self.visit
        with visit.step("read"):
            for path, name in (("/", "front page"), (PRIVACY, "privacy")):
                visit.go(path)
                assert visit.one("h1").is_displayed(), f"{path} shows no heading"
                visit.expect_no_sideways()
                visit.picture(name)

    def follow_fragments(self) -> None:
        """An address with a question's name opens it; `#` alone and names of nothing do nothing."""
        visit = self.visit
        with visit.step("fragments"):
            visit.go("/")
            name = visit.all("main details[id]")[1].get_attribute("id")
            for nothing in ("#", "#ei-ole", "#%", "#1"):
                visit.go(f"/{nothing}")
                visit.driver.execute_script("location.hash = 'x'; location.hash = arguments[0]", nothing)
                time.sleep(0.2)
            visit.go(f"/#{name}")
            visit.until(lambda _: visit.one(f"details[id='{name}']").get_attribute("open"), f"#{name} is not open")

    def make_mistakes(self) -> None:
        """Send the empty form; each link of the summary shows its question and where the focus is."""
        visit = self.visit
        with visit.step("mistakes"):
            visit.go(CONTACT_PAGE)
            # What was typed at the other width is not to be brought back.
            visit.driver.execute_script("sessionStorage.clear()")
            visit.go(CONTACT_PAGE)
            visit.send()
            visit.one(".summary__list a")
            visit.picture("mistakes")
            count = len(visit.all(".summary__list a"))
            assert count >= 3, f"only {count} mistakes are named"
            for number in range(count):
                visit.driver.execute_script("scrollTo(0, 0)")
                link = visit.all(".summary__list a")[number]
                words = link.text
                link.click()
                shown = visit.driver.execute_script(_SHOWN)
                assert shown, f"{words!r} leads to no field"
                assert 0 <= shown["top"] < shown["bottom"] <= shown["end"], f"{words!r} hides its question: {shown}"
                assert shown["ring"] == "solid", f"{words!r} shows no focus ring"
            visit.expect_no_sideways()

    def mend_and_look_away(self) -> None:
        """What was typed after a refusal is there after reading the privacy page."""
        with self.visit.step("mistakes, privacy page and Back"):
            self.visit.fill(**self.words)
            self.go_to_privacy_and_back()
            self.visit.expect_kept({}, **self.words)

    def look_away(self) -> None:
        with self.visit.step("privacy page and Back"):
            self.write()
            self.visit.picture("written")
            self.go_to_privacy_and_back()
            self.visit.expect_kept(CHOICES, **self.words)
            self.visit.picture("back from privacy")

    def send(self) -> None:
        visit = self.visit
        with visit.step("send, thanks and Back"):
            self.write()
            time.sleep(MIN_SECONDS)
            visit.send()
            visit.expect_heading(THANKS)
            visit.expect_no_sideways()
            visit.picture("thanks")
            visit.back(CONTACT)
            visit.expect_kept(CHOICES, **self.words)
            visit.picture("back from thanks")

    def begin_mapping(self) -> None:
        """The first step, the second, and Back."""
        visit = self.visit
        with visit.step("mapping, second step and Back"):
            visit.go(BEGIN)
            first = visit.one("h1").text
            facts = {"name": self.mapping.name, "email": self.mapping.address}
            choices = {"supervision_form": "group", "delivery_modes": "client_premises"}
            visit.fill(**facts)
            for name, value in choices.items():
                visit.choose(name, value)
            visit.send()
            visit.expect_heading("Tilanteesi")
            visit.expect_no_sideways()
            visit.picture("mapping, second step")
            visit.back(first)
            visit.expect_kept(choices, **facts)
            visit.picture("back from second step")
            visit.send()
            visit.expect_heading("Tilanteesi")

    def fill_mapping(self) -> None:
        """The further steps, to the end."""
        visit = self.visit
        with visit.step("mapping to its end"):
            visit.answer("Missä roolissa otat yhteyttä?", "Edustan ryhmää tai työyhteisöä")
            visit.answer("Toimiala", "Järjestö")
            visit.answer("Ryhmän koko", "5")
            visit.answer("Ryhmän kokoonpano", "Sama tiimi")
            visit.answer("Paikkakunta", "Rauma")
            visit.send()
            visit.expect_heading("Toiveesi")
            visit.answer("Mihin toivot muutosta?", GOAL)
            visit.answer("Mistä huomaisit", SIGN)
            visit.answer("Oletko ollut työnohjauksessa?", EXPERIENCE)
            visit.send()
            visit.expect_heading("Käytännön asiat")
            visit.answer("Milloin haluaisit aloittaa", RHYTHM)
            visit.answer("Kuka maksaa työnohjauksen?", "Työnantaja")
            visit.answer("Tunnetko Katin ennestään?", "En")
            visit.send()
            visit.expect_heading("Tarkista vastauksesi")
            visit.picture("mapping, check")
            visit.send()
            visit.until(lambda driver: driver.current_url.endswith("/perilla/"), "the mapping has not arrived")
            visit.picture("mapping, arrived")

    def look_in_admin(self) -> None:
        """Kati signs in, finds the enquiry, reads it, and opens the mapping's page in the editor."""
        visit = self.visit
        with visit.step("Kati's list"):
            visit.go("/admin/")
            if visit.all("input[name=username]"):
                visit.one("input[name=username]").send_keys(SUPERVISOR.username)
                visit.one("input[name=password]").send_keys(SUPERVISOR.password)
                visit.one("button[type=submit]").click()
                visit.one("a[href='/admin/account/'], .sidebar")
            visit.go(LIST)
            visit.picture("list")
            row = f"//tr[@data-object-pk][contains(., '{self.letter.name}')]//a"
            link = visit.until(lambda driver: driver.find_element("xpath", row), "the enquiry is not in the list")
            visit.go(link.get_attribute("href").removeprefix(visit.url))
            message = visit.one("article").text
            assert self.letter.message in message, f"the message is not shown: {message!r}"
            visit.picture("enquiry")
        with visit.step("editor"):
            visit.go("/admin/pages/")
            edit = "//a[contains(@href, '/edit/')][normalize-space()='Alkukartoitus']"
            link = visit.until(lambda driver: driver.find_element("xpath", edit), "the mapping's page is not listed")
            visit.go(link.get_attribute("href").removeprefix(visit.url))
            visit.one("[data-contentpath='questions'] .c-sf-add-button")
            # Wagtail looks for changes and draws its panels a while after the page has loaded.
            time.sleep(3)
            visit.picture("editor")

    def look_in_the_dark(self) -> None:
        visit = self.visit
        with visit.step("dark colours"):
            visit.go("/")
            luminance = visit.driver.execute_script(_LUMINANCE)
            assert luminance < 80, f"the page is light ({luminance:.0f} of 255)"
            visit.picture("front page")
            visit.go(BEGIN)
            visit.picture("mapping")


def look_narrow(visit: Visit) -> None:
    """No page can be scrolled sideways in the narrowest window."""
    with visit.step("every page"):
        for path in [*page_paths(visit.url), BEGIN]:
            visit.go(path)
            assert visit.driver.execute_script("return innerWidth") == visit.width, "the window has another width"
            visit.expect_no_sideways()
            if path in ("/", CONTACT_PAGE):
                visit.picture(path.strip("/") or "front page")
