"""What the supervisor does with an enquiry."""

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from intake.choices import Outcome, Status, Verdict
from intake.models.enquiry import Enquiry, StatusChange
from intake.typed_text import clean_lines


class ChangedMeanwhile(Exception):
    """Somebody, perhaps the same person in another tab, changed or removed the enquiry after this page was opened."""


def change_status(
    *, enquiry_id: int, version: int, status: Status, outcome: str, by: User | None, now: datetime
) -> Enquiry:
    """Move an enquiry to `status`; closing needs an outcome, anything else has none.

    Raises ValidationError for a status that needs or forbids an outcome, ChangedMeanwhile for an old `version`.
    """
    if status == Status.CLOSED and outcome not in Outcome.values:
        raise ValidationError({"outcome": _("Choose how the matter ended.")}, code="outcome_missing")
    with transaction.atomic():
        enquiry = _locked(enquiry_id, version)
        was_closed = enquiry.is_closed
        enquiry.status = status
        enquiry.outcome = outcome if status == Status.CLOSED else ""
        if status != Status.CLOSED:
            enquiry.closed_at = None
        elif not was_closed:
            enquiry.closed_at = now
        _save(enquiry, "status", "outcome", "closed_at")
        StatusChange.objects.create(
            enquiry=enquiry, changed_at=now, changed_by=by, status=enquiry.status, outcome=enquiry.outcome
        )
    return enquiry


def write_note(*, enquiry_id: int, version: int, note: str) -> Enquiry:
    """Replace the supervisor's note. Raises ChangedMeanwhile for an old `version`."""
    with transaction.atomic():
        enquiry = _locked(enquiry_id, version)
        enquiry.note = clean_lines(note)
        _save(enquiry, "note")
    return enquiry


def accept_quarantined(*, enquiry_id: int, version: int) -> Enquiry:
    """Say that a message held suspicious is an ordinary one; the reasons stay to be read.

    Sends nothing: the supervisor answers it herself. Raises ChangedMeanwhile for an old `version`.
    """
    with transaction.atomic():
        enquiry = _locked(enquiry_id, version)
        enquiry.verdict = Verdict.ACCEPTED
        _save(enquiry, "verdict")
    return enquiry


def _locked(enquiry_id: int, version: int) -> Enquiry:
    enquiry = Enquiry.objects.select_for_update().filter(pk=enquiry_id).first()
    if enquiry is None or enquiry.version != version:
        raise ChangedMeanwhile
    return enquiry


def _save(enquiry: Enquiry, *fields: str) -> None:
    enquiry.version += 1
    enquiry.save(update_fields=[*fields, "version"])
