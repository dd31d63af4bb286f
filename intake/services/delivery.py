"""Handing queued mails to the mail server, whatever the server, or this process, does."""

import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import formatdate

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from intake.choices import MailPurpose, MailState
from intake.mail_lateness import abandoned, due
from intake.mapping import private_link as mapping_address
from intake.models.outgoing_mail import INTERRUPTED, MailAttempt, OutgoingMail
from intake.services.last_look import hand_over
from intake.services.mapping import link_for_enquiry
from intake.services.return_mails import LIST_PURPOSES
from intake.services.waiting_links import link_for_place
from intake.waiting import private_link as waiting_address

logger = logging.getLogger(__name__)

# After the first failure, the second, …: together a little under two days, then the supervisor is asked to act.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))

# Better not at all than twice: whoever waits for months must not be told, asked or parted with twice. The others go at
# least once, with the same Message-ID: a letter's confirmation must not be lost.
AT_MOST_ONCE = LIST_PURPOSES


def wait_after(failures: int) -> timedelta | None:
    """Return how long to wait after so many failures (1 or more) in a row; None when it is time to give up."""
    return WAITS[failures - 1] if failures <= len(WAITS) else None


class Interrupted(Exception):
    """The mail server was given a mail and did not say what became of it."""


def deliver_next(*, now: datetime) -> bool:
    """Try to hand over the mail that has been due longest. Returns whether there was one.

    Several workers may call this at once: each mail is claimed by one of them before it is sent.
    """
    _free_abandoned(now)
    mail = _claim(now)
    if mail is None:
        return False
    try:
        gone = _send(mail, now)
    except Interrupted as error:
        logger.error("mail %d broke off: %s", mail.pk, type(error.__cause__).__name__)
        _record_interruption(mail, timezone.now())
    except (OSError, smtplib.SMTPException) as error:
        _record_failure(mail, error, timezone.now())
    except Exception as error:
        # A fault of ours in one mail must not hold up the others; it is recorded, shown and tried again.
        logger.error("mail %d could not be sent: %s", mail.pk, type(error).__name__)
        _record_failure(mail, error, timezone.now())
    else:
        if gone:
            _record_success(mail, timezone.now())
    return True


def send_again(*, mail: OutgoingMail, now: datetime) -> bool:
    """Queue a failed or waiting mail for an attempt at once. Returns False where it has gone out or is going out."""
    changed = OutgoingMail.objects.filter(pk=mail.pk, state__in=[MailState.FAILED, MailState.QUEUED]).update(
        state=MailState.QUEUED, next_attempt_at=now, failures=0, handed_at=None
    )
    return bool(changed)


def build_message(mail: OutgoingMail) -> EmailMultiAlternatives:
    """Return the message as it goes out, marked as automatic (RFC 3834) so that no auto-responder answers it."""
    automatic = "auto-replied" if mail.purpose == MailPurpose.CONFIRMATION else "auto-generated"
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[mail.recipient],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={
            "Message-ID": mail.message_id,
            "Date": formatdate(mail.created_at.timestamp()),
            "Auto-Submitted": automatic,
            "X-Auto-Response-Suppress": "All",
        },
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _send(mail: OutgoingMail, now: datetime) -> bool:
    """Send a mail; False where it was not to go any more. Raises whatever stopped it."""
    if mail.purpose in AT_MOST_ONCE:
        return _send_at_most_once(mail, now)
    _fill_private_link(mail, now)
    build_message(mail).send()
    return True


def _send_at_most_once(mail: OutgoingMail, now: datetime) -> bool:
    """Send a mail that is not sent again by itself once the server may have it. Raises Interrupted from then on.

    Whatever can go wrong before goes wrong first: writing it out, and finding the server.
    """
    build_message(mail).message().as_bytes()
    connection = get_connection()
    connection.open()
    try:
        with transaction.atomic():
            if not hand_over(mail=mail, now=now):
                return False
            _fill_private_link(mail, now)
        try:
            connection.send_messages([build_message(mail)])
        except Exception as error:
            if _smtp_code(error) is None:
                raise Interrupted from error
            # The server's own word that it has not taken the mail.
            raise
    finally:
        _close(connection)
    return True


def _close(connection: BaseEmailBackend) -> None:
    """Say goodbye. What the server thinks of that changes nothing in what became of the mail."""
    try:
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("the mail server did not take leave: %s", type(error).__name__)


def _fill_private_link(mail: OutgoingMail, now: datetime) -> None:
    """Put new secrets into the copy that goes out; the stored mail keeps its placeholders."""
    if mail.enquiry is None:
        return
    if mapping_address.PLACEHOLDER in mail.text:
        _replace(mail, mapping_address.PLACEHOLDER, link_for_enquiry(enquiry=mail.enquiry, now=now))
    if waiting_address.PLACEHOLDER in mail.text:
        _replace(mail, waiting_address.PLACEHOLDER, link_for_place(enquiry=mail.enquiry, now=now))


def _replace(mail: OutgoingMail, placeholder: str, secret: str) -> None:
    mail.text, mail.html = (part.replace(placeholder, secret) for part in (mail.text, mail.html))


def _claim(now: datetime) -> OutgoingMail | None:
    queued = OutgoingMail.objects.filter(due(now))
    for pk in queued.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:20]:
        if queued.filter(pk=pk).update(state=MailState.SENDING, claimed_at=now):
            return OutgoingMail.objects.get(pk=pk)
    return None


def _free_abandoned(now: datetime) -> None:
    """Queue again what a worker claimed and then died with; what the server may have is the supervisor's to decide."""
    left = OutgoingMail.objects.filter(abandoned(now))
    for mail in left:
        if mail.handed_at is not None:
            _record_interruption(mail, now)
            continue
        with transaction.atomic():
            same = left.filter(pk=mail.pk, handed_at=None)
            if same.update(state=MailState.QUEUED, next_attempt_at=now):
                MailAttempt.objects.create(mail=mail, attempted_at=now, succeeded=False, error=INTERRUPTED)


def _record_interruption(mail: OutgoingMail, now: datetime) -> None:
    with transaction.atomic():
        ours = OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
        if ours.update(state=MailState.FAILED, next_attempt_at=None, failures=F("failures") + 1):
            MailAttempt.objects.create(mail=mail, attempted_at=now, succeeded=False, error=INTERRUPTED)


def _record_success(mail: OutgoingMail, now: datetime) -> None:
    with transaction.atomic():
        # No row: the enquiry, and with it its mail, was removed while the mail was on its way.
        if OutgoingMail.objects.filter(pk=mail.pk).update(state=MailState.SENT, sent_at=now, failures=0):
            MailAttempt.objects.create(mail=mail, attempted_at=now, succeeded=True)


def _record_failure(mail: OutgoingMail, error: Exception, now: datetime) -> None:
    failures = mail.failures + 1
    wait = wait_after(failures)
    with transaction.atomic():
        # Not ours any more: removed meanwhile, or so late that another worker has claimed it.
        ours = OutgoingMail.objects.filter(pk=mail.pk, state=MailState.SENDING, claimed_at=mail.claimed_at)
        still_there = ours.update(
            state=MailState.QUEUED if wait else MailState.FAILED,
            failures=failures,
            next_attempt_at=now + wait if wait else None,
            handed_at=None,
        )
        if still_there:
            MailAttempt.objects.create(
                mail=mail,
                attempted_at=now,
                succeeded=False,
                error=type(error).__name__[:100],
                smtp_code=_smtp_code(error),
            )


def _smtp_code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code if error.smtp_code > 0 else None
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _text in error.recipients.values()), default=None)
    return None
