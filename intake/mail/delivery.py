"""Delivering queued mail: at least once, with the same Message-ID on each attempt, and only if still valid."""

import logging
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formatdate
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from home.text_input import address_as_sent
from intake.choices import MailPurpose, MailState
from intake.locks import lock_receiving
from intake.mail.models import (
    INTERNAL_ERROR,
    INTERRUPTED,
    SERVER_UNAVAILABLE_WAIT,
    WAITS,
    MailAttempt,
    OutgoingMail,
    abandoned,
    due,
)
from intake.mail.queue import do_nothing, fill_in_links, handling_of

logger = logging.getLogger(__name__)
# RFC 5321: "service not available, closing transmission channel".
_SERVICE_CLOSING = 421
_CLOSE_SECONDS = 5.0
_REPLIES = (MailPurpose.CONFIRMATION, MailPurpose.WAITING_CONFIRMATION)


class MailServerUnavailable(Exception):
    """The mail server can't be reached, or refuses every mail. `__cause__` is the original error.

    `was_used`: the connection had sent mails before. Servers close such connections after a while, so the mail is
    retried at once on a new one.
    """

    def __init__(self, *, was_used: bool) -> None:
        super().__init__("the mail server is unavailable")
        self.was_used = was_used


def attempt_seconds() -> float:
    """Return the longest duration of one attempt: EMAIL_TIMEOUT to connect, EMAIL_TIMEOUT to send, and closing."""
    return 2.0 * settings.EMAIL_TIMEOUT + _CLOSE_SECONDS


def smtp_code(error: BaseException | None) -> int | None:
    """Return the SMTP reply code of an error; None if there is none (smtplib sets -1 then)."""
    codes: list[int] = []
    if isinstance(error, smtplib.SMTPResponseException):
        codes = [error.smtp_code]
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _text in error.recipients.values()]
    return max((code for code in codes if code > 0), default=None)


class MailServer:
    """The server of EMAIL_BACKEND, as a context manager. Connects on first use, and again after a lost connection."""

    def __init__(self) -> None:
        self._backend: BaseEmailBackend | None = None
        self._was_used = False

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *_error: object) -> None:
        self._disconnect()

    def connect(self) -> BaseEmailBackend:
        """Open a connection unless there is one, and return it. Raises MailServerUnavailable."""
        backend = self._backend = self._backend or _new_backend()
        if isinstance(backend, EmailBackend) and backend.connection is not None:
            return backend
        try:
            with _limited(backend, settings.EMAIL_TIMEOUT):
                backend.open()
        except OSError as error:
            self._disconnect()
            raise MailServerUnavailable(was_used=False) from error
        return backend

    def send(self, message: EmailMessage) -> None:
        """Send a message. Raises MailServerUnavailable, or the original error if it concerns only this message."""
        backend = self.connect()
        try:
            with _limited(backend, settings.EMAIL_TIMEOUT):
                backend.send_messages([message])
        except Exception as error:
            was_used, is_away = self._was_used, _is_server_unavailable(error)
            if is_away or smtp_code(error) is None:
                # The state of the SMTP conversation is unknown.
                self._disconnect()
            if is_away:
                raise MailServerUnavailable(was_used=was_used) from error
            raise
        self._was_used = True

    def _disconnect(self) -> None:
        """Close the connection. An error here does not change the result of the mails sent before."""
        backend, self._backend, self._was_used = self._backend, None, False
        if backend is None:
            return
        try:
            with _limited(backend, _CLOSE_SECONDS):
                backend.close()
        except OSError as error:
            logger.warning("the connection to the mail server did not close properly: %s", type(error).__name__)


def _is_server_unavailable(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPSenderRefused):
        # The sender is the same in every mail: a server that refuses it, or requires a login, accepts none.
        return True
    code = smtp_code(error)
    if code is not None:
        return code == _SERVICE_CLOSING
    # A server without SMTPUTF8 support refuses only this address. All of smtplib's errors are OSErrors.
    return isinstance(error, OSError) and not isinstance(error, smtplib.SMTPNotSupportedError)


def _new_backend() -> BaseEmailBackend:
    backend: BaseEmailBackend = get_connection()
    return _LimitedBackend() if type(backend) is EmailBackend else backend


def _limited(backend: BaseEmailBackend, seconds: float) -> AbstractContextManager[None]:
    return backend.limited(seconds) if isinstance(backend, _LimitedBackend) else nullcontext()


class _LimitedBackend(EmailBackend):
    """Django's SMTP backend with a time limit for a whole conversation.

    A socket timeout limits each single wait only: a server that sends a byte now and then would never reach it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._socket: socket.socket | None = None
        self._timed_out = False

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        base = _SmtpOverTls if self.use_ssl else _Smtp
        return type(base.__name__, (base,), {"on_connected": self._remember_socket})

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Abort the connection if the block takes longer. Raises TimeoutError then."""
        timer = threading.Timer(seconds, self._abort)
        timer.daemon = True
        timer.start()
        try:
            yield
        except OSError as error:
            if self._timed_out:
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        super().close()
        if self._socket is not None:
            self._socket.close()

    def _remember_socket(self, connected: socket.socket) -> None:
        # A second handle to the same connection: TLS takes over the first.
        self._socket = connected.dup()
        if self._timed_out:
            raise TimeoutError

    def _abort(self) -> None:
        self._timed_out = True
        if self._socket is not None:
            try:
                # Wakes the thread that waits for the server.
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                logger.info("the mail server had disconnected before the time limit: %s", type(error).__name__)


class _Smtp(smtplib.SMTP):
    on_connected: Any

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to the first of the server's addresses that answers, within `timeout` in total."""
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
    """SMTP over TLS that connects by `_Smtp._get_socket`."""


def wait_after(failures: int) -> timedelta | None:
    """Return the wait after `failures` (1 or more) failures in a row; None to give up."""
    return WAITS[failures - 1] if failures <= len(WAITS) else None


def deliver_due(*, must_stop: Callable[[], bool] = lambda: False) -> int:
    """Try the due mails over one connection, until none is due or `must_stop()`. Returns how many were tried.

    While the server is unavailable, all of them are postponed.
    """
    tried = 0
    _requeue_abandoned(timezone.now())
    with MailServer() as server:
        while not must_stop() and deliver_next(now=timezone.now(), server=server):
            tried += 1
    return tried


def deliver_next(*, now: datetime, server: MailServer | None = None) -> bool:
    """Try to send the mail that has been due longest. Returns whether there was one.

    Several workers may call this at once: a worker claims a mail before it sends it. `server`: the connection to use,
    by a caller that has already requeued the abandoned mails.
    """
    if server is None:
        _requeue_abandoned(now)
        with MailServer() as own:
            return deliver_next(now=now, server=own)
    mail = _claim(now)
    if mail is None:
        return False
    try:
        server.connect()
        prepared = _prepare_message(mail, now)
        if prepared is not None:
            server.send(prepared.message)
            _record_success(mail, timezone.now(), texts=prepared.texts)
    except MailServerUnavailable as unavailable:
        if unavailable.was_used:
            _release(mail)
        else:
            cause = unavailable.__cause__
            _record_failure(
                mail, timezone.now(), error=type(cause).__name__, code=smtp_code(cause), server_unavailable=True
            )
            _postpone_due(timezone.now())
    except OSError as error:
        # The server refuses this mail: all of smtplib's errors are OSErrors.
        _record_failure(mail, timezone.now(), error=type(error).__name__, code=smtp_code(error))
    except Exception as error:
        # An internal error in one mail must not block the others; it is recorded, shown and retried.
        logger.error("mail %d could not be sent: %s", mail.pk, type(error).__name__)
        _record_failure(mail, timezone.now(), error=f"{INTERNAL_ERROR}: {type(error).__name__}")
    return True


def requeue(*, mail: OutgoingMail, now: datetime) -> bool:
    """Queue a failed or queued mail for an immediate attempt. Returns False if it was sent or is being sent."""
    changed = OutgoingMail.objects.filter(pk=mail.pk, state__in=[MailState.FAILED, MailState.QUEUED]).update(
        state=MailState.QUEUED, next_attempt_at=now, failures=0
    )
    return bool(changed)


def build_message(mail: OutgoingMail, *, now: datetime) -> EmailMultiAlternatives:
    """Return the message to send, marked as automatic (RFC 3834) so that no auto-responder answers it."""
    automatic = "auto-replied" if mail.purpose in _REPLIES else "auto-generated"
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        # Already encoded: Python's mail package knows IDNA 2003 only.
        to=[address_as_sent(mail.recipient)],
        reply_to=[address_as_sent(mail.reply_to)] if mail.reply_to else None,
        headers={
            "Message-ID": mail.message_id,
            "Date": formatdate(now.timestamp()),
            "Auto-Submitted": automatic,
            "X-Auto-Response-Suppress": "All",
        },
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """The message of one attempt, and its texts without secrets."""

    message: EmailMultiAlternatives
    texts: Mapping[str, str]


def _prepare_message(mail: OutgoingMail, now: datetime) -> _Prepared | None:
    """Return the message for this attempt; None if the mail was withdrawn, removed, or is no longer valid."""
    with transaction.atomic():
        lock_receiving()
        enquiries = OutgoingMail.enquiry.get_queryset(instance=mail).select_for_update(of=("self",))
        enquiry = enquiries.filter(mails=mail.pk).first()
        claimed = OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
        # No row: withdrawn, removed, or claimed by another worker because this one was too slow.
        ours = claimed.select_for_update().first()
        if ours is None:
            return None
        if enquiry is not None and enquiry.pk == ours.enquiry_id:
            ours.enquiry = enquiry
        handling = handling_of(ours)
        if not handling.is_still_valid(ours, now):
            handling.withdraw(ours, now)
            return None
        addresses = handling.addresses(ours)
        if (ours.recipient, ours.reply_to) != (addresses.recipient, addresses.reply_to):
            ours.recipient, ours.reply_to = addresses.recipient, addresses.reply_to
            ours.save(update_fields=["recipient", "reply_to"])
        ours.text, ours.html = handling.texts(ours, now)
        # Not saved before they are sent: the next attempt must know what was promised when the mail was queued.
        texts = {"text": ours.text, "html": ours.html}
        fill_in_links(ours, now)
    return _Prepared(message=build_message(ours, now=now), texts=texts)


def _claim(now: datetime) -> OutgoingMail | None:
    queued = OutgoingMail.objects.filter(due(now))
    # The texts are read right before the attempt.
    oldest = queued.order_by("next_attempt_at", "pk").defer("text", "html")
    while (mail := oldest.first()) is not None:
        if queued.filter(pk=mail.pk).update(state=MailState.SENDING, claimed_at=now):
            mail.state, mail.claimed_at = MailState.SENDING, now
            return mail
    return None


def _release(mail: OutgoingMail) -> None:
    """Return a claimed mail to the queue, due as before."""
    OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at).update(
        state=MailState.QUEUED
    )


def _postpone_due(now: datetime) -> None:
    OutgoingMail.objects.filter(due(now)).update(next_attempt_at=now + SERVER_UNAVAILABLE_WAIT)


def _requeue_abandoned(now: datetime) -> None:
    """Requeue mails whose worker died. They may have been sent already: delivery is at least once."""
    for mail in OutgoingMail.objects.filter(abandoned(now)):
        _record_failure(mail, now, error=INTERRUPTED, wait=timedelta())


def _record_success(mail: OutgoingMail, now: datetime, *, texts: Mapping[str, str]) -> None:
    with transaction.atomic():
        # No row: the mail was removed with its enquiry while it was being sent.
        ours = OutgoingMail.objects.filter(pk=mail.pk)
        if ours.update(state=MailState.SENT, sent_at=now, failures=0, **texts):
            MailAttempt.objects.create(mail=mail, attempted_at=now, succeeded=True)
            handling = handling_of(mail)
            if handling.delivered is not do_nothing:
                # Read again: the address may have been corrected since the mail was claimed.
                handling.delivered(OutgoingMail.objects.select_related("enquiry").get(pk=mail.pk), now)


def _record_failure(
    mail: OutgoingMail,
    now: datetime,
    *,
    error: str,
    code: int | None = None,
    server_unavailable: bool = False,
    wait: timedelta | None = None,
) -> None:
    """Record a failure and schedule the next attempt: after `wait` if given, else by WAITS."""
    until_next = wait_after(mail.failures + 1)
    if until_next is not None and wait is not None:
        until_next = wait
    with transaction.atomic():
        # No row: removed meanwhile, or claimed by another worker because this one was too slow.
        ours = OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
        still_there = ours.update(
            state=MailState.FAILED if until_next is None else MailState.QUEUED,
            failures=F("failures") + 1,
            next_attempt_at=None if until_next is None else now + until_next,
        )
        if still_there:
            MailAttempt.objects.create(
                mail=mail,
                attempted_at=now,
                succeeded=False,
                error=error[:100],
                smtp_code=code,
                server_unavailable=server_unavailable,
            )
