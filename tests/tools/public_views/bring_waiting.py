"""Functions that bring a browser page into a state of the waiting list. Each returns the response of the server."""

from playwright.sync_api import Page, Response, expect

from intake.submission import MIN_SECONDS
from tests.browser.visitor import CONTACT_PAGE, Letter, Visitor
from tests.browser.waiting_visitor import WaitingVisitor
from tests.tools.public_views.stage import Sent, Stage

_CALL = "WaitingPlace.objects.filter(pk=place.pk).update(notified_at=now)"
_CLOSE = (
    "Enquiry.objects.filter(pk=place.enquiry_id)"
    ".update(status='closed', outcome='agreement', closed_at=now, remove_on=now.date())"
)
# For each state of a place on the list: Python statements that put `place` into it.
STANDINGS = {
    "waiting": [],
    "stays": ["answer_stay(place_id=place.pk, now=now)"],
    "called": [_CALL],
    "said-yes": [_CALL, "answer_yes(place_id=place.pk, now=now)"],
    "handled": ["Enquiry.objects.filter(pk=place.enquiry_id).update(status='in_review')"],
    "left": ["answer_no(place_id=place.pk, now=now)"],
    "ended": [_CLOSE],
    "shared": ["join(enquiry.email)", "join(enquiry.email)"],
}
_MAKE = """
import uuid
from django.utils import timezone
from home.models import PauseNotice
from intake.choices import Kind
from intake.submission import FormOpening
from intake.enquiry.models import Enquiry
from intake.waiting.models import WaitingPlace
from intake.enquiry.services import receive_enquiry
from intake.waiting.private_page import answer_no, answer_stay, answer_yes
from intake.waiting.places import link_for_place
from intake.submission import ContactFacts, ShownTexts, SpamSigns, Submission
now = timezone.now()
def join(email):
    return receive_enquiry(submission=Submission(kind=Kind.WAITING,
facts=ContactFacts(
            name="Maija Meikäläinen", email=email, supervision_form="group", delivery_modes=("online",),
            preferred_contact="email", message=uuid.uuid4().hex,
        ),
opening=FormOpening(submission_id=uuid.uuid4(), opened_at=now),
signs=SpamSigns(seconds_open=300),
shown=ShownTexts(),
address_key=uuid.uuid4().hex,), pause=PauseNotice.load().status(now=now), now=now,)
for name, actions in {standings!r}.items():
    enquiry = join(f"maija.{{uuid.uuid4().hex}}@esimerkki.fi")
    place = WaitingPlace.objects.get(enquiry=enquiry)
    print("SECRET", name, link_for_place(enquiry=enquiry, now=now))
    for action in actions:
        exec(action)
"""
_secrets: dict[str, dict[str, str]] = {}


def _address(stage: Stage, standing: str) -> str:
    """Return the private URL of a place in this state. All are created at once, since a command takes seconds."""
    if stage.url not in _secrets:
        said = stage.site.run(_MAKE.format(standings=STANDINGS))
        words = [line.split() for line in said.splitlines() if line.startswith("SECRET ")]
        _secrets[stage.url] = {name: secret for _word, name, secret in words}
    return f"{stage.url}/jatka/{_secrets[stage.url][standing]}/odotuslista/"


def _sent(response: Response | None) -> Sent:
    assert response is not None, "The browser went nowhere."
    return Sent(response.status, response.text())


def place(page: Page, stage: Stage, *, standing: str) -> Sent:
    """The private page of a place in this state."""
    return _sent(page.goto(_address(stage, standing)))


def removal_open(page: Page, stage: Stage, *, standing: str = "waiting") -> Sent:
    """The private page, removal section expanded. With several places of the address ("shared"), it asks which."""
    sent = place(page, stage, standing=standing)
    page.locator("main details").evaluate("one => { one.open = true; }")
    return sent


def join_errors(page: Page, stage: Stage) -> Sent:
    """The form with all validation errors, and the checkbox ticked."""
    page.goto(stage.url + CONTACT_PAGE)
    visitor = WaitingVisitor(page)
    visitor.email.fill("maija")
    visitor.box("Puhelinnumero").fill("soita")
    visitor.wish.fill("Pitkä toive. " * 90)
    visitor.wants_mail.check()
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.send()
    expect(visitor.summary.get_by_role("link")).to_have_count(4)
    return _sent(answer.value)


def joined(page: Page, stage: Stage) -> Sent:
    """The thank-you page after joining."""
    page.goto(stage.url + CONTACT_PAGE)
    visitor = WaitingVisitor(page)
    visitor.write(Letter())
    visitor.wants_mail.check()
    visitor.send()
    visitor.wait_until_joined()
    return _sent(page.reload())


def joined_unhurried(page: Page, stage: Stage) -> Sent:
    """The thank-you page of a form that was not sent suspiciously fast: it announces a mail."""
    page.goto(stage.url + CONTACT_PAGE)
    visitor = WaitingVisitor(page)
    visitor.write(Letter())
    visitor.wants_mail.check()
    page.wait_for_timeout(MIN_SECONDS * 1000)
    visitor.send()
    visitor.wait_until_joined()
    return _sent(page.reload())


def list_closed(page: Page, stage: Stage) -> Sent:
    """The list's form after sending it when the list is no longer offered."""
    page.goto(stage.url + CONTACT_PAGE)
    visitor = Visitor(page)
    visitor.write(Letter())
    page.locator("main form").evaluate("form => { form.action = form.action.replace(/[^/]*$/, 'odotuslista/'); }")
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        visitor.send()
    expect(page.get_by_text("Odotuslista ei ole nyt auki")).to_be_visible()
    return _sent(answer.value)
