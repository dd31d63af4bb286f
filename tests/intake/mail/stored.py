"""Mails as the queue keeps them, for tests that need no words in them."""

from datetime import datetime
from typing import Any

from intake.choices import MailState
from intake.models import OutgoingMail


def queued(*, now: datetime, **fields: Any) -> OutgoingMail:
    """A queued mail with hardly any words."""
    values = {"subject": "x", "text": "x", "html": "", "message_id": f"<{now.timestamp()}@aijuu.fi>", **fields}
    return OutgoingMail.objects.create(state=MailState.QUEUED, created_at=now, next_attempt_at=now, **values)
