"""Handing queued mails to the mail server, whatever the server, or this process, does."""

import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import formatdate

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone

from intake.choices import MailPurpose, MailState
from intake.mapping.private_link import PLACEHOLDER
from intake.models.outgoing_mail import MailAttempt, OutgoingMail
from intake.services.mapping import link_for_enquiry

logger = logging.getLogger(__name__)

# After the first failure, the second, …: together a little under two days, then the supervisor is asked to act.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))

# Far past any attempt's own time limit (EMAIL_TIMEOUT): whoever claimed the mail is gone.
CLAIM_LIFETIME = timedelta(minutes=10)


def wait_after(failures: int) -> timedelta | None:
    """Return how long to wait after so many failures (1 or more) in a row; None when it is time to give up."""
    return WAITS[failures - 1] if failures <= len(WAITS) else None


def deliver_next(*, now: datetime) -> bool:
    """Try to hand over the mail that has been due longest. Returns whether there was one.

    Several workers may call this at once: each mail is claimed by one of them before it is sent.
    """
    _free_abandoned(now)
    mail = _claim(now)
    if mail is None:
        return False
    try:
        _fill_private_link(mail, now)
        build_message(mail).send()
    except (OSError, smtplib.SMTPException) as error:
        _record_failure(mail, error, timezone.now())
    except Exception as error:
        # A fault of ours in one mail must not hold up the others; it is recorded, shown and tried again.
        logger.error("mail %d could not be sent: %s", mail.pk, type(error).__name__)
        _record_failure(mail, error, timezone.now())
    else:
        _record_success(mail, timezone.now())
    return True


def send_again(*, mail: OutgoingMail, now: datetime) -> bool:
    """Queue a failed or waiting mail for an attempt at once. Returns False where it has gone out or is going out."""
    changed = OutgoingMail.objects.filter(pk=mail.pk, state__in=[MailState.FAILED, MailState.QUEUED]).update(
        state=MailState.QUEUED, next_attempt_at=now, failures=0
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


def _fill_private_link(mail: OutgoingMail, now: datetime) -> None:
    """Put a new secret into the copy that goes out; the stored mail keeps its placeholder."""
    if PLACEHOLDER in mail.text:
        secret = link_for_enquiry(enquiry=mail.enquiry, now=now)
        mail.text, mail.html = (part.replace(PLACEHOLDER, secret) for part in (mail.text, mail.html))


def _claim(now: datetime) -> OutgoingMail | None:
    due = OutgoingMail.objects.filter(state=MailState.QUEUED, next_attempt_at__lte=now)
    for pk in due.order_by("next_attempt_at", "pk").values_list("pk", flat=True)[:20]:
        if due.filter(pk=pk).update(state=MailState.SENDING, claimed_at=now):
            return OutgoingMail.objects.get(pk=pk)
    return None


def _free_abandoned(now: datetime) -> None:
    """Queue again what a worker claimed and then died with."""
    abandoned = OutgoingMail.objects.filter(state=MailState.SENDING, claimed_at__lte=now - CLAIM_LIFETIME)
    for mail in abandoned:
        with transaction.atomic():
            if abandoned.filter(pk=mail.pk).update(state=MailState.QUEUED, next_attempt_at=now):
                MailAttempt.objects.create(mail=mail, attempted_at=now, succeeded=False, error="interrupted")


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
