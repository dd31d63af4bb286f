"""The writers of enquiries: receiving, status, notes."""

import json
import uuid
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from home.email_address import readable_address
from home.pause.wording import PauseStatus
from intake.choices import Kind, Outcome, Status, StepKind, Verdict
from intake.enquiry.mails import queue_mails
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.rules import RetentionTimes, new_reference, removal_date
from intake.jobs.schedule import is_from_future
from intake.locks import lock_receiving
from intake.mailbox import keyed_hash
from intake.settings import IntakeSettings
from intake.spam.limit import count_post
from intake.spam.rules import reasons_to_suspect
from intake.submission import ContactFacts, FormOpening, Submission
from intake.typed_text import clean_lines

# Both are sent with a locked `enquiry` and `now`, in a transaction that holds lock_receiving(). An enquiry has come to
# the waiting list (`wants_mail`: its sender asked for mail on the return); a suspicious one has been accepted.
listed = Signal()
accepted = Signal()

STATUS_FIELDS = ("status", "outcome", "closed_at", "remove_on")


def set_status(enquiry: Enquiry, *, status: str, outcome: str = "", now: datetime) -> None:
    """Give a locked enquiry its status; the caller saves STATUS_FIELDS.

    Closing fixes the day of removal, by the times set now and never later than its sender was told. Another outcome of
    a closed enquiry moves it only where spam is concerned, and removes nothing before a day has passed.
    """
    was_closed, earlier = enquiry.is_closed, enquiry.outcome
    enquiry.status, enquiry.outcome = status, outcome if status == Status.CLOSED else ""
    if status != Status.CLOSED:
        enquiry.closed_at = enquiry.remove_on = None
        return
    times = times_for(enquiry)
    if not was_closed:
        enquiry.closed_at = now
        enquiry.remove_on = removal_date(closed_at=now, outcome=outcome, times=times)
    elif Outcome.SPAM in (outcome, earlier) and outcome != earlier:
        due = removal_date(closed_at=enquiry.closed_at, outcome=outcome, times=times)
        enquiry.remove_on = max(due, day_after(now)) if due else day_after(now)


def day_after(now: datetime) -> date:
    """Return the first calendar day that begins a whole day from now or later: time to notice a slip."""
    return timezone.localdate(now) + timedelta(days=2)


def times_for(enquiry: Enquiry) -> RetentionTimes:
    """Return the times that hold for an enquiry closed now: a longer time set since does not break what was told."""
    chosen = retention_times()
    return RetentionTimes(
        months=min(chosen.months, enquiry.told_months or chosen.months),
        spam_days=min(chosen.spam_days, enquiry.told_spam_days or chosen.spam_days),
    )


def retention_times() -> RetentionTimes:
    """Return the times the supervisor has set."""
    chosen = IntakeSettings.load()
    return RetentionTimes(months=chosen.retention_months, spam_days=chosen.spam_days)


class ChangedMeanwhile(Exception):
    """Somebody, perhaps the same person in another tab, changed or removed the enquiry after this page was opened."""


def save_handling(
    *,
    enquiry_id: int,
    version: int,
    status: Status | None = None,
    outcome: str = "",
    note: str | None = None,
    by: User | None,
    now: datetime,
) -> Enquiry:
    """Save where the handling of an enquiry stands and the supervisor's note, both or neither; None leaves one alone.

    Closing needs an outcome, anything else has none. An enquiry that comes to the waiting list gets a place in it. What
    is as it should be already is not changed, and then the `version` does not matter: a second press on a button is no
    conflict. That something was done is kept, what stood in a note before is not.

    Raises ValidationError for closing without an outcome, ChangedMeanwhile for an old `version`.
    """
    if status == Status.CLOSED and outcome not in Outcome.values:
        raise ValidationError({"outcome": _("Choose how the matter ended.")}, code="outcome_missing")
    wanted_outcome = outcome if status == Status.CLOSED else ""
    words = None if note is None else clean_lines(note)
    with transaction.atomic():
        if status == Status.WAITING_LIST:
            # Before the enquiry's own lock, as everywhere.
            lock_receiving()
        enquiry = lock_enquiry(enquiry_id)
        target = None if (enquiry.status, enquiry.outcome) == (status, wanted_outcome) else status
        rewritten = None if words == enquiry.note else words
        if target is None and rewritten is None:
            return enquiry
        require_version(enquiry, version)
        was_waiting = enquiry.status == Status.WAITING_LIST
        if target is not None:
            set_status(enquiry, status=target, outcome=outcome, now=now)
            add_step(enquiry, StepKind.STATUS, by=by, now=now)
        if rewritten is not None:
            enquiry.note = rewritten
            add_step(enquiry, StepKind.NOTE_SAVED if rewritten else StepKind.NOTE_EMPTIED, by=by, now=now)
        save_new_version(enquiry, *STATUS_FIELDS, "note")
        if enquiry.status == Status.WAITING_LIST and not was_waiting:
            listed.send(Enquiry, enquiry=enquiry, wants_mail=False, now=now)
    return enquiry


def change_status(
    *, enquiry_id: int, version: int, status: Status, outcome: str, by: User | None, now: datetime
) -> Enquiry:
    """Move an enquiry and leave its note alone, as `save_handling` does."""
    return save_handling(enquiry_id=enquiry_id, version=version, status=status, outcome=outcome, by=by, now=now)


def accept_quarantined(*, enquiry_id: int, version: int, by: User | None, now: datetime) -> Enquiry:
    """Say that what was held suspicious or closed as spam is an ordinary message; the reasons stay to be read.

    What was closed as spam is new again, or the clock would remove it in days. Who is on the waiting list now gets the
    confirmation with the way off it; otherwise nothing is sent, the supervisor answers herself. Where it is an ordinary
    one already, nothing happens. Raises ChangedMeanwhile for an old `version`.
    """
    with transaction.atomic():
        # Before the enquiry's own lock, as everywhere.
        lock_receiving()
        enquiry = lock_enquiry(enquiry_id)
        if enquiry.is_quarantined or enquiry.is_closed_as_spam:
            require_version(enquiry, version)
            enquiry.verdict = Verdict.ACCEPTED
            if enquiry.is_closed_as_spam:
                set_status(enquiry, status=Status.NEW, now=now)
            save_new_version(enquiry, "verdict", *STATUS_FIELDS)
            add_step(enquiry, StepKind.ACCEPTED, by=by, now=now)
            accepted.send(Enquiry, enquiry=enquiry, now=now)
    return enquiry


def lock_enquiry(enquiry_id: int) -> Enquiry:
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if enquiry is None:
        raise ChangedMeanwhile
    return enquiry


def require_version(enquiry: Enquiry, version: int) -> None:
    if enquiry.version != version:
        raise ChangedMeanwhile


def add_step(enquiry: Enquiry, kind: StepKind, *, by: User | None, now: datetime) -> None:
    told = {"status": enquiry.status, "outcome": enquiry.outcome} if kind == StepKind.STATUS else {}
    EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now, changed_by=by, **told)


def save_new_version(enquiry: Enquiry, *fields: str) -> None:
    enquiry.version += 1
    enquiry.save(update_fields=[*fields, "version"])


REPEAT_WINDOW = timedelta(days=1)


def receive_enquiry(*, submission: Submission, pause: PauseStatus, now: datetime) -> Enquiry:
    """Store an enquiry and queue its mails; a repeat returns the first one.

    A repeat is the same facts, each of them, from the same form at any time; or from any form within a day while the
    first one is open: who goes back may be given a new form with the old words in it. The latter counts towards the
    limit as any post does, so that nobody learns by trying whether somebody else has written these words. Who tries
    again after being held suspicious, and now is not, has sent a new one.

    An enquiry of the kind WAITING gets the last place in the waiting list.

    Raises TooManyPosts over FORM_RATE_LIMIT, and django.db.DatabaseError when nothing could be stored.
    """
    kind, facts, opening = submission.kind, submission.facts, submission.opening
    digest = _digest(kind, facts, submission.repeat_words)
    with transaction.atomic():
        lock_receiving()
        earlier = Enquiry.objects.filter(submission_id=opening.submission_id, content_digest=digest).first()
        if earlier:
            return earlier
        count_post(submission.address_key, now)
        reasons = reasons_to_suspect(
            replace(facts, message=facts.message or submission.further_words), submission.signs
        )
        earlier = Enquiry.objects.filter(repeat_key=digest).first()
        if earlier:
            if _takes_repeats(earlier, now) and (reasons or not earlier.is_quarantined):
                return earlier
            Enquiry.objects.filter(pk=earlier.pk).update(repeat_key=None)
        reference, chosen = _unused_reference(), IntakeSettings.load()
        enquiry = Enquiry.objects.create(
            reference=reference,
            search_text=_search_text(reference, facts),
            submission_id=opening.submission_id,
            content_digest=digest,
            repeat_key=digest,
            kind=kind,
            status=Status.WAITING_LIST if kind == Kind.WAITING else Status.NEW,
            received_at=now,
            verdict=Verdict.QUARANTINED if reasons else Verdict.ACCEPTED,
            verdict_reasons=[reason.value for reason in reasons],
            shown_texts=submission.shown.as_dict(),
            told_months=chosen.retention_months,
            told_spam_days=chosen.spam_days,
            **{**asdict(facts), "delivery_modes": list(facts.delivery_modes)},
        )
        if kind == Kind.WAITING:
            listed.send(Enquiry, enquiry=enquiry, wants_mail=submission.wants_mail, now=now)
        queue_mails(enquiry=enquiry, pause=pause, now=now)
    return enquiry


def receipt_of(*, enquiry: Enquiry, opening: FormOpening) -> uuid.UUID:
    """Return what the thank-you page's address has for whoever sent this opening of a form.

    The same words sent by another opening may come from somebody else who knows them: that page leads to nothing that
    belongs to the first sender.
    """
    if enquiry.submission_id == opening.submission_id:
        return enquiry.receipt
    Enquiry.objects.filter(pk=enquiry.pk, repeat_receipt=None).update(repeat_receipt=uuid.uuid4())
    enquiry.refresh_from_db(fields=["repeat_receipt"])
    # One that was just removed has a page that is not found, like any other.
    return enquiry.repeat_receipt or enquiry.receipt


def _takes_repeats(enquiry: Enquiry, now: datetime) -> bool:
    received = enquiry.received_at
    return not enquiry.is_closed and not is_from_future(received, now) and now - received < REPEAT_WINDOW


def _digest(kind: Kind, facts: ContactFacts, repeat_words: str) -> str:
    words = json.dumps([kind, asdict(facts), repeat_words], sort_keys=True, ensure_ascii=False)
    return keyed_hash("intake.content", words)


def _search_text(reference: str, facts: ContactFacts) -> str:
    """What an enquiry is found by; an address as it is read and as it is sent, since both are copied."""
    return " ".join(
        dict.fromkeys([reference, facts.name, facts.organisation, readable_address(facts.email), facts.email])
    ).casefold()


def _unused_reference() -> str:
    while True:
        reference = new_reference()
        if not Enquiry.objects.filter(reference=reference).exists():
            return reference
