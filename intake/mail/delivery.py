"""Delivering queued mail: at least once, with the same Message-ID on each attempt, and only what is still true."""

import logging
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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

from home.email_address import address_as_sent
from intake.choices import MailPurpose, MailState
from intake.locks import lock_receiving
from intake.mail.links import fill_in_secrets
from intake.mail.models import INTERRUPTED, OWN_FAULT, MailAttempt, OutgoingMail, abandoned, due
from intake.mail.queue import handling_of

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


_REPLIES = (MailPurpose.CONFIRMATION, MailPurpose.WAITING_CONFIRMATION)
# After the first failure, the second, …: together a little under two days, then the supervisor is asked to act.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
# While the server is away, the mails that wait for it are put off by this much; that is no failure of theirs.
AWAY_WAIT = timedelta(minutes=1)


def wait_after(failures: int) -> timedelta | None:
    """Return how long to wait after so many failures (1 or more) in a row; None when it is time to give up."""
    return WAITS[failures - 1] if failures <= len(WAITS) else None


def deliver_due(*, must_stop: Callable[[], bool] = lambda: False) -> int:
    """Try the mails that are due, over one connection. Returns how many were tried.

    Ends when none is due, or `must_stop()` says so. While the server is away all are put off.
    """
    tried = 0
    with MailServer() as server:
        while not must_stop() and deliver_next(now=timezone.now(), server=server):
            tried += 1
    return tried


def deliver_next(*, now: datetime, server: MailServer | None = None) -> bool:
    """Try to hand over the mail that has been due longest. Returns whether there was one.

    Several workers may call this at once: each mail is claimed by one of them before it is sent.
    """
    if server is None:
        with MailServer() as own:
            return deliver_next(now=now, server=own)
    _free_abandoned(now)
    mail = _claim(now)
    if mail is None:
        return False
    try:
        server.connect()
        message = _ready(mail, now)
        if message is not None:
            server.send(message)
            _record_success(mail, timezone.now())
    except ServerAway as away:
        if away.was_used:
            _release(mail)
        else:
            cause = away.__cause__
            _record_failure(mail, timezone.now(), error=type(cause).__name__, code=smtp_code(cause), server_away=True)
            _put_off_due(timezone.now())
    except OSError as error:
        # The server's own word about this mail: all of smtplib's errors are OSErrors.
        _record_failure(mail, timezone.now(), error=type(error).__name__, code=smtp_code(error))
    except Exception as error:
        # A fault of ours in one mail must not hold up the others; it is recorded, shown and tried again.
        logger.error("mail %d could not be sent: %s", mail.pk, type(error).__name__)
        _record_failure(mail, timezone.now(), error=f"{OWN_FAULT}: {type(error).__name__}")
    return True


def send_again(*, mail: OutgoingMail, now: datetime) -> bool:
    """Queue a failed or waiting mail for an attempt at once. Returns False where it has gone out or is going out."""
    changed = OutgoingMail.objects.filter(pk=mail.pk, state__in=[MailState.FAILED, MailState.QUEUED]).update(
        state=MailState.QUEUED, next_attempt_at=now, failures=0
    )
    return bool(changed)


def build_message(mail: OutgoingMail, *, now: datetime) -> EmailMultiAlternatives:
    """Return the message as it goes out, marked as automatic (RFC 3834) so that no auto-responder answers it."""
    automatic = "auto-replied" if mail.purpose in _REPLIES else "auto-generated"
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        # As sent, so that Python's mail package, which knows IDNA 2003, has nothing to translate.
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


def _ready(mail: OutgoingMail, now: datetime) -> EmailMultiAlternatives | None:
    """Return the message for this attempt; None where it is not to go: taken back, removed, or no longer true."""
    with transaction.atomic():
        lock_receiving()
        list(OutgoingMail.enquiry.get_queryset(instance=mail).select_for_update(of=("self",)).filter(mails=mail.pk))
        claimed = OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
        # No row: withdrawn, removed, or claimed by another worker after this one slept.
        ours = claimed.select_for_update().first()
        if ours is None:
            return None
        handling = handling_of(ours)
        if not handling.is_true(ours, now):
            handling.withdraw(ours, now)
            return None
        addresses = handling.addresses(ours)
        ours.recipient, ours.reply_to = addresses.recipient, addresses.reply_to
        ours.save(update_fields=["recipient", "reply_to"])
        fill_in_secrets(ours, now)
    return build_message(ours, now=now)


def _claim(now: datetime) -> OutgoingMail | None:
    queued = OutgoingMail.objects.filter(due(now))
    for pk in queued.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:20]:
        if queued.filter(pk=pk).update(state=MailState.SENDING, claimed_at=now):
            # It may be removed, with its enquiry, as soon as it is claimed.
            mail = OutgoingMail.objects.filter(pk=pk).first()
            if mail is not None:
                return mail
    return None


def _release(mail: OutgoingMail) -> None:
    """Give a claimed mail back, as due as it was."""
    OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at).update(
        state=MailState.QUEUED
    )


def _put_off_due(now: datetime) -> None:
    OutgoingMail.objects.filter(due(now)).update(next_attempt_at=now + AWAY_WAIT)


def _free_abandoned(now: datetime) -> None:
    """Queue again what a worker claimed and then died with: it may have gone out, and goes once more."""
    for mail in OutgoingMail.objects.filter(abandoned(now)):
        _record_failure(mail, now, error=INTERRUPTED, wait=timedelta())


def _record_success(mail: OutgoingMail, now: datetime) -> None:
    with transaction.atomic():
        # No row: the enquiry, and with it its mail, was removed while the mail was on its way.
        if OutgoingMail.objects.filter(pk=mail.pk).update(state=MailState.SENT, sent_at=now, failures=0):
            MailAttempt.objects.create(mail=mail, attempted_at=now, succeeded=True)
            # As it went out: its address may have been corrected since it was queued.
            went_out = OutgoingMail.objects.select_related("enquiry").get(pk=mail.pk)
            handling_of(went_out).delivered(went_out, now)


def _record_failure(
    mail: OutgoingMail,
    now: datetime,
    *,
    error: str,
    code: int | None = None,
    server_away: bool = False,
    wait: timedelta | None = None,
) -> None:
    """Count a failure and set the time of the next attempt: `wait` from now, else by WAITS."""
    until_next = wait_after(mail.failures + 1)
    if until_next is not None and wait is not None:
        until_next = wait
    with transaction.atomic():
        # Not ours any more: removed meanwhile, or so late that another worker has claimed it.
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
                server_away=server_away,
            )
