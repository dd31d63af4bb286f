"""Queued mails for tests that do not depend on their text."""

import uuid
from datetime import datetime
from typing import Any

from intake.choices import MailState
from intake.models import OutgoingMail


def queued(*, now: datetime, **fields: Any) -> OutgoingMail:
    """Create a queued mail with a placeholder text and a Message-ID of its own."""
    values = {"subject": "x", "text": "x", "html": "", "message_id": f"<{uuid.uuid4()}@aijuu.fi>", **fields}
    return OutgoingMail.objects.create(state=MailState.QUEUED, created_at=now, next_attempt_at=now, **values)
