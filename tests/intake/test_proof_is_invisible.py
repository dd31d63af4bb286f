"""No list, count, export or admin page shows a stored test enquiry, and its mark cannot be forged."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.utils import timezone

from aijuu_site.accounts.models import User
from aijuu_site.problems import problems_of_site
from home.models import PauseNotice
from intake.choices import Kind, MailState
from intake.desk.dashboard import Part, count_parts
from intake.enquiry.services import receive_enquiry
from intake.models import AutomaticReplyTrace, Enquiry, FormProof, OutgoingMail, PostingTrace, WaitingPlace
from intake.proof import ProofResult, is_due
from intake.submission import (
    PROOF_FIELD,
    FormOpening,
    ShownTexts,
    SpamSigns,
    Submission,
    new_proof_mark,
    read_form_token,
)
from tests.intake.desk.pages import LIST, address, listed, names, words
from tests.intake.enquiries import facts, received
from tests.intake.visiting import Visitor, letter, token

pytestmark = pytest.mark.django_db
MARKED = "Koeviesti Näkymätön"


def proof_letter(kind: Kind = Kind.CONTACT) -> Enquiry:
    now = timezone.now()
    return receive_enquiry(
        submission=Submission(
            kind=kind,
            facts=facts(name=MARKED, email="kati@example.fi", phone="0457391739"),
            opening=FormOpening(submission_id=uuid.uuid4(), opened_at=now - timedelta(minutes=1)),
            signs=SpamSigns(seconds_open=60),
            shown=ShownTexts(),
            address_key=uuid.uuid4().hex,
            is_proof=True,
        ),
        pause=PauseNotice.load().status(now=now),
        now=now,
    )


@pytest.fixture(params=[Kind.CONTACT, Kind.WAITING])
def proof(request: pytest.FixtureRequest) -> Enquiry:
    """A test enquiry whose mails have been unsent for hours, beside a real enquiry."""
    with time_machine.travel(timezone.now() - timedelta(hours=3), tick=False):
        enquiry = proof_letter(request.param)
    OutgoingMail.objects.update(state=MailState.FAILED, failures=3)
    received(name="Aino Oikea")
    return enquiry


def test_counts_and_lists_omit_test_enquiry(proof: Enquiry, kati: Client) -> None:
    assert count_parts() == {Part.NEW: 1, Part.IN_PROGRESS: 0, Part.SUSPICIOUS: 0, Part.MAIL_UNSENT: 0}
    assert names(kati.get(LIST)) == ["Aino Oikea"]
    supervisor = User.objects.get()
    for query in ("Näkymätön", "kati@example.fi", "0457391739", "7391739", proof.reference):
        assert listed(supervisor, f"q={query}") == []
    for query in ("part=new", "part=mail_unsent", f"status__exact={proof.status}", "o=0"):
        assert MARKED not in [enquiry.name for enquiry in listed(supervisor, query)]
    assert MARKED not in words(kati.get("/admin/"))
    assert MARKED not in words(kati.get("/admin/yhteydenotot/odotuslista/"))
    assert not WaitingPlace.objects.exists()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_export_omits_test_enquiry(proof: Enquiry, kati: Client, form: str) -> None:
    with_it = b"".join(kati.get(LIST, {"export": form}))  # type: ignore[call-overload]
    proof.delete()
    assert len(b"".join(kati.get(LIST, {"export": form}))) == pytest.approx(len(with_it), abs=20)  # type: ignore[call-overload]
    if form == "csv":
        assert MARKED not in with_it.decode()
        assert "Aino Oikea" in with_it.decode()


def test_no_admin_page_opens_test_enquiry(proof: Enquiry, kati: Client) -> None:
    mail = proof.mails.all()[0]
    actions = ("inspect", "status", "spam", "delete", "yhteenveto", "link")
    for path in (*(address(action, proof) for action in actions), address("mail", proof, mail.pk)):
        for client in (kati.get, kati.post):
            response: Any = client(path)
            assert response.status_code in (302, 404, 405), path
            if response.status_code == 302:
                assert MARKED not in words(kati.get(response["Location"])), path
    assert Enquiry.with_proofs.filter(pk=proof.pk, version=1, status=proof.status).exists()


def test_real_enquiry_with_same_text_is_new() -> None:
    values = facts(name=MARKED, email="kati@example.fi", phone="0457391739")
    proof_letter()
    real = received(**{name: getattr(values, name) for name in ("name", "email", "phone")})
    assert list(Enquiry.objects.all()) == [real]
    # It has its confirmation although the mailbox has just had the confirmation of a test enquiry.
    assert real.mails.count() == 2
    assert PostingTrace.objects.count() == AutomaticReplyTrace.objects.count() == 1


def mark_of(form_token: str) -> str:
    opening = read_form_token(form_token)
    assert opening is not None
    return new_proof_mark(opening)


def stale_mark(form_token: str) -> str:
    with time_machine.travel(timezone.now() - timedelta(minutes=11), tick=False):
        return mark_of(form_token)


def self_made_mark(form_token: str) -> str:
    opening = read_form_token(form_token)
    assert opening is not None
    return signing.dumps(opening.submission_id.hex, key="of another site, and long enough", salt="intake.proof-mark")


FORGED = {
    "of another form": lambda _token: mark_of(token()),
    "form token": lambda form_token: form_token,
    "too old": stale_mark,
    "another key": self_made_mark,
    "cut": lambda form_token: mark_of(form_token)[:-1],
    "odd": lambda _token: "\x00:ä:😀",
    "true": lambda _token: "1",
    "none": lambda _token: "",
}


def test_forged_mark_makes_ordinary_enquiry(visitor: Visitor) -> None:
    for number, (forged, make) in enumerate(FORGED.items(), start=1):
        form_token = token()
        sent = {**letter(message=f"Viesti {forged}"), "form_token": form_token, PROOF_FIELD: make(form_token)}
        assert visitor.sends(sent).status_code == 303, forged
        assert Enquiry.objects.count() == PostingTrace.objects.count() == number, forged


def test_valid_mark_makes_test_enquiry(visitor: Visitor) -> None:
    form_token = token()
    sent = {**letter(), "form_token": form_token, PROOF_FIELD: mark_of(form_token)}
    answer = visitor.sends(sent)
    assert (answer.status_code, Enquiry.objects.count(), Enquiry.with_proofs.count()) == (303, 0, 1)
    # A repeated post is the same enquiry, with the same thank-you page.
    assert visitor.sends(sent)["Location"] == answer["Location"]
    assert visitor.client.get(answer["Location"]).status_code == 200
    assert Enquiry.with_proofs.count() == 1


def finished(result: ProofResult) -> None:
    moment = datetime(2026, 11, 26, 1, 10, tzinfo=UTC)
    FormProof.objects.create(started_at=moment, finished_at=moment, result=result)


def test_dashboard_says_that_the_form_works(kati: Client) -> None:
    assert "todettu" not in words(kati.get("/admin/"))
    finished(ProofResult.PASSED)
    assert "Lomake todettu toimivaksi 26.11.2026 klo 3.10." in words(kati.get("/admin/"))


def test_dashboard_says_that_the_form_was_not_tested(kati: Client, settings: Any) -> None:
    def form_problems() -> int:
        return sum(problem.key == "form" for problem in problems_of_site(now=timezone.now()))

    settings.PROOF_EMAIL = ""
    assert "Ensimmäinen koe on vielä tekemättä." in words(kati.get("/admin/"))
    finished(ProofResult.PASSED)
    FormProof.objects.update(started_at=timezone.now() - timedelta(hours=47))
    assert "Lomake todettu toimivaksi" in words(kati.get("/admin/"))
    assert form_problems() == 0
    FormProof.objects.update(started_at=timezone.now() - timedelta(hours=49))
    page = words(kati.get("/admin/"))
    assert "Yhteydenottolomake todettiin viimeksi toimivaksi" in page
    assert "Lomake todettu toimivaksi" not in page
    assert form_problems() == 1
    # With tests by hand only, nothing is late.
    settings.PROOF_EMAIL = "off"
    assert "Lomake todettu toimivaksi" in words(kati.get("/admin/"))
    assert form_problems() == 0


def test_dashboard_says_what_failed(kati: Client, editor: Client) -> None:
    finished(ProofResult.MAIL_WAITS)
    page = kati.get("/admin/")
    expected = (
        "Yhteydenottolomake ei läpäissyt koetta 26.11.2026 klo 3.10: Koeviestin sähköpostit eivät lähteneet. "
        "Koe toistetaan ensi yönä."
    )
    assert expected in words(page)
    assert 'class="enquiry-alert" role="alert">Yhteydenottolomake' in page.content.decode()
    assert "Yhteydenottolomake ei läpäissyt" not in words(editor.get("/admin/"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, "2026-11-26T01:10:00+00:00", True),
        (None, "2026-11-26T01:09:59+00:00", False),
        (None, "2026-11-26T07:09:59+00:00", True),
        # Not during the day: a new site has its first test at night.
        (None, "2026-11-26T07:10:00+00:00", False),
        ("2026-11-25T01:10:30+00:00", "2026-11-26T01:10:00+00:00", True),
        ("2026-11-26T01:10:30+00:00", "2026-11-26T01:11:30+00:00", False),
        ("2026-11-26T00:30:00+00:00", "2026-11-26T01:10:00+00:00", True),
        # In summer, by Finnish time.
        (None, "2026-07-01T00:10:00+00:00", True),
        (None, "2026-07-01T00:09:00+00:00", False),
        # The hour that is skipped in spring, and the repeated hour in autumn.
        (None, "2027-03-28T01:11:00+00:00", True),
        ("2026-10-25T00:11:00+00:00", "2026-10-25T01:15:00+00:00", False),
        # The clock was ahead at the last test.
        ("2027-11-26T01:10:30+00:00", "2026-11-26T01:10:00+00:00", True),
    ],
)
def test_proof_is_due_once_a_night(last: str | None, now: str, due: bool) -> None:
    assert is_due(last_started=at(last) if last else None, now=at(now)) is due
