"""Running the proof: a test letter is sent, its mails are waited for, and it is removed.

The worker delivers mail in the same process, so the proof does not wait: it is looked after once a minute.
"""

from datetime import datetime
from time import sleep

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from home.contact_details import ContactDetails
from intake.choices import MailState
from intake.contact.page import ContactPage
from intake.enquiry.models import Enquiry
from intake.enquiry.removal import remove_enquiry, remove_proofs
from intake.mail.models import OutgoingMail
from intake.mail.queue import supervisor_address
from intake.proof.browser import Answer, FoundForm, NoAnswer, NoForm, ask, fill_in, find_form, links_of
from intake.proof.models import FormProof, ProofResult
from intake.proof.rules import KEPT, OFF, is_due, is_overdue
from intake.settings import IntakeSettings
from intake.submission import MIN_SECONDS, PROOF_FIELD, new_proof_mark, read_form_token

# A form that is sent sooner is suspicious.
_READING_SECONDS = MIN_SECONDS + 1
# The notice to Kati and the confirmation, on the waiting list too, though a test letter gets no place there.
_MAILS = 2
_WORDS = {"name": "Sivuston koeviesti", "message": "Sivusto kokeilee itse lomaketta ja poistaa tämän viestin."}


class AlreadyRunning(Exception):
    """A proof is running."""


class _Failed(Exception):
    def __init__(self, result: ProofResult) -> None:
        super().__init__(result)
        self.result = result


def prove_by_night(*, now: datetime) -> None:
    """Look after the running proof, or begin that of tonight."""
    running = FormProof.objects.filter(result=ProofResult.RUNNING).first()
    if running is not None:
        follow_up(running, now=now)
        return
    last_started = FormProof.objects.values_list("started_at", flat=True).first()
    if settings.PROOF_EMAIL != OFF and is_due(last_started=last_started, now=now):
        try:
            begin(now=now)
        except AlreadyRunning:
            # On another machine, since a moment ago.
            return


def begin(*, now: datetime) -> FormProof:
    """Send a test letter and return the proof, which is over only where something was wrong.

    What an earlier run has left is removed first. Raises AlreadyRunning.
    """
    for left in FormProof.objects.filter(result=ProofResult.RUNNING):
        follow_up(left, now=now)
    try:
        with transaction.atomic():
            proof = FormProof.objects.create(started_at=now)
    except IntegrityError as error:
        raise AlreadyRunning from error
    remove_proofs(now=now)
    try:
        _send_letter(proof)
    except NoAnswer:
        _finish(proof, ProofResult.NO_ANSWER)
    except NoForm:
        _finish(proof, ProofResult.NO_FORM)
    except _Failed as failed:
        _finish(proof, failed.result)
    return proof


def follow_up(proof: FormProof, *, now: datetime) -> None:
    """End the proof where its mails have gone out, or where it has taken too long."""
    if proof.posted_at is None:
        if is_overdue(proof.started_at, now):
            _finish(proof, ProofResult.INTERRUPTED)
        return
    mails = OutgoingMail.objects.filter(enquiry__in=_letters_of(proof))
    states = set(mails.values_list("state", flat=True))
    if states == {MailState.SENT}:
        _finish(proof, ProofResult.PASSED)
    elif not states or is_overdue(proof.started_at, now):
        _finish(proof, ProofResult.MAIL_WAITS)


def _send_letter(proof: FormProof) -> None:
    """Send the letter and check all but its mails' delivery. Raises NoAnswer, NoForm and _Failed."""
    form = _open_form()
    opening = read_form_token(form.value("form_token"))
    if opening is None:
        raise NoForm
    proof.submission_id = opening.submission_id
    # Before it is sent: whatever happens then, the letter is found.
    proof.save(update_fields=["submission_id"])
    words = {**_WORDS, "email": _sink()}
    fields = fill_in(form, words)
    sleep(_READING_SECONDS)
    posted = ask(form.action, fields=[*fields, (PROOF_FIELD, new_proof_mark(opening))])
    if posted.status != 303 or not posted.location.startswith("/"):
        raise _Failed(ProofResult.REFUSED)
    enquiry = Enquiry.with_proofs.filter(submission_id=opening.submission_id).first()
    thanks = ask(posted.location)
    if enquiry is None or not enquiry.is_proof or any(getattr(enquiry, name) != said for name, said in words.items()):
        raise _Failed(ProofResult.NOT_STORED)
    if thanks.status != 200 or enquiry.reference not in thanks.text:
        raise _Failed(ProofResult.NO_THANKS)
    if enquiry.is_quarantined:
        raise _Failed(ProofResult.SUSPECTED)
    if enquiry.mails.count() != _MAILS:
        raise _Failed(ProofResult.NO_MAIL)
    proof.posted_at = timezone.now()
    proof.save(update_fields=["posted_at"])


def _open_form() -> FoundForm:
    """Return the form that visitors find now: during a pause it may be that of the waiting list, or one link away."""
    page = ContactPage.objects.live().first()
    path = page.get_url_parts()[2] if page is not None and page.get_url_parts() else ""
    if page is None or not path:
        raise _Failed(ProofResult.NO_PAGE)
    shown = _opened(path)
    form = find_form(shown, path)
    message_path = path + page.reverse_subpage("message")
    if form is None and message_path in links_of(shown):
        form = find_form(_opened(message_path), message_path)
    if form is None:
        raise NoForm
    return form


def _opened(path: str) -> Answer:
    answer = ask(path)
    if answer.status != 200:
        raise NoForm
    return answer


def _letters_of(proof: FormProof) -> QuerySet[Enquiry]:
    if proof.submission_id is None:
        return Enquiry.objects.none()
    return Enquiry.with_proofs.filter(submission_id=proof.submission_id)


def _sink() -> str:
    if settings.PROOF_EMAIL not in ("", OFF):
        return str(settings.PROOF_EMAIL)
    return supervisor_address(ContactDetails.load(), IntakeSettings.load())


def _finish(proof: FormProof, result: ProofResult) -> None:
    now = timezone.now()
    # Also where the site did not see that it was a test letter.
    for pk in _letters_of(proof).values_list("pk", flat=True):
        remove_enquiry(enquiry_id=pk, now=now)
    remove_proofs(now=now)
    proof.result, proof.finished_at = result, now
    proof.save(update_fields=["result", "finished_at"])
    FormProof.objects.filter(started_at__lt=now - KEPT).delete()
