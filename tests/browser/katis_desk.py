"""Kati in the admin: her list of enquiries and the page of one."""

from urllib.parse import quote

from playwright.sync_api import Locator, Page

LIST = "/admin/yhteydenotot/"


class KatisDesk:
    """The admin at `page`, signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def search(self, words: str) -> Locator:
        """Look `words` up in the list; return the rows found."""
        self.page.goto(f"{LIST}?q={quote(words)}")
        return self.rows

    @property
    def rows(self) -> Locator:
        return self.page.locator("tr[data-object-pk]")

    def cell(self, row: Locator, label: str) -> Locator:
        return row.locator(f'td[data-label="{label}"]')

    def read(self, words: str) -> None:
        """Open the only enquiry that `words` find."""
        row = self.search(words)
        row.get_by_role("link").first.click()
        self.page.wait_for_url("**/inspect/*/")

    @property
    def letter(self) -> Locator:
        return self.page.get_by_role("article", name="Viesti")

    @property
    def facts(self) -> Locator:
        return self.page.get_by_role("complementary", name="Tiedot")

    def fact(self, name: str) -> Locator:
        """The value beside the letter under `name`."""
        return self.facts.locator("dt", has_text=name).locator("+ dd")

    def mail(self, purpose: str) -> Locator:
        """How one of the enquiry's mails fared: "Ilmoitus Katille", "Kuittaus lähettäjälle"."""
        return self.page.locator(".enquiry-mail", has_text=purpose)

    def move_to(self, status: str, *, outcome: str = "") -> None:
        """Change the enquiry's status."""
        self.page.get_by_label("Tila:", exact=True).select_option(label=status)
        if outcome:
            self.page.get_by_label("Miten asia päättyi?").select_option(label=outcome)
        self.page.get_by_role("button", name="Tallenna tila ja muistiinpano").click()

    def reload_until(self, words: str, *, count: int = 1) -> None:
        """Load the page anew until it says `words` so often: the worker writes down how a mail fared just after it."""
        for _ in range(20):
            if self.page.get_by_text(words).count() >= count:
                return
            self.page.reload()
        raise AssertionError(f"The page does not say {words!r} {count} times.")
