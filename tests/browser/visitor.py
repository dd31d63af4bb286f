"""Page object for the contact page: the actions of a visitor who sends a message, and what the page shows."""

import re
import time
import uuid
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from intake.enquiry.search import ALPHABET
from intake.submission import MIN_SECONDS
from tests.browser.waits import next_document
from tests.tools.running_site import RunningSite

CONTACT_PAGE = "/ota-yhteytta/"
MESSAGE = "Hei Kati, työryhmämme kaipaa tilaa ajatella."
_REFERENCE = re.compile(rf"[{ALPHABET}]{{3}}-[{ALPHABET}]{{3}}")


def _own_name() -> str:
    return f"Maija {uuid.uuid4().hex[:10]}"


_STORED = """
from intake.models import Enquiry
for one in Enquiry.objects.filter(name={name!r}):
    print(one.status, one.verdict)
"""


@dataclass(frozen=True)
class Letter:
    """The content of the form. Each has a unique name, by which a test finds it, and so a unique e-mail address."""

    name: str = field(default_factory=_own_name)
    email: str = ""
    phone: str = ""
    organisation: str = ""
    message: str = MESSAGE

    @property
    def address(self) -> str:
        return self.email or f"{self.name.replace(' ', '.').lower()}@esimerkki.fi"


def stored(site: RunningSite, letter: Letter) -> list[str]:
    """Return status and verdict of each enquiry from the sender of `letter`, usually "new accepted".

    Reads the database, since opening the list in the admin takes as long as sending a letter (test_enquiry_chain.py
    tests the list).
    """
    return site.run(_STORED.format(name=letter.name)).splitlines()


class Visitor:
    """A visitor in `page`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.opened_at = 0.0

    def open_form(self) -> None:
        self.page.goto(CONTACT_PAGE)
        self.opened_at = time.monotonic()

    def follow_to_form(self, link: Locator) -> None:
        with next_document(self.page):
            link.click()
        expect(self.page).to_have_url(re.compile(f"{CONTACT_PAGE}$"))
        self.opened_at = time.monotonic()

    def box(self, name: str) -> Locator:
        """The field whose label begins with `name`."""
        return self.page.get_by_role("textbox", name=re.compile(f"^{name}"))

    @property
    def name(self) -> Locator:
        return self.box("Nimesi")

    @property
    def email(self) -> Locator:
        return self.box("Sähköpostiosoite")

    @property
    def message(self) -> Locator:
        return self.box("Viesti")

    @property
    def button(self) -> Locator:
        """The button of the form; its text changes."""
        return self.page.locator("main form button[type=submit]")

    @property
    def summary(self) -> Locator:
        return self.page.locator("[data-summary]")

    def write(self, letter: Letter) -> None:
        self.name.fill(letter.name)
        self.email.fill(letter.address)
        self.box("Puhelinnumero").fill(letter.phone)
        self.box("Organisaatio").fill(letter.organisation)
        self.page.get_by_role("radio", name="Ryhmätyönohjaus").check()
        self.page.get_by_role("checkbox", name="Verkossa").check()
        self.message.fill(letter.message)

    def take_time(self) -> None:
        """Wait as long on the form as a person would: a form sent faster is treated as suspicious."""
        self.page.wait_for_timeout(max(0.0, self.opened_at + MIN_SECONDS - time.monotonic()) * 1000)

    def send(self) -> None:
        self.button.click()

    def wait_for_thanks(self) -> str:
        """Return the reference once the thank-you page shows it."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Kiitos, viestisi on perillä")
        self.page.wait_for_load_state()
        found = _REFERENCE.search(self.page.get_by_role("main").inner_text())
        assert found, "The thank-you page shows no reference."
        return found.group()

    def send_letter(self, letter: Letter) -> str:
        """Open, fill and send the form; return the reference."""
        self.open_form()
        self.write(letter)
        self.take_time()
        self.send()
        return self.wait_for_thanks()

    def expect_failure(self, words: str) -> None:
        """Expect a new message saying why nothing was sent. Marks it as read, so that it is not found again later."""
        message = self.page.locator("[data-failure]:not([data-read])")
        expect(message).to_have_text(words)
        message.evaluate("one => { one.dataset.read = ''; }")
        expect(self.page.get_by_role("alert")).to_have_text(words)

    def expect_words_kept(self, letter: Letter) -> None:
        expect(self.name).to_have_value(letter.name)
        expect(self.email).to_have_value(letter.address)
        expect(self.message).to_have_value(letter.message)
        expect(self.page.get_by_role("radio", name="Ryhmätyönohjaus")).to_be_checked()
        expect(self.page.get_by_role("checkbox", name="Verkossa")).to_be_checked()
