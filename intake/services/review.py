"""What the supervisor does with an enquiry."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from intake.choices import Outcome, Status, StepKind, Verdict
from intake.models.enquiry import Enquiry, EnquiryStep
from intake.models.mapping import InitialMapping
from intake.services.closing import STATUS_FIELDS, set_status
from intake.services.joining import confirm_joining, join
from intake.services.locks import lock_receiving
from intake.typed_text import clean_lines


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
        enquiry = _locked(enquiry_id)
        target = None if (enquiry.status, enquiry.outcome) == (status, wanted_outcome) else status
        rewritten = None if words == enquiry.note else words
        if target is None and rewritten is None:
            return enquiry
        _must_be(enquiry, version)
        was_waiting = enquiry.status == Status.WAITING_LIST
        if target is not None:
            set_status(enquiry, status=target, outcome=outcome, now=now)
            _add_step(enquiry, StepKind.STATUS, by=by, now=now)
        if rewritten is not None:
            enquiry.note = rewritten
            _add_step(enquiry, StepKind.NOTE_SAVED if rewritten else StepKind.NOTE_EMPTIED, by=by, now=now)
        _save(enquiry, *STATUS_FIELDS, "note")
        if enquiry.status == Status.WAITING_LIST and not was_waiting:
            join(enquiry=enquiry, wants_mail=False, now=now)
    return enquiry


def change_status(
    *, enquiry_id: int, version: int, status: Status, outcome: str, by: User | None, now: datetime
) -> Enquiry:
    """Move an enquiry and leave its note alone, as `save_handling` does."""
    return save_handling(enquiry_id=enquiry_id, version=version, status=status, outcome=outcome, by=by, now=now)


def write_preparation_notes(*, enquiry_id: int, version: int, notes: str, by: User | None, now: datetime) -> Enquiry:
    """Replace the supervisor's notes for the first meeting; that it was done is kept, what stood there before is not.

    The same notes again change nothing, whatever the `version`. Raises ChangedMeanwhile for an old one,
    InitialMapping.DoesNotExist where no mapping has been sent.
    """
    with transaction.atomic():
        enquiry = _locked(enquiry_id)
        mapping = InitialMapping.objects.select_for_update().get(enquiry=enquiry, sent_at__isnull=False)
        words = clean_lines(notes)
        if words != mapping.preparation_notes:
            _must_be(enquiry, version)
            mapping.preparation_notes = words
            mapping.save(update_fields=["preparation_notes"])
            _save(enquiry)
            kind = StepKind.PREPARATION_SAVED if words else StepKind.PREPARATION_EMPTIED
            _add_step(enquiry, kind, by=by, now=now)
    return enquiry


def accept_quarantined(*, enquiry_id: int, version: int, by: User | None, now: datetime) -> Enquiry:
    """Say that what was held suspicious or closed as spam is an ordinary message; the reasons stay to be read.

    What was closed as spam is new again, or the clock would remove it in days. Who is on the waiting list now gets the
    confirmation with the way off it; otherwise nothing is sent, the supervisor answers herself. Where it is an ordinary
    one already, nothing happens. Raises ChangedMeanwhile for an old `version`.
    """
    with transaction.atomic():
        # Before the enquiry's own lock, as everywhere.
        lock_receiving()
        enquiry = _locked(enquiry_id)
        if enquiry.is_quarantined or enquiry.is_closed_as_spam:
            _must_be(enquiry, version)
            enquiry.verdict = Verdict.ACCEPTED
            if enquiry.is_closed_as_spam:
                set_status(enquiry, status=Status.NEW, now=now)
            _save(enquiry, "verdict", *STATUS_FIELDS)
            _add_step(enquiry, StepKind.ACCEPTED, by=by, now=now)
            confirm_joining(enquiry=enquiry, now=now)
    return enquiry


def _locked(enquiry_id: int) -> Enquiry:
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if enquiry is None:
        raise ChangedMeanwhile
    return enquiry


def _must_be(enquiry: Enquiry, version: int) -> None:
    if enquiry.version != version:
        raise ChangedMeanwhile


def _add_step(enquiry: Enquiry, kind: StepKind, *, by: User | None, now: datetime) -> None:
    told = {"status": enquiry.status, "outcome": enquiry.outcome} if kind == StepKind.STATUS else {}
    EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now, changed_by=by, **told)


def _save(enquiry: Enquiry, *fields: str) -> None:
    enquiry.version += 1
    enquiry.save(update_fields=[*fields, "version"])
