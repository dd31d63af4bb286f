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


def change_status(
    *, enquiry_id: int, version: int, status: Status, outcome: str, by: User | None, now: datetime
) -> Enquiry:
    """Move an enquiry to `status`; closing needs an outcome, anything else has none.

    An enquiry that comes to the waiting list gets a place in it. Raises ValidationError for a status that needs or
    forbids an outcome, ChangedMeanwhile for an old `version`.
    """
    if status == Status.CLOSED and outcome not in Outcome.values:
        raise ValidationError({"outcome": _("Choose how the matter ended.")}, code="outcome_missing")
    with transaction.atomic():
        if status == Status.WAITING_LIST:
            # Before the enquiry's own lock, as everywhere.
            lock_receiving()
        enquiry = _locked(enquiry_id, version)
        was_waiting = enquiry.status == Status.WAITING_LIST
        set_status(enquiry, status=status, outcome=outcome, now=now)
        _save(enquiry, *STATUS_FIELDS)
        if status == Status.WAITING_LIST and not was_waiting:
            join(enquiry=enquiry, wants_mail=False, now=now)
        EnquiryStep.objects.create(
            enquiry=enquiry,
            kind=StepKind.STATUS,
            changed_at=now,
            changed_by=by,
            status=enquiry.status,
            outcome=enquiry.outcome,
        )
    return enquiry


def write_note(*, enquiry_id: int, version: int, note: str, by: User | None, now: datetime) -> Enquiry:
    """Replace the supervisor's note; that it was done is kept, what stood there before is not.

    The same note again changes nothing. Raises ChangedMeanwhile for an old `version`.
    """
    with transaction.atomic():
        enquiry = _locked(enquiry_id, version)
        words = clean_lines(note)
        if words != enquiry.note:
            enquiry.note = words
            _save(enquiry, "note")
            kind = StepKind.NOTE_SAVED if words else StepKind.NOTE_EMPTIED
            EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now, changed_by=by)
    return enquiry


def write_preparation_notes(*, enquiry_id: int, version: int, notes: str, by: User | None, now: datetime) -> Enquiry:
    """Replace the supervisor's notes for the first meeting; that it was done is kept, what stood there before is not.

    The same notes again change nothing. Raises ChangedMeanwhile for an old `version`, InitialMapping.DoesNotExist
    where no mapping has been sent.
    """
    with transaction.atomic():
        enquiry = _locked(enquiry_id, version)
        mapping = InitialMapping.objects.select_for_update().get(enquiry=enquiry, sent_at__isnull=False)
        words = clean_lines(notes)
        if words != mapping.preparation_notes:
            mapping.preparation_notes = words
            mapping.save(update_fields=["preparation_notes"])
            _save(enquiry)
            kind = StepKind.PREPARATION_SAVED if words else StepKind.PREPARATION_EMPTIED
            EnquiryStep.objects.create(enquiry=enquiry, kind=kind, changed_at=now, changed_by=by)
    return enquiry


def accept_quarantined(*, enquiry_id: int, version: int, by: User | None, now: datetime) -> Enquiry:
    """Say that what was held suspicious or closed as spam is an ordinary message; the reasons stay to be read.

    What was closed as spam is new again, or the clock would remove it in days. Who is on the waiting list now gets the
    confirmation with the way off it; otherwise nothing is sent, the supervisor answers herself. Raises
    ChangedMeanwhile for an old `version`.
    """
    with transaction.atomic():
        # Before the enquiry's own lock, as everywhere.
        lock_receiving()
        enquiry = _locked(enquiry_id, version)
        if enquiry.is_quarantined or enquiry.is_closed_as_spam:
            enquiry.verdict = Verdict.ACCEPTED
            if enquiry.is_closed_as_spam:
                set_status(enquiry, status=Status.NEW, now=now)
            _save(enquiry, "verdict", *STATUS_FIELDS)
            EnquiryStep.objects.create(enquiry=enquiry, kind=StepKind.ACCEPTED, changed_at=now, changed_by=by)
            confirm_joining(enquiry=enquiry, now=now)
    return enquiry


def _locked(enquiry_id: int, version: int) -> Enquiry:
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if enquiry is None or enquiry.version != version:
        raise ChangedMeanwhile
    return enquiry


def _save(enquiry: Enquiry, *fields: str) -> None:
    enquiry.version += 1
    enquiry.save(update_fields=[*fields, "version"])
