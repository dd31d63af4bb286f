"""Tests of the visitor's pages and the admin in engines other than Chromium, with screenshots in var/browsers/.

Run only by `make browsers`: pytest does not collect a file of this name by itself.
"""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from intake.submission import MIN_SECONDS
from tests.browser.katis_desk import LIST
from tests.browser.mapping_visitor import BEGIN, EXPERIENCE, GOAL, RHYTHM, SIGN
from tests.browser.people import MAKE_PEOPLE, SUPERVISOR
from tests.browser.visitor import CONTACT_PAGE, Letter
from tests.tools.browsers.engines import ENGINES, Look, Opened
from tests.tools.browsers.visit import Visit
from tests.tools.public_views.catalogue import page_paths
from tests.tools.running_site import ROOT, RunningSite
from tests.tools.smtp_server import SmtpServer

FOLDER = ROOT / "var" / "browsers"
LIGHT, PLAIN, DARK = Look(), Look(scripts=False), Look(dark=True)
WIDTHS = (390, 1280)
NARROW = 320
PRIVACY = "/tietosuoja/"
CONTACT, THANKS = "Ota yhteyttä", "Kiitos, viestisi on perillä"
CHOICES = {"supervision_form": "group", "delivery_modes": "online"}

# After a click on a link of the error summary: the position of the question, the window's height, and the focus ring.
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


def in_looks(*looks: Look) -> pytest.MarkDecorator:
    """Run the test in every engine with each of these settings."""
    cases = [(engine, look) for engine in ENGINES for look in looks]
    ids = [f"{engine.name}, {look.name}" for engine, look in cases]
    return pytest.mark.parametrize("opened", cases, ids=ids, indirect=True, scope="module")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    with SmtpServer() as smtp:
        site = RunningSite(tmp_path_factory.mktemp("data"), smtp=smtp)
        site.start()
        site.run(MAKE_PEOPLE)
        yield site
        site.stop()


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    engine, look = request.param
    if not engine.get():
        pytest.fail(f"No {engine.name} here. Debian: apt-get install {' '.join(engine.packages)}")
    with engine.start(look) as opened:
        yield opened


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def visit(opened: Opened, site: RunningSite, width: int, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit to the site. At its end, errors on the console fail the test."""
    opened.news()
    yield Visit(opened, site.url, width, FOLDER / re.sub(r"\W+", "-", request.node.name).strip("-"))
    assert opened.news() == []


@dataclass(frozen=True)
class Writer:
    """A visitor who writes a message."""

    visit: Visit
    letter: Letter = field(default_factory=Letter)

    @property
    def words(self) -> dict[str, str]:
        return {"name": self.letter.name, "email": self.letter.address, "message": self.letter.message}

    def write(self) -> None:
        self.visit.go(CONTACT_PAGE)
        self.visit.fill(**self.words)
        for name, value in CHOICES.items():
            self.visit.choose(name, value)

    def go_to_privacy_and_back(self) -> None:
        """Follow the link beside the form's button, and go back."""
        visit = self.visit
        visit.reach(visit.one(f"main form a[href='{PRIVACY}']")).click()
        visit.until(lambda driver: driver.current_url.endswith(PRIVACY), "the privacy page has not come")
        visit.back(CONTACT)


def send_empty(visit: Visit) -> None:
    visit.go(CONTACT_PAGE)
    # Delete the draft of an earlier test.
    visit.driver.execute_script("sessionStorage.clear()")
    visit.go(CONTACT_PAGE)
    visit.send()
    visit.one(".summary__list a")


@in_looks(LIGHT, PLAIN)
def test_pages_fit_and_show_a_heading(visit: Visit) -> None:
    for path, name in (("/", "front page"), (PRIVACY, "privacy")):
        visit.go(path)
        assert visit.one("h1").is_displayed(), f"{path} shows no heading"
        visit.expect_no_sideways()
        visit.picture(name)


@in_looks(LIGHT)
def test_address_of_a_question_opens_it(visit: Visit) -> None:
    """A URL with a question's anchor opens the question; `#` alone and unknown anchors do nothing."""
    visit.go("/")
    name = visit.all("main details[id]")[1].get_attribute("id")
    for nothing in ("#", "#ei-ole", "#%", "#1"):
        visit.go(f"/{nothing}")
        visit.driver.execute_script("location.hash = 'x'; location.hash = arguments[0]", nothing)
        time.sleep(0.2)
    visit.go(f"/#{name}")
    visit.until(lambda _: visit.one(f"details[id='{name}']").get_attribute("open"), f"#{name} is not open")


@in_looks(LIGHT, PLAIN, DARK)
def test_error_summary_leads_to_the_questions(visit: Visit) -> None:
    """Each link of the error summary shows its question and the focus."""
    send_empty(visit)
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


@in_looks(LIGHT, PLAIN)
def test_text_survives_visit_to_another_page(visit: Visit) -> None:
    writer = Writer(visit)
    writer.write()
    visit.picture("written")
    writer.go_to_privacy_and_back()
    visit.expect_kept(CHOICES, **writer.words)
    visit.picture("back from privacy")


@in_looks(LIGHT)
def test_corrected_text_survives_visit_to_another_page(visit: Visit) -> None:
    writer = Writer(visit)
    send_empty(visit)
    visit.fill(**writer.words)
    writer.go_to_privacy_and_back()
    visit.expect_kept({}, **writer.words)


@in_looks(LIGHT, PLAIN)
def test_back_from_thanks_keeps_text(visit: Visit) -> None:
    writer = Writer(visit)
    writer.write()
    time.sleep(MIN_SECONDS)
    visit.send()
    visit.expect_heading(THANKS)
    visit.expect_no_sideways()
    visit.picture("thanks")
    visit.back(CONTACT)
    visit.expect_kept(CHOICES, **writer.words)
    visit.picture("back from thanks")


@in_looks(LIGHT, PLAIN)
def test_mapping_is_filled_and_sent(visit: Visit) -> None:
    letter = Letter()
    visit.go(BEGIN)
    first = visit.one("h1").text
    facts = {"name": letter.name, "email": letter.address}
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


@in_looks(LIGHT)
def test_kati_reads_a_letter_and_opens_the_editor(visit: Visit) -> None:
    writer = Writer(visit)
    writer.write()
    visit.send()
    visit.expect_heading(THANKS)
    visit.go("/admin/")
    if visit.all("input[name=username]"):
        visit.one("input[name=username]").send_keys(SUPERVISOR.email)
        visit.one("input[name=password]").send_keys(SUPERVISOR.password)
        visit.one("button[type=submit]").click()
        visit.one("a[href='/admin/account/'], .sidebar")
    visit.go(LIST)
    visit.picture("list")
    row = f"//tr[@data-object-pk][contains(., '{writer.letter.name}')]//a"
    link = visit.until(lambda driver: driver.find_element("xpath", row), "the enquiry is not in the list")
    visit.go(link.get_attribute("href").removeprefix(visit.url))
    message = visit.one("article").text
    assert writer.letter.message in message, f"the message is not shown: {message!r}"
    visit.picture("enquiry")
    visit.go("/admin/pages/")
    edit = "//a[contains(@href, '/edit/')][normalize-space()='Alkukartoitus']"
    link = visit.until(lambda driver: driver.find_element("xpath", edit), "the mapping's page is not listed")
    visit.go(link.get_attribute("href").removeprefix(visit.url))
    visit.one("[data-contentpath='questions'] .c-sf-add-button")
    # Wagtail starts watching for changes and renders its panels some time after the page has loaded.
    time.sleep(3)
    visit.picture("editor")


@in_looks(DARK)
def test_dark_colours(visit: Visit) -> None:
    visit.go("/")
    luminance = visit.driver.execute_script(_LUMINANCE)
    assert luminance < 80, f"the page is light ({luminance:.0f} of 255)"
    visit.picture("front page")
    visit.go(BEGIN)
    visit.picture("mapping")


@in_looks(LIGHT)
@pytest.mark.parametrize("width", [NARROW])
def test_no_page_scrolls_sideways_when_narrow(visit: Visit) -> None:
    for path in [*page_paths(visit.url), BEGIN]:
        visit.go(path)
        assert visit.driver.execute_script("return innerWidth") == visit.width, "the window has another width"
        visit.expect_no_sideways()
        if path in ("/", CONTACT_PAGE):
            visit.picture(path.strip("/") or "front page")
