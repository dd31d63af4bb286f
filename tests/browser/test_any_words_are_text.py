"""Any submitted text is shown literally: no HTML or script in it is interpreted, and it does not break the layout."""

import re

from playwright.sync_api import Dialog, Page, expect

from tests.browser.accessibility import assert_fits
from tests.browser.conftest import PHONE
from tests.browser.katis_desk import KatisDesk
from tests.browser.visitor import Letter, Visitor

SCRIPT = "<script>document.title='vallattu'</script>"
IMAGE = "<img src=x onerror=\"document.title='vallattu'\">"
LONG_WORD = "Työyhteisösovittelijakoulutusohjelmavastaava" * 3


def no_dialog(dialog: Dialog) -> None:
    raise AssertionError(f"A visitor's words opened a dialog: {dialog.message}")


def assert_sheet_fits(page: Page) -> None:
    """Assert that neither the window nor the admin's main part, which scrolls by itself, scrolls sideways."""
    assert_fits(page)
    width, shown = page.locator("#main").evaluate("main => [main.scrollWidth, main.clientWidth]")
    assert width <= shown, f"The main part is {width} px wide and shows {shown} px."


def test_html_in_every_field_shown_as_text(page: Page, desk: KatisDesk) -> None:
    mark = Letter().name
    letter = Letter(
        name=f"{mark} <b>lihava</b> {SCRIPT}",
        email=f"{mark.replace(' ', '.').lower()}+'-&@esimerkki.fi",
        organisation=f"{{{{ 7|add:1 }}}} {IMAGE}",
        message=f"{SCRIPT}\n\n{IMAGE}\n\n</article></main><h1>Vallattu</h1> &lt;i&gt; {{% now 'Y' %}} 'a' \"b\"",
    )
    page.on("dialog", no_dialog)
    desk.page.on("dialog", no_dialog)
    # First the visitor's own page shows the text again, with a validation error.
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    visitor.email.fill("ei osoite")
    visitor.send()
    expect(visitor.summary.get_by_role("link")).to_have_count(1)
    expect(visitor.name).to_have_value(letter.name)
    expect(visitor.box("Organisaatio")).to_have_value(letter.organisation)
    expect(visitor.message).to_have_value(letter.message)
    expect(page).to_have_title(re.compile("^Virhe: Ota yhteyttä"))
    visitor.email.fill(letter.address)
    visitor.send()
    reference = visitor.wait_for_thanks()

    row = desk.search(mark)
    expect(desk.cell(row, "Nimi")).to_contain_text(letter.name)
    desk.read(reference)
    expect(desk.page.locator(".enquiry-letter__from")).to_have_text(f"{letter.name}, {letter.organisation}")
    paragraphs = desk.page.locator(".enquiry-letter__words p")
    expect(paragraphs).to_have_text(letter.message.split("\n\n"))
    expect(desk.fact("Sähköpostiosoite").get_by_role("link")).to_have_text(letter.address)
    expect(desk.page).to_have_title(re.compile(f"^Yhteydenotto {reference}"))
    expect(desk.page.get_by_role("heading", name="Vallattu")).to_have_count(0)


def test_emoji_bidi_text_and_long_words_fit(page: Page, desk: KatisDesk) -> None:
    letter = Letter(
        organisation=LONG_WORD,
        message=f"مرحبا ja שלום 👩‍👩‍👧 Äiti\u202eitiÄ\n\n{LONG_WORD}\n\n" + "pitkä " * 200,
    )
    visitor = Visitor(page)
    visitor.open_form()
    visitor.write(letter)
    visitor.take_time()
    visitor.send()
    reference = visitor.wait_for_thanks()
    row = desk.search(letter.name)
    expect(desk.cell(row, "Tila")).to_have_text("Uusi")
    # Right-to-left text is shown; the mark that overrides the direction is removed.
    desk.read(reference)
    expect(desk.letter).to_contain_text("مرحبا ja שלום 👩‍👩‍👧 Äiti")
    assert "\u202e" not in desk.letter.inner_text(), "A mark that turns the reading direction got through."
    expect(desk.letter).to_contain_text(LONG_WORD)
    assert_sheet_fits(desk.page)
    desk.page.set_viewport_size(PHONE)
    # Reload, because the admin places its menu only when a page loads.
    desk.page.reload()
    assert_sheet_fits(desk.page)
