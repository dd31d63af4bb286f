"""Page object for the admin: the list of enquiries and the page of one enquiry."""

from urllib.parse import quote

from playwright.sync_api import Locator, Page

from tests.browser.waits import eventually, next_document
from tests.tools.running_site import RunningSite

LIST = "/admin/yhteydenotot/"
# Removes them as the site does, since the running worker also writes to these rows.
REMOVE_ALL = (
    "from django.utils import timezone\n"
    "from intake.enquiry.removal import remove_enquiry\n"
    "from intake.models import Enquiry\n"
    "for pk in list(Enquiry.objects.values_list('pk', flat=True)):\n"
    "    remove_enquiry(enquiry_id=pk, now=timezone.now())\n"
)


class KatisDesk:
    """The admin in `page`, where Kati is signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open_editor(self, site: RunningSite, title: str) -> None:
        """Open the editor of the page called `title` directly, which is faster than going through the list of pages."""
        number = site.run(f"from wagtail.models import Page; print(Page.objects.get(title={title!r}).pk)")
        self.page.goto(f"/admin/pages/{number.strip()}/edit/")

    def search(self, words: str) -> Locator:
        """Search the list for `words`; return the rows found."""
        self.page.goto(f"{LIST}?q={quote(words)}")
        return self.rows

    @property
    def rows(self) -> Locator:
        return self.page.locator("tr[data-object-pk]")

    def cell(self, row: Locator, label: str) -> Locator:
        return row.locator(f'td[data-label="{label}"]')

    def read(self, words: str) -> None:
        """Open the enquiry that a search for `words` finds."""
        row = self.search(words)
        with next_document(self.page):
            row.get_by_role("link").first.click()

    @property
    def letter(self) -> Locator:
        return self.page.get_by_role("article", name="Viesti")

    @property
    def facts(self) -> Locator:
        return self.page.get_by_role("complementary", name="Tiedot")

    def fact(self, name: str) -> Locator:
        """The value labelled `name` beside the letter."""
        return self.facts.locator("dt", has_text=name).locator("+ dd")

    def mail(self, purpose: str) -> Locator:
        """The delivery status of one of the enquiry's mails: "Ilmoitus Katille", "Kuittaus lähettäjälle"."""
        return self.page.locator(".enquiry-mail", has_text=purpose)

    def move_to(self, status: str, *, outcome: str = "") -> None:
        """Change the enquiry's status, and wait for the DOM of the next page."""
        self.page.get_by_label("Tila:", exact=True).select_option(label=status)
        if outcome:
            self.page.get_by_label("Miten asia päättyi?").select_option(label=outcome)
        with next_document(self.page, until="domcontentloaded"):
            self.page.get_by_role("button", name="Tallenna tila ja muistiinpano").click()

    def reload_until(self, words: str, *, count: int = 1) -> None:
        """Reload the page until it contains `words` `count` times: a delivery is recorded just after the mail."""

        def count_anew() -> int:
            self.page.reload()
            return self.page.get_by_text(words).count()

        eventually(count_anew, lambda found: found >= count)
