"""The proof of the form, nightly or by command: sends a test letter through the public form and checks its mails.

The file has three parts: when a run is due, and its record; a minimal browser for one form; the run itself. The worker
delivers mail in the same process, so a run does not wait for its mails: a job checks them once a minute.
"""

import http.client
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from bs4 import BeautifulSoup, Tag
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from home.contact_details import ContactDetails
from intake.choices import MailState
from intake.contact.page import ContactPage
from intake.enquiry.models import Enquiry
from intake.enquiry.removal import remove_enquiry, remove_proofs
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future
from intake.mail.models import OutgoingMail
from intake.mail.queue import supervisor_address
from intake.settings import IntakeSettings
from intake.submission import MIN_SECONDS, PROOF_FIELD, new_proof_mark, read_form_token

# The value of PROOF_EMAIL that turns the nightly proof off.
OFF = "off"
_CALENDAR = ZoneInfo("Europe/Helsinki")
_HOUR, _MINUTE = 3, 10
# A machine that was off at night runs the proof in the morning, but not later in the day.
_AT_THE_LATEST = timedelta(hours=6)
# How long to wait for the mails. A greylisting mail server refuses the first attempt, so it must suffice for several.
PATIENCE = timedelta(minutes=30)
KEPT = timedelta(days=60)
# Two nights, because a power cut may have prevented one proof.
LATE_AFTER = timedelta(days=2)


def is_due(*, last_started: datetime | None, now: datetime) -> bool:
    """Return whether tonight's proof must begin."""
    local = now.astimezone(_CALENDAR)
    tonight = local.replace(hour=_HOUR, minute=_MINUTE, second=0, microsecond=0, fold=0)
    if not tonight <= local < tonight + _AT_THE_LATEST:
        return False
    return last_started is None or last_started < tonight or is_from_future(last_started, now)


def is_overdue(started_at: datetime, now: datetime) -> bool:
    """Return whether a run has taken too long, or seems to have begun in the future (wrong clock)."""
    return is_from_future(started_at, now) or now - started_at > PATIENCE


class ProofResult(models.TextChoices):
    """How a proof ended. For a failure: the first check that failed, in words for the supervisor."""

    RUNNING = "running", _("It is not over yet.")
    PASSED = "passed", _("The form works.")
    NO_PAGE = "no_page", _("The site has no published contact page.")
    NO_ANSWER = "no_answer", _("The site did not answer.")
    NO_FORM = "no_form", _("The contact page did not open with its form.")
    REFUSED = "refused", _("The site did not take the letter.")
    NO_THANKS = "no_thanks", _("The thank-you page did not open.")
    NOT_STORED = "not_stored", _("The letter was not stored as it was sent.")
    SUSPECTED = "suspected", _("The letter was taken for spam.")
    NO_MAIL = "no_mail", _("No mail about the letter was made.")
    MAIL_WAITS = "mail_waits", _("The mail about the letter did not go out.")
    INTERRUPTED = "interrupted", _("The test broke off.")


class FormProof(models.Model):
    """One run. Its test letter is removed when it ends."""

    started_at = models.DateTimeField()
    # The submission id in the form token, by which the letter is found however the run ended.
    submission_id = models.UUIDField(null=True, blank=True)
    # When all checks up to the thank-you page had passed. After that the run only waits for the mails.
    posted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=20, choices=ProofResult, default=ProofResult.RUNNING)

    class Meta:
        ordering = ["-started_at", "-pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["result"], condition=models.Q(result=ProofResult.RUNNING), name="one_proof_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at}: {self.result}"

    @property
    def has_passed(self) -> bool:
        return self.result == ProofResult.PASSED


def last_proof(*, now: datetime) -> FormProof | None:
    """Return the newest finished proof; None if there is none. Ignores proofs from the future (wrong clock)."""
    over = FormProof.objects.exclude(result=ProofResult.RUNNING).filter(started_at__lte=now + CLOCK_TOLERANCE)
    return over.first()


@dataclass(frozen=True, kw_only=True)
class ProofStatus:
    """`last`: the newest finished proof. `is_nightly`: one should run each night. `is_late`: none has run for days."""

    last: FormProof | None
    is_nightly: bool
    is_late: bool


def proof_status(*, now: datetime) -> ProofStatus:
    last, is_nightly = last_proof(now=now), settings.PROOF_EMAIL != OFF
    is_late = is_nightly and last is not None and now - last.started_at > LATE_AFTER
    return ProofStatus(last=last, is_nightly=is_nightly, is_late=is_late)


_TIMEOUT_SECONDS = 10
# No more of a response is read. Every page of the site is smaller.
_LARGEST_PAGE = 2 * 1024 * 1024
# Selects a form for visitors (templates/components/form_attributes.html).
_FORM = "form[data-enquiry-form]"


class NoAnswer(Exception):
    """The site did not answer, or not in HTTP."""


class NoForm(Exception):
    """The page has no form, or one that can't be filled in."""


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    text: str


@dataclass(frozen=True)
class FoundForm:
    """A form on a page: its action URL, and the fields that a browser would send if nothing were typed."""

    action: str
    fields: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        return dict(self.fields).get(name, "")


def ask(path: str, *, fields: Iterable[tuple[str, str]] | None = None) -> Answer:
    """Send GET, or POST with `fields`, for `path` to the local address that the proxy uses. Raises NoAnswer."""
    site = urlsplit(settings.SITE_URL)
    headers = {
        "Host": site.netloc,
        "User-Agent": "Aijuu form proof",
        "Accept": "text/html",
        "Sec-Fetch-Site": "same-origin",
        "X-Forwarded-Proto": site.scheme,
        # One entry for each trusted proxy, so that the site sees this machine as the visitor.
        "X-Forwarded-For": ", ".join(["127.0.0.1"] * max(1, settings.TRUSTED_PROXIES)),
    }
    body = None
    if fields is not None:
        body = urlencode(list(fields))
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": settings.SITE_URL}
    connection = http.client.HTTPConnection(*settings.LOCAL_ADDRESS, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET" if fields is None else "POST", path, body, headers)
        response = connection.getresponse()
        text = response.read(_LARGEST_PAGE).decode("utf-8", "replace")
        return Answer(response.status, response.getheader("Location", ""), text)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer from error
    finally:
        connection.close()


def find_form(page: Answer, path: str) -> FoundForm | None:
    """Return the form on a page that was opened at `path`; None if there is none."""
    form = BeautifulSoup(page.text, "html.parser").select_one(_FORM)
    if form is None:
        return None
    return FoundForm(str(form.get("action") or path), tuple(_filled_in(form)))


def links_of(page: Answer) -> set[str]:
    """Return the URLs of the links on a page."""
    return {str(link["href"]) for link in BeautifulSoup(page.text, "html.parser").select("a[href]")}


def fill_in(form: FoundForm, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the form's fields with the values of `words`. Raises NoForm if the form lacks one of these fields."""
    if not words.keys() <= {name for name, _value in form.fields}:
        raise NoForm
    return [(name, words.get(name, value)) for name, value in form.fields]


def _filled_in(form: Tag) -> Iterator[tuple[str, str]]:
    """Yield each field's name and value. In a group of options without a choice, the first option is chosen."""
    chosen = {str(one["name"]) for one in form.select("input[checked]")}
    for control in form.select("input[name], textarea[name]"):
        name, kind = str(control["name"]), str(control.get("type", "text"))
        if control.name == "textarea":
            yield name, control.get_text()
        elif kind == "radio" or (kind == "checkbox" and len(form.select(f'input[name="{name}"]')) > 1):
            if control.has_attr("checked") or name not in chosen:
                chosen.add(name)
                yield name, str(control["value"])
        elif kind != "checkbox" or control.has_attr("checked"):
            yield name, str(control.get("value", ""))


# A form that is sent sooner is suspicious.
_READING_SECONDS = MIN_SECONDS + 1
# The notification to Kati and the confirmation. The waiting list's form sends both too, although a test letter gets no
# place on the list.
_MAILS = 2
_WORDS = {"name": "Sivuston koeviesti", "message": "Sivusto kokeilee itse lomaketta ja poistaa tämän viestin."}


class AlreadyRunning(Exception):
    """A proof is running."""


class _Failed(Exception):
    def __init__(self, result: ProofResult) -> None:
        super().__init__(result)
        self.result = result


def prove_by_night(*, now: datetime) -> None:
    """Check the running proof, or begin tonight's if it is due."""
    running = FormProof.objects.filter(result=ProofResult.RUNNING).first()
    if running is not None:
        follow_up(running, now=now)
        return
    last_started = FormProof.objects.values_list("started_at", flat=True).first()
    if settings.PROOF_EMAIL != OFF and is_due(last_started=last_started, now=now):
        try:
            begin(now=now)
        except AlreadyRunning:
            # Another machine has just begun it.
            return


def begin(*, now: datetime) -> FormProof:
    """Send a test letter and return the proof. The proof is still running unless something failed.

    First ends an earlier run that is complete or overdue, and removes its test letter. Raises AlreadyRunning.
    """
    for earlier in FormProof.objects.filter(result=ProofResult.RUNNING):
        follow_up(earlier, now=now)
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
    """End the proof if its mails were sent, if it has no mails any more, or if it is overdue."""
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
    """Send the letter and check everything except the delivery of its mails. Raises NoAnswer, NoForm and _Failed."""
    form = _open_form()
    opening = read_form_token(form.value("form_token"))
    if opening is None:
        raise NoForm
    proof.submission_id = opening.submission_id
    # Saved before the letter is sent, so that the letter can be found whatever happens.
    proof.save(update_fields=["submission_id"])
    words = {**_WORDS, "email": _test_address()}
    fields = fill_in(form, words)
    sleep(_READING_SECONDS)
    posted = ask(form.action, fields=[*fields, (PROOF_FIELD, new_proof_mark(opening))])
    if posted.status != 303 or not posted.location.startswith("/"):
        raise _Failed(ProofResult.REFUSED)
    enquiry = Enquiry.with_proofs.filter(submission_id=opening.submission_id).first()
    thanks = ask(posted.location)
    if enquiry is None or not enquiry.is_proof or any(getattr(enquiry, name) != sent for name, sent in words.items()):
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
    """Return the form that visitors get now. During a pause it may be the waiting list's, or be on a linked page."""
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


def _test_address() -> str:
    if settings.PROOF_EMAIL not in ("", OFF):
        return str(settings.PROOF_EMAIL)
    return supervisor_address(ContactDetails.load(), IntakeSettings.load())


def _finish(proof: FormProof, result: ProofResult) -> None:
    now = timezone.now()
    # remove_proofs() would miss a letter that the site did not recognise as a test letter.
    for pk in _letters_of(proof).values_list("pk", flat=True):
        remove_enquiry(enquiry_id=pk, now=now)
    remove_proofs(now=now)
    proof.result, proof.finished_at = result, now
    proof.save(update_fields=["result", "finished_at"])
    FormProof.objects.filter(started_at__lt=now - KEPT).delete()
