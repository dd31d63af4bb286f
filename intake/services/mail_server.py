"""One connection to the mail server, kept for as many mails as it takes, with a limit to how long each may last."""

import logging
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

logger = logging.getLogger(__name__)

# RFC 5321: "service not available, closing transmission channel".
_CLOSING = 421
_GOODBYE_SECONDS = 5.0


class ServerAway(Exception):
    """The mail server can't be reached or does not go on, whatever the mail. The cause says how.

    `was_used`: the connection had taken mails before. Servers end such a one after a while, so it proves nothing.
    """

    def __init__(self, *, was_used: bool) -> None:
        super().__init__("the mail server is away")
        self.was_used = was_used


def attempt_seconds() -> float:
    """Return how long one attempt may last in all: EMAIL_TIMEOUT for the connection, as long again for the mail."""
    return 2.0 * settings.EMAIL_TIMEOUT + _GOODBYE_SECONDS


def smtp_code(error: BaseException | None) -> int | None:
    """Return the code of a refusal; None where the server gave none, for which smtplib writes -1."""
    codes: list[int] = []
    if isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
    return max((code for code in codes if code > 0), default=None)


class MailServer:
    """The server of EMAIL_BACKEND, as a context manager. Connects for the first mail, and anew after a break."""

    def __init__(self) -> None:
        self._backend: BaseEmailBackend | None = None
        self._was_used = False

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *_error: object) -> None:
        self._drop()

    def connect(self) -> BaseEmailBackend:
        """Make sure that there is a connection. Raises ServerAway."""
        backend = self._backend = self._backend or _new_backend()
        try:
            with _limited(backend, settings.EMAIL_TIMEOUT):
                backend.open()
        except OSError as error:
            self._drop()
            raise ServerAway(was_used=False) from error
        return backend

    def send(self, message: EmailMessage) -> None:
        """Hand a message over. Raises ServerAway, or what says that the server refuses this message."""
        backend = self.connect()
        try:
            with _limited(backend, settings.EMAIL_TIMEOUT):
                backend.send_messages([message])
        except Exception as error:
            was_used, is_away = self._was_used, _says_away(error)
            if is_away or smtp_code(error) is None:
                # Nobody knows where in the conversation it stopped.
                self._drop()
            if is_away:
                raise ServerAway(was_used=was_used) from error
            raise
        self._was_used = True

    def _drop(self) -> None:
        """Say goodbye. What the server thinks of that changes nothing in what became of the mails."""
        backend, self._backend, self._was_used = self._backend, None, False
        if backend is None:
            return
        try:
            with _limited(backend, _GOODBYE_SECONDS):
                backend.close()
        except OSError as error:
            logger.warning("the mail server did not take leave: %s", type(error).__name__)


def _says_away(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPSenderRefused):
        # The sender is the same in every mail: who refuses it, or asks for a login first, takes none.
        return True
    code = smtp_code(error)
    if code is not None:
        return code == _CLOSING
    # A server that can't take such an address (SMTPUTF8) is there. All of smtplib's errors are OSErrors.
    return isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError)


def _new_backend() -> BaseEmailBackend:
    backend: BaseEmailBackend = get_connection()
    return _LimitedBackend() if type(backend) is EmailBackend else backend


def _limited(backend: BaseEmailBackend, seconds: float) -> AbstractContextManager[None]:
    return backend.limited(seconds) if isinstance(backend, _LimitedBackend) else nullcontext()


class _LimitedBackend(EmailBackend):
    """Django's SMTP, that can be given a limit for the whole of a conversation.

    A socket's timeout is for one silence: a server that says a word now and then would never meet it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._line: socket.socket | None = None
        self._is_cut = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        base = _SmtpOverTls if self.use_ssl else _Smtp
        return type(base.__name__, (base,), {"on_connected": self._watch})

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Cut the connection when the block lasts longer. Raises TimeoutError then."""
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except OSError as error:
            if self._is_cut:
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        super().close()
        if self._line is not None:
            self._line.close()

    def _watch(self, connected: socket.socket) -> None:
        # A second handle on the same connection: the first is taken over by TLS.
        self._line = connected.dup()
        if self._is_cut:
            raise TimeoutError

    def _cut(self) -> None:
        self._is_cut = True
        if self._line is not None:
            try:
                # Whoever waits for the server, in another thread, is told that it has gone.
                self._line.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                logger.info("the mail server had gone before it was cut off: %s", type(error).__name__)


class _Smtp(smtplib.SMTP):
    on_connected: Any

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to the first of the server's addresses that answers, within `timeout` in all."""
        deadline = time.monotonic() + timeout
        last: OSError | None = None
        for *_kind, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                connected = socket.create_connection((str(address[0]), port), max(0.01, deadline - time.monotonic()))
            except OSError as error:
                last = error
                continue
            connected.settimeout(timeout)
            self.on_connected(connected)
            return connected
        raise last or OSError("the mail server has no address")


class _SmtpOverTls(smtplib.SMTP_SSL, _Smtp):
    """Its way to a socket goes through the one above."""
