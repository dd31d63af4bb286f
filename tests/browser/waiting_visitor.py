"""Page object for the waiting list's form: the actions of a visitor who joins, and what the page shows."""

import re

from playwright.sync_api import Locator, Page, expect

from intake.enquiry.search import ALPHABET
from tests.browser.visitor import Letter, Visitor

JOIN = "Ilmoittaudu odotuslistalle"
_REFERENCE = re.compile(rf"[{ALPHABET}]{{3}}-[{ALPHABET}]{{3}}")


class WaitingVisitor(Visitor):
    """A visitor in `page`, while the contact page shows the waiting list's form."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.form = page.locator("main form[data-enquiry-form]")

    @property
    def wish(self) -> Locator:
        return self.box("Mitä toivot")

    @property
    def message(self) -> Locator:
        return self.wish

    @property
    def wants_mail(self) -> Locator:
        return self.page.get_by_role("checkbox", name="Haluan sähköpostia, kun Aijuussa vapautuu aikoja.")

    def write(self, letter: Letter) -> None:
        self.name.fill(letter.name)
        self.email.fill(letter.address)
        self.wish.fill(letter.message)
        self.box("Puhelinnumero").fill(letter.phone)
        self.page.get_by_role("radio", name="Ryhmätyönohjaus").check()

    def wait_until_joined(self) -> str:
        """Return the reference once the thank-you page shows it."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Kiitos, ilmoittautumisesi on perillä")
        self.page.wait_for_load_state()
        found = _REFERENCE.search(self.page.get_by_role("main").inner_text())
        assert found, "The page shows no reference."
        return found.group()

    def join(self, letter: Letter, *, wants_mail: bool) -> str:
        """Open, fill and send the form; return the reference."""
        self.open_form()
        self.write(letter)
        self.wants_mail.set_checked(wants_mail)
        self.take_time()
        self.send()
        return self.wait_until_joined()
