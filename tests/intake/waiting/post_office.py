"""A mail server in this process: it accepts, rejects, disconnects or is away, and records what it accepted."""

import smtplib
from collections.abc import Sequence
from enum import Enum

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from intake.models import OutgoingMail


class Killed(BaseException):
    """The worker was killed, as by SIGKILL: no code of the site catches this."""


class Behaviour(Enum):
    """How the server treats the next mails."""

    TAKES = "takes them"
    REFUSES = "says 451"
    AWAY = "does not answer the telephone"
    BREAKS_BEFORE = "hangs up before it has the mail"
    BREAKS_AFTER = "takes the mail and hangs up without a word"
    KILLS_BEFORE = "is about to get the mail when the worker dies"
    KILLS_AFTER = "has taken the mail when the worker dies"


class PostOffice:
    """The mails that the server accepted: (purpose, deduplication_key, recipient, Message-ID), in order."""

    def __init__(self) -> None:
        self.behaviour = Behaviour.TAKES
        self.taken: list[tuple[str, str, str, str]] = []

    def of(self, purpose: str) -> list[str]:
        """The recipients of this purpose's mails, in order."""
        return [recipient for kind, _key, recipient, _id in self.taken if kind == purpose]

    def take(self, message: EmailMessage) -> None:
        if self.behaviour in (Behaviour.KILLS_BEFORE, Behaviour.KILLS_AFTER):
            # Only one worker is killed; the next one goes on.
            after = self.behaviour is Behaviour.KILLS_AFTER
            self.behaviour = Behaviour.TAKES
            if after:
                self._keep(message)
            raise Killed
        if self.behaviour is Behaviour.REFUSES:
            raise smtplib.SMTPDataError(451, b"Later")
        if self.behaviour is Behaviour.BREAKS_BEFORE:
            raise smtplib.SMTPServerDisconnected
        self._keep(message)
        if self.behaviour is Behaviour.BREAKS_AFTER:
            raise TimeoutError

    def _keep(self, message: EmailMessage) -> None:
        message_id = message.extra_headers["Message-ID"]
        mail = OutgoingMail.objects.get(message_id=message_id)
        self.taken.append((mail.purpose, mail.deduplication_key, message.to[0], message_id))


# Django creates a backend for each mail; a test has one server.
SERVER = PostOffice()


class Backend(BaseEmailBackend):
    """Django's mail backend that delivers to SERVER."""

    def open(self) -> bool:
        if SERVER.behaviour is Behaviour.AWAY:
            raise ConnectionRefusedError
        return True

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.open()
        for message in email_messages:
            SERVER.take(message)
        return len(email_messages)
