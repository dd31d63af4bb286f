"""The form's one-time submission id with the time it was opened, signed, so that neither can be made up."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import signing

_SALT = "intake.form-token"


@dataclass(frozen=True, kw_only=True)
class FormOpening:
    """One opening of a form."""

    submission_id: uuid.UUID
    opened_at: datetime


def new_form_token(now: datetime) -> str:
    """Return a token for a form opened at `now` (aware)."""
    return signing.dumps([uuid.uuid4().hex, int(now.timestamp())], salt=_SALT)


def read_form_token(token: str) -> FormOpening | None:
    """Return what the token says, however old it is; None for a token that this site did not sign."""
    try:
        submission_id, opened_at = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return FormOpening(submission_id=uuid.UUID(submission_id), opened_at=datetime.fromtimestamp(opened_at, UTC))
