"""Services that write enquiries: receiving, status, notes."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.pause.wording import PauseStatus
from intake.choices import Kind, Outcome, Status, StepKind, Verdict
from intake.enquiry.mails import ReadyMails, queue_mails, render_mails
from intake.enquiry.models import Enquiry, EnquiryStep
from intake.enquiry.rules import RetentionTimes, removal_date
from intake.enquiry.search import new_reference, search_values
from intake.jobs.schedule import is_from_future
from intake.locks import lock_letter, lock_receiving
from intake.mailbox import database_key, hash_with, mailbox_key
from intake.rate_limit import enforce_rate_limit
from intake.settings import IntakeSettings
from intake.submission import ContactFacts, FormOpening, Submission, reasons_to_suspect
from intake.typed_text import clean_lines

# These signals are sent with a locked `enquiry` and `now`, in a transaction that holds lock_receiving().
# An enquiry was put on the waiting list. `wants_mail`: its sender asked for mail on the return. `months`, if it was
# shown to the sender: the interval between the questions whether somebody is still waiting.
listed = Signal()
# A test letter for the waiting list was stored. It gets no place; the receiver only queues the mail about a place.
test_letter_listed = Signal()
# A suspicious enquiry was accepted.
accepted = Signal()

REPEAT_WINDOW = timedelta(days=1)
# Written as SQL: Django takes ten times as long to build such a query as to run it, while other posts wait for a lock.
_SAME_FORM_OR_WORDS = """
    SELECT id FROM intake_enquiry WHERE (submission_id = %s AND content_digest = %s) OR repeat_key = %s
"""
STATUS_FIELDS = ("status", "outcome", "closed_at", "remove_on")


def set_status(enquiry: Enquiry, *, status: str, outcome: str = "", now: datetime) -> None:
    """Set the status of a locked enquiry; the caller saves STATUS_FIELDS.

    Closing sets the removal date: by the current settings, but never later than the sender was shown. A changed outcome
    of a closed enquiry moves the date only if it changes to or from spam, and never to less than a day from now.
    """
    was_closed, earlier = enquiry.is_closed, enquiry.outcome
    enquiry.status, enquiry.outcome = status, outcome if status == Status.CLOSED else ""
    if status != Status.CLOSED:
        enquiry.closed_at = enquiry.remove_on = None
        return
    times = retention_times_for(enquiry)
    if not was_closed:
        enquiry.closed_at = now
        enquiry.remove_on = removal_date(closed_at=now, outcome=outcome, times=times)
    elif Outcome.SPAM in (outcome, earlier) and outcome != earlier:
        due = removal_date(closed_at=enquiry.closed_at, outcome=outcome, times=times)
        enquiry.remove_on = max(due, day_after(now)) if due else day_after(now)


def day_after(now: datetime) -> date:
    """Return the first date that begins at least 24 hours from now: time to notice a mistake."""
    return timezone.localdate(now) + timedelta(days=2)


def retention_times_for(enquiry: Enquiry, *, chosen: IntakeSettings | None = None) -> RetentionTimes:
    """Return the retention times for an enquiry closed now: the current ones, but not longer than its sender saw."""
    times = retention_times(chosen)
    return RetentionTimes(
        months=min(times.months, enquiry.shown_retention_months or times.months),
        spam_days=min(times.spam_days, enquiry.shown_spam_days or times.spam_days),
    )


def retention_times(chosen: IntakeSettings | None = None) -> RetentionTimes:
    """Return the retention times in the settings. `chosen`: the settings, if the caller has read them."""
    chosen = chosen or IntakeSettings.load()
    return RetentionTimes(months=chosen.retention_months, spam_days=chosen.spam_days)


class ChangedMeanwhile(Exception):
    """The enquiry was changed or removed after this page was opened, perhaps in another tab."""


def save_handling(
    *,
    enquiry_id: int,
    version: int,
    status: Status | None = None,
    outcome: str = "",
    note: str | None = None,
    by: AbstractBaseUser | None,
    now: datetime,
) -> Enquiry:
    """Save the status and the supervisor's note, both or neither; None leaves the value unchanged.

    Only CLOSED has an outcome. An enquiry that is put on the waiting list gets a place there. If nothing changes, the
    `version` is not checked, so that a double click is no conflict. The history records the change, not the old note.

    Raises ValidationError for closing without an outcome, ChangedMeanwhile for an old `version`.
    """
    if status == Status.CLOSED and outcome not in Outcome.values:
        raise ValidationError({"outcome": _("Choose how the matter ended.")}, code="outcome_missing")
    wanted_outcome = outcome if status == Status.CLOSED else ""
    words = None if note is None else clean_lines(note)
    with transaction.atomic():
        if status == Status.WAITING_LIST:
            # Always locked before the enquiry, to avoid deadlocks.
            lock_receiving()
        enquiry = lock_enquiry(enquiry_id)
        target = None if (enquiry.status, enquiry.outcome) == (status, wanted_outcome) else status
        rewritten = None if words == enquiry.note else words
        if target is None and rewritten is None:
            return enquiry
        require_version(enquiry, version)
        was_waiting = enquiry.status == Status.WAITING_LIST
        steps = []
        if target is not None:
            set_status(enquiry, status=target, outcome=outcome, now=now)
            steps.append(StepKind.STATUS)
        if rewritten is not None:
            enquiry.note = rewritten
            steps.append(StepKind.NOTE_SAVED if rewritten else StepKind.NOTE_EMPTIED)
        save_change(enquiry, *steps, fields=(*STATUS_FIELDS, "note"), by=by, now=now)
        if enquiry.status == Status.WAITING_LIST and not was_waiting:
            listed.send(Enquiry, enquiry=enquiry, wants_mail=False, now=now)
    return enquiry


def change_status(
    *, enquiry_id: int, version: int, status: Status, outcome: str, by: AbstractBaseUser | None, now: datetime
) -> Enquiry:
    """Change only the status and outcome, as save_handling() does."""
    return save_handling(enquiry_id=enquiry_id, version=version, status=status, outcome=outcome, by=by, now=now)


def accept_quarantined(*, enquiry_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> Enquiry:
    """Mark an enquiry that is suspicious or closed as spam as an ordinary one; the reasons are kept.

    An enquiry closed as spam becomes new again, because it would be removed within days. On the waiting list, the
    confirmation is sent now; otherwise no mail is sent, because the supervisor replies herself. Does nothing to an
    ordinary enquiry. Raises ChangedMeanwhile for an old `version`.
    """
    with transaction.atomic():
        # Always locked before the enquiry, to avoid deadlocks.
        lock_receiving()
        enquiry = lock_enquiry(enquiry_id)
        if enquiry.is_quarantined or enquiry.is_closed_as_spam:
            require_version(enquiry, version)
            enquiry.verdict = Verdict.ACCEPTED
            if enquiry.is_closed_as_spam:
                set_status(enquiry, status=Status.NEW, now=now)
            save_change(enquiry, StepKind.ACCEPTED, fields=("verdict", *STATUS_FIELDS), by=by, now=now)
            accepted.send(Enquiry, enquiry=enquiry, now=now)
    return enquiry


def lock_enquiry(enquiry_id: int) -> Enquiry:
    """Lock an enquiry that is about to change. Raises ChangedMeanwhile if it was removed."""
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if enquiry is None:
        raise ChangedMeanwhile
    return enquiry


def require_version(enquiry: Enquiry, version: int) -> None:
    if enquiry.version != version:
        raise ChangedMeanwhile


def save_change(
    enquiry: Enquiry,
    *steps: StepKind,
    fields: Iterable[str] = (),
    by: AbstractBaseUser | None = None,
    now: datetime,
) -> None:
    """Save the changed fields of a locked enquiry as its next version, and add the steps to its history."""
    enquiry.version += 1
    enquiry.save(update_fields=[*fields, "version"])
    for kind in steps:
        values = {"status": enquiry.status, "outcome": enquiry.outcome} if kind == StepKind.STATUS else {}
        EnquiryStep.objects.create(
            enquiry=enquiry, kind=kind, changed_at=now, changed_by_id=by.pk if by else None, **values
        )


def receive_enquiry(
    *,
    submission: Submission,
    pause: PauseStatus,
    details: ContactDetails | None = None,
    chosen: IntakeSettings | None = None,
    now: datetime,
) -> Enquiry:
    """Store an enquiry and queue its mails; a repeat returns the first enquiry.

    A repeat has the same content and either the same form token, at any time (for the waiting list: until the first
    enquiry is closed), or any form token within a day while the first enquiry is open: after going back, the
    browser may show a new form with the old text. The latter counts towards the rate limit, so that nobody can find
    out by trying whether somebody else has sent this text. If the first enquiry is suspicious, and the same content
    from another form token is not, it is stored as a new enquiry.

    An enquiry of the kind WAITING gets the last place on the waiting list. A test letter gets none, counts towards no
    limit, and is a repeat only of itself.

    `details`, `chosen`: the settings, if the caller has read them, with no times longer than the sender was shown
    (intake.enquiry.form_pages.at_most). Raises TooManyPosts over FORM_RATE_LIMIT, and django.db.DatabaseError if
    nothing could be stored.
    """
    details, chosen = details or ContactDetails.load(), chosen or IntakeSettings.load()
    while True:
        # Everything that needs no lock is done before the transaction, so that other posts wait as briefly as possible.
        arrival = _Arrival.of(submission, details=details, chosen=chosen, pause=pause, now=now)
        try:
            return _store(arrival, now)
        except IntegrityError:
            if not Enquiry.with_proofs.filter(reference=arrival.enquiry.reference).exists():
                raise
            # Another enquiry has this reference: try a new one. This is so rare that it is not checked beforehand.


@dataclass(frozen=True, kw_only=True)
class _Arrival:
    """An enquiry that is ready to be stored, with its rendered mails."""

    enquiry: Enquiry
    mails: ReadyMails
    address_key: str
    mailbox_key: str
    wants_mail: bool
    waiting_months: int

    @classmethod
    def of(
        cls,
        submission: Submission,
        *,
        details: ContactDetails,
        chosen: IntakeSettings,
        pause: PauseStatus,
        now: datetime,
    ) -> "_Arrival":
        kind, facts, key = submission.kind, submission.facts, database_key()
        digest = _digest(kind, facts, submission.repeat_text, key=key)
        reasons = reasons_to_suspect(replace(facts, message=facts.message or submission.other_text), submission.signs)
        reference = new_reference()
        enquiry = Enquiry(
            reference=reference,
            **search_values(reference, facts),
            submission_id=submission.opening.submission_id,
            content_digest=digest,
            repeat_key=None if submission.is_proof else digest,
            is_proof=submission.is_proof,
            kind=kind,
            status=Status.WAITING_LIST if kind == Kind.WAITING else Status.NEW,
            received_at=now,
            verdict=Verdict.QUARANTINED if reasons else Verdict.ACCEPTED,
            verdict_reasons=[reason.value for reason in reasons],
            shown_texts=asdict(submission.shown),
            shown_retention_months=chosen.retention_months,
            shown_spam_days=chosen.spam_days,
            **{**asdict(facts), "delivery_modes": list(facts.delivery_modes)},
        )
        return cls(
            enquiry=enquiry,
            mails=render_mails(enquiry=enquiry, details=details, chosen=chosen, pause=pause, now=now),
            address_key=submission.address_key,
            mailbox_key=mailbox_key(facts.email, key=key),
            wants_mail=submission.wants_mail,
            waiting_months=chosen.waiting_months,
        )


def _store(arrival: _Arrival, now: datetime) -> Enquiry:
    enquiry = arrival.enquiry
    form = Enquiry._meta.get_field("submission_id").get_db_prep_value(enquiry.submission_id, connection)
    with transaction.atomic():
        if enquiry.kind == Kind.CONTACT:
            lock_letter(arrival.address_key, arrival.mailbox_key, enquiry.content_digest)
        else:
            lock_receiving()
        found = Enquiry.with_proofs.raw(_SAME_FORM_OR_WORDS, [form, enquiry.content_digest, enquiry.repeat_key])
        earlier = [Enquiry.with_proofs.get(pk=one.pk) for one in found]
        same_form = [
            one
            for one in earlier
            if (one.submission_id, one.content_digest) == (enquiry.submission_id, enquiry.content_digest)
        ]
        for one in same_form:
            if not _has_left_list(one):
                return _limit_retention(one, enquiry)
        if not enquiry.is_proof:
            enforce_rate_limit(arrival.address_key, now)
        for one in earlier:
            if _takes_repeats(one, now) and (enquiry.is_quarantined or not one.is_quarantined):
                return _limit_retention(one, enquiry)
            Enquiry.objects.filter(pk=one.pk).update(repeat_key=None)
        for one in same_form:
            # From now on the form token identifies the new enquiry, however often the form is sent.
            Enquiry.with_proofs.filter(pk=one.pk).update(submission_id=uuid.uuid4())
        enquiry.save(force_insert=True)
        if enquiry.kind == Kind.WAITING and enquiry.is_proof:
            test_letter_listed.send(Enquiry, enquiry=enquiry, now=now)
        elif enquiry.kind == Kind.WAITING:
            listed.send(Enquiry, enquiry=enquiry, wants_mail=arrival.wants_mail, months=arrival.waiting_months, now=now)
        queue_mails(arrival.mails, enquiry=enquiry, mailbox_key=arrival.mailbox_key, now=now)
    return enquiry


def receipt_of(*, enquiry: Enquiry, opening: FormOpening) -> uuid.UUID:
    """Return the secret in the URL of the thank-you page, for the sender of this form token.

    The same text with another form token may come from another person who knows it. That person gets `repeat_receipt`,
    whose page shows nothing that belongs to the first sender.
    """
    if enquiry.submission_id == opening.submission_id:
        return enquiry.receipt
    Enquiry.with_proofs.filter(pk=enquiry.pk, repeat_receipt=None).update(repeat_receipt=uuid.uuid4())
    enquiry.refresh_from_db(fields=["repeat_receipt"])
    # If the enquiry was just removed, either URL leads to a 404.
    return enquiry.repeat_receipt or enquiry.receipt


def _limit_retention(earlier: Enquiry, repeat: Enquiry) -> Enquiry:
    """Keep the earlier enquiry no longer than the page of its repeat showed. Returns the earlier enquiry."""
    for name in ("shown_retention_months", "shown_spam_days"):
        limit, current = getattr(repeat, name), getattr(earlier, name)
        if limit is not None and (current is None or limit < current):
            setattr(earlier, name, limit)
            Enquiry.with_proofs.filter(pk=earlier.pk).update(**{name: limit})
    return earlier


def _has_left_list(enquiry: Enquiry) -> bool:
    """Return whether a waiting-list enquiry is closed. Sending its form again then joins the list again."""
    return enquiry.kind == Kind.WAITING and enquiry.is_closed


def _takes_repeats(enquiry: Enquiry, now: datetime) -> bool:
    received = enquiry.received_at
    return not enquiry.is_closed and not is_from_future(received, now) and now - received < REPEAT_WINDOW


def _digest(kind: Kind, facts: ContactFacts, repeat_text: str, *, key: str) -> str:
    words = json.dumps([kind, asdict(facts), repeat_text], sort_keys=True, ensure_ascii=False)
    return hash_with(key, "intake.content", words)
