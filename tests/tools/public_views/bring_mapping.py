"""How a browser's page gets into each state of the initial mapping. Returns what the server sent for it."""

from playwright.sync_api import Page, Response, expect

from tests.browser.mapping_visitor import BEGIN, MappingVisitor, Matter
from tests.browser.visitor import Letter
from tests.browser.waits import next_document
from tests.tools.public_views.stage import Sent, Stage

CHECK = 5
_LETTER = Letter(name="Maija Meikäläinen", email="maija.meikalainen@esimerkki.fi", organisation="Esimerkin päiväkoti")
# Outside Satakunta and more than the ideal: the check page has its hint.
_MATTER = Matter(letter=_LETTER, place="Tampere", size="9")


def _sent(response: Response | None) -> Sent:
    assert response is not None, "The browser went nowhere."
    return Sent(response.status, response.text())


def _walk(page: Page, stage: Stage, number: int) -> MappingVisitor:
    """Go to page `number` of a mapping. The mapping of the view before goes on, unless it is farther already."""
    start, address = stage.mapping if stage.mapping and stage.mapping[0] <= number else (1, stage.url + BEGIN)
    page.goto(address)
    visitor = MappingVisitor(page)
    visitor.fill_until(number, _MATTER, start=start)
    # The first page has no address of its own yet.
    stage.mapping = (number, page.url) if number > 1 else None
    return visitor


def step(page: Page, stage: Stage, *, number: int) -> Sent:
    """Page `number` of a mapping under way: 2–4 are steps of questions, 5 is the check."""
    _walk(page, stage, number)
    return _sent(page.reload())


def step_errors(page: Page, stage: Stage, *, number: int) -> Sent:
    """The same page sent without an answer; 1 is that of the contact facts."""
    visitor = _walk(page, stage, number)
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.onwards.click()
    expect(visitor.summary).to_be_visible()
    return _sent(answer.value)


def later_open(page: Page, stage: Stage) -> Sent:
    """A step with the address for another device unfolded."""
    sent = step(page, stage, number=2)
    page.locator("main details").evaluate("one => { one.open = true; }")
    return sent


def later(page: Page, stage: Stage) -> Sent:
    """The page to which the button that mails the link leads."""
    visitor = _walk(page, stage, 2)
    return _sent(page.goto(f"{stage.url}/jatka/{visitor.secret}/myohemmin/"))


def check_lacking(page: Page, stage: Stage) -> Sent:
    """The check of a mapping with answers missing."""
    visitor = _walk(page, stage, 2)
    return _sent(page.goto(f"{stage.url}/jatka/{visitor.secret}/tarkista/"))


def own_copy(page: Page, stage: Stage) -> Sent:
    """The sender's own copy of the mapping."""
    done(page, stage)
    with next_document(page), page.expect_response("**/kopio/") as answer:
        page.get_by_role("link", name="Katso ja tallenna oma kopiosi").click()
    return _sent(answer.value)


def done(page: Page, stage: Stage) -> Sent:
    """The page that says the mapping has arrived."""
    visitor = _walk(page, stage, CHECK)
    visitor.go_on("Kiitos, alkukartoituksesi on perillä")
    stage.mapping = None
    return _sent(page.reload())
