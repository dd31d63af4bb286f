"""E-mail backend that writes .eml files: the default until a mail server is configured."""

import email
import email.policy
import itertools
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

# Headers and bodies in UTF-8 (RFC 6532) in place of encoded words and base64, so that people can read them.
_READABLE = email.policy.SMTPUTF8.clone(linesep="\n", refold_source="all", cte_type="8bit")


class MailFilesBackend(BaseEmailBackend):
    """Write each message to MAIL_DIR/<time>-<n>.eml with mode 600, because it holds personal data."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.MAIL_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            parsed = email.message_from_bytes(message.message().as_bytes(), policy=_READABLE)
            self._write(folder, parsed.as_bytes())
        return len(email_messages)

    def _write(self, folder: Path, content: bytes) -> None:
        draft = folder / f".{uuid.uuid4().hex}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        stem = timezone.localtime().strftime("%Y-%m-%d-%H%M%S")
        for number in itertools.count(1):
            try:
                os.link(draft, folder / f"{stem}-{number}.eml")
            except FileExistsError:
                continue
            break
        draft.unlink()
