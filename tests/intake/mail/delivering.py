"""Helpers: settings of a mail server, and delivery at a chosen moment."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.utils import timezone

from intake.mail.delivery import deliver_next
from tests.tools.smtp_server import SmtpServer

START = datetime(2026, 11, 22, 10, 0, tzinfo=ZoneInfo("Europe/Helsinki"))


def use_server(settings: Any, port: int, *, timeout: float = 0.5) -> None:
    """Let Django send its mail to this port of the machine."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, timeout


def deliver_due(moment: datetime) -> int:
    """Deliver all mails due at the moment, and return how many were tried."""
    with time_machine.travel(moment, tick=False):
        tried = 0
        while deliver_next(now=timezone.now()):
            tried += 1
            assert tried < 100, "the queue never ends"
        return tried


def subjects(server: SmtpServer) -> list[str]:
    """Return the subjects of the accepted mails in alphabetical order."""
    return sorted(str(message["Subject"]) for message in server.messages)
