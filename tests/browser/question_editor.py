"""Page object for editing the mapping's questions in the page editor."""

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.waits import next_document


def publish(page: Page) -> None:
    """Publish the content of the editor in `page` (also an old version), and wait until the next page has loaded."""
    button = page.get_by_role("button", name=re.compile("^Julkaise( tämä versio)?$"))
    open_more_actions(page)
    with next_document(page):
        button.click()


def open_more_actions(page: Page) -> None:
    """Open the menu with the further actions of the editor in `page`, unless it is open."""
    button = page.get_by_role("button", name=re.compile("^Julkaise( tämä versio)?$"))
    more = page.get_by_role("button", name="Lisää toimintoja").last
    expect(button.or_(more).first).to_be_visible()
    if not button.is_visible():
        more.click()


class QuestionEditor:
    """The editor of the mapping page in `page`, signed in. Blocks are numbered from 0 in order of creation."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        """Open the editor through the list of pages, as Kati does."""
        self.page.goto("/admin/pages/")
        with next_document(self.page):
            self.page.get_by_role("link", name="Alkukartoitus", exact=True).first.click()
        self.wait_until_drawn()

    def wait_until_drawn(self) -> None:
        """Wait until Wagtail's script has rendered the questions: a form submitted before that lacks them."""
        expect(self.questions.locator(".c-sf-add-button").last).to_be_attached()

    @property
    def questions(self) -> Locator:
        return self.page.locator("[data-contentpath='questions']")

    @property
    def count(self) -> int:
        return int(self.page.locator("#questions-count, input[name='questions-count']").first.input_value())

    def add(self, kind: str, **words: str) -> int:
        """Add a block at the end, fill its fields (named as in the block class), and return its number."""
        number = self.count
        self.questions.locator(".c-sf-add-button").last.click()
        self.page.get_by_role("option", name=kind, exact=True).click()
        self.field(number, "title" if kind == "Vaihe" else "label").wait_for()
        for name, text in words.items():
            self.field(number, name).fill(text)
        return number

    def field(self, number: int, name: str) -> Locator:
        return self.page.locator(f"[id='questions-{number}-value-{name}']")

    def block(self, number: int) -> Locator:
        """The whole block, including its errors."""
        return self.page.locator(
            f"[data-streamfield-child]:has(> input[name='questions-{number}-order'])",
        )

    def add_choices(self, number: int, *choices: str) -> None:
        block = self.block(number)
        for index, choice in enumerate(choices):
            if not self.field(number, f"choices-{index}-value").count():
                block.locator("[data-contentpath='choices'] .c-sf-add-button").last.click()
            self.field(number, f"choices-{index}-value").fill(choice)

    def settings(self, number: int) -> Locator:
        """The settings panel of a question; expands it."""
        button = self.page.locator(f"button[aria-controls='block_group-questions-{number}-value-settings']")
        if button.get_attribute("aria-expanded") == "false":
            button.click()
        return self.page.locator(f"[id='block_group-questions-{number}-value-settings']")

    def ask_when(self, number: int, answer: str) -> None:
        """Ask question `number` only when `answer` ("Question: Choice") was chosen."""
        self.settings(number).locator(".c-sf-add-button").first.click()
        self.field(number, "when-0-value").select_option(label=answer)

    def wait_until_saved_by_itself(self) -> None:
        """Wait for Wagtail's autosave: one in progress could overwrite a manual save."""
        # Wagtail checks for changes twice a second, by the clock of the page.
        self.page.evaluate("() => new Promise((done) => setTimeout(done, 1500))")
        expect(self.page.locator("#page-edit-form")).to_have_attribute("data-w-unsaved-has-edits-value", "false")

    def save_draft(self) -> None:
        self.wait_until_saved_by_itself()
        with next_document(self.page):
            self.page.get_by_role("button", name="Tallenna luonnos").click()
        # The response is the editor again, where the saved questions can be chosen for conditions.
        expect(self.page.locator(".messages")).to_contain_text("päivitetty")
        self.wait_until_drawn()

    def publish(self) -> None:
        self.wait_until_drawn()
        publish(self.page)

    @property
    def preview(self) -> FrameLocator:
        return self.page.frame_locator("[data-side-panel='preview'] iframe").first
