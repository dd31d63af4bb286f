"""Functions that bring a browser page into a state of the mapping. Each returns the response of the server."""

from playwright.sync_api import Page, Response, expect

from tests.browser.mapping_visitor import BEGIN, MappingVisitor, Matter
from tests.browser.visitor import Letter
from tests.browser.waits import next_document
from tests.tools.public_views.stage import Sent, Stage

CHECK = 5
_LETTER = Letter(name="Maija Meikäläinen", email="maija.meikalainen@esimerkki.fi", organisation="Esimerkin päiväkoti")
# A place outside Satakunta and a large group, so that the check page shows its hints.
_MATTER = Matter(letter=_LETTER, place="Tampere", size="9")


def _sent(response: Response | None) -> Sent:
    assert response is not None, "The browser went nowhere."
    return Sent(response.status, response.text())


def _walk(page: Page, stage: Stage, number: int) -> MappingVisitor:
    """Go to page `number` of a mapping: that of the previous view, or a new one if that is further already."""
    start, address = stage.mapping if stage.mapping and stage.mapping[0] <= number else (1, stage.url + BEGIN)
    page.goto(address)
    visitor = MappingVisitor(page)
    visitor.fill_until(number, _MATTER, start=start)
    # On the first page the mapping has no private URL yet.
    stage.mapping = (number, page.url) if number > 1 else None
    return visitor


def step(page: Page, stage: Stage, *, number: int) -> Sent:
    """Page `number` of a mapping in progress: 2–4 are steps of questions, 5 is the check page."""
    _walk(page, stage, number)
    return _sent(page.reload())


def step_errors(page: Page, stage: Stage, *, number: int) -> Sent:
    """Page `number` after submitting it without answers; 1 is the page of the contact details."""
    visitor = _walk(page, stage, number)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.onwards.click()
    expect(visitor.summary).to_be_visible()
    return _sent(answer.value)


def later_open(page: Page, stage: Stage) -> Sent:
    """A step with the expanded section that contains the URL for another device."""
    sent = step(page, stage, number=2)
    page.locator("main details").evaluate("one => { one.open = true; }")
    return sent


def later(page: Page, stage: Stage) -> Sent:
    """The page after the button that mails the link."""
    visitor = _walk(page, stage, 2)
    return _sent(page.goto(f"{stage.url}/jatka/{visitor.secret}/myohemmin/"))


def check_lacking(page: Page, stage: Stage) -> Sent:
    """The check page of a mapping with missing answers."""
    visitor = _walk(page, stage, 2)
    return _sent(page.goto(f"{stage.url}/jatka/{visitor.secret}/tarkista/"))


def own_copy(page: Page, stage: Stage) -> Sent:
    """The sender's own copy of the mapping."""
    done(page, stage)
    with next_document(page), page.expect_response("**/kopio/") as answer:
        page.get_by_role("link", name="Katso ja tallenna oma kopiosi").click()
    return _sent(answer.value)


def done(page: Page, stage: Stage) -> Sent:
    """The thank-you page of a mapping."""
    visitor = _walk(page, stage, CHECK)
    visitor.go_on("Kiitos, alkukartoituksesi on perillä")
    stage.mapping = None
    return _sent(page.reload())
