"""Functions that bring a browser page into a state. Each returns the response of the server."""

from html import escape

from playwright.sync_api import Page, Response, expect

from intake.submission import MIN_SECONDS
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor
from tests.browser.waits import next_document
from tests.tools.public_views.stage import Sent, Stage


def _sent(response: Response | None) -> Sent:
    assert response is not None, "The browser went nowhere."
    return Sent(response.status, response.text())


def page(page: Page, stage: Stage, *, path: str) -> Sent:
    """Open the URL."""
    return _sent(page.goto(stage.url + path))


def menu_open(page_: Page, stage: Stage) -> Sent:
    """The open menu of a phone. It is opened at every width, and visible only in narrow windows."""
    sent = page(page_, stage, path="/")
    page_.locator("header nav details").evaluate("menu => { menu.open = true; }")
    return sent


def questions_open(page_: Page, stage: Stage) -> Sent:
    """The front page with every question open."""
    sent = page(page_, stage, path="/")
    page_.locator("main details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    return sent


def question_by_address(page_: Page, stage: Stage) -> Sent:
    """The front page, opened by the URL of its second question."""
    page(page_, stage, path="/")
    anchor = page_.locator("main details[id]").nth(1).get_attribute("id")
    # Leave the page first: otherwise the browser only scrolls.
    page_.goto("about:blank")
    sent = page(page_, stage, path=f"/#{anchor}")
    expect(page_.locator(f"#{anchor}")).to_have_attribute("open", "")
    return sent


def _open_form(page_: Page, stage: Stage) -> Visitor:
    page_.goto(stage.url + CONTACT_PAGE)
    return Visitor(page_)


def _send(visitor: Visitor) -> Sent:
    """Submit the form and wait until it is shown with the response."""
    with visitor.page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.send()
    expect(visitor.summary).to_be_visible()
    return _sent(answer.value)


def form_every_error(page_: Page, stage: Stage) -> Sent:
    """The form with all kinds of validation errors: empty, too long, invalid address, invalid number."""
    visitor = _open_form(page_, stage)
    visitor.email.fill("maija")
    visitor.box("Puhelinnumero").fill("soita")
    visitor.box("Organisaatio").fill("x" * 151)
    visitor.message.fill("Meitä on viisi. " * 320)
    sent = _send(visitor)
    expect(visitor.summary.get_by_role("link")).to_have_count(5)
    return sent


def form_one_error(page_: Page, stage: Stage) -> Sent:
    """The form with one validation error; the other fields keep their text."""
    visitor = _open_form(page_, stage)
    letter = Letter(name="Maija Meikäläinen", email="maija.meikalainen(at)esimerkki.fi", organisation="Päiväkoti")
    visitor.write(letter)
    sent = _send(visitor)
    expect(visitor.summary.get_by_role("link")).to_have_count(1)
    visitor.expect_words_kept(letter)
    return sent


def form_expired(page_: Page, stage: Stage) -> Sent:
    """The form after sending it with an expired token: it can be sent again unchanged."""
    visitor = _open_form(page_, stage)
    visitor.write(Letter())
    page_.locator("[name=form_token]").evaluate("field => { field.value = 'vanhentunut'; }")
    return _send(visitor)


def form_from_elsewhere(page_: Page, stage: Stage) -> Sent:
    """The form after a post from another site, with a validation error, too."""
    letter = Letter()
    words = {"name": letter.name, "email": letter.address, "message": letter.message}
    fields = "".join(f'<input name="{name}" value="{escape(value)}">' for name, value in words.items())
    page_.goto("about:blank")
    page_.set_content(f'<form method="post" action="{stage.url}{CONTACT_PAGE}">{fields}<button>Lähetä</button></form>')
    with next_document(page_), page_.expect_response(lambda response: response.request.method == "POST") as answer:
        page_.get_by_role("button").click()
    expect(Visitor(page_).summary.first).to_be_visible()
    return _sent(answer.value)


def form_connection_broken(page_: Page, stage: Stage) -> Sent:
    """The form after a post that failed because the connection broke. Returns the earlier response with the form."""
    sent = page(page_, stage, path=CONTACT_PAGE)
    visitor = Visitor(page_)
    visitor.write(Letter())
    page_.route(f"{stage.url}{CONTACT_PAGE}", lambda route: route.abort("connectionreset"), times=1)
    visitor.send()
    expect(page_.get_by_role("alert")).to_be_visible()
    return sent


def form_too_many(page_: Page, stage: Stage) -> Sent:
    """The form after a post over the rate limit."""
    visitor = _open_form(page_, stage)
    visitor.write(Letter())
    return _send(visitor)


def thanks(page_: Page, stage: Stage) -> Sent:
    """The thank-you page of a message."""
    visitor = _open_form(page_, stage)
    visitor.write(Letter(name="Maija Meikäläinen", email="maija.meikalainen@esimerkki.fi"))
    visitor.send()
    visitor.wait_for_thanks()
    return _sent(page_.reload())


def own_copy(page_: Page, stage: Stage) -> Sent:
    """The sender's own copy of the message."""
    visitor = _open_form(page_, stage)
    # With a different text than in the other views: the thank-you page of a repeat has no link to the copy.
    visitor.write(Letter())
    visitor.send()
    visitor.wait_for_thanks()
    with next_document(page_), page_.expect_response("**/kopio/") as answer:
        page_.get_by_role("link", name="Katso ja tallenna oma kopiosi").click()
    return _sent(answer.value)


def thanks_address_wrong(page_: Page, stage: Stage) -> Sent:
    """The thank-you page after confirming with another e-mail address than that of the message."""
    visitor = _open_form(page_, stage)
    visitor.write(Letter())
    page_.wait_for_timeout(MIN_SECONDS * 1000)
    visitor.send()
    visitor.wait_for_thanks()
    page_.get_by_text("Jatkatko sähköpostin linkistä?", exact=True).click()
    visitor.email.fill("joku.muu@esimerkki.fi")
    with next_document(page_), page_.expect_response(lambda response: response.request.method == "POST") as answer:
        page_.get_by_role("button", name="Vahvista osoite").click()
    return _sent(answer.value)


def sign_in_expired(page_: Page, stage: Stage) -> Sent:
    """The admin's login form, submitted by a browser that has lost its cookie."""
    page_.goto(f"{stage.url}/admin/login/")
    page_.context.clear_cookies()
    page_.locator("input[name=username]").fill("maija")
    page_.locator("input[name=password]").fill("maija")
    with page_.expect_navigation() as answer:
        page_.locator("button[type=submit]").first.click()
    return _sent(answer.value)


def unprovoked(page_: Page, stage: Stage, *, name: str) -> Sent:
    """A response that the site sends only after an internal error or an overload."""
    answer = stage.unprovoked[name]
    address = f"{stage.url}/{name}/"
    headers = {key: value for key, value in answer.headers.items() if key.lower() != "content-length"}
    page_.route(address, lambda route: route.fulfill(status=answer.status, headers=headers, body=answer.html.encode()))
    page_.goto(address)
    return Sent(answer.status, answer.html)
