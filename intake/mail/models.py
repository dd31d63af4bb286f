"""Queued mail and its attempts, and when a mail is due, late or abandoned."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.choices import MailPurpose, MailState
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future

# A claim older than this is abandoned: no attempt may take so long (intake.mail.delivery.attempt_seconds).
CLAIM_LIFETIME = timedelta(minutes=10)
# A running worker tries a mail long before this.
LATE_AFTER = timedelta(minutes=15)
# Waits after the first failure, the second, …: just under two days in total, then the supervisor has to act.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
# While the server is unavailable, due mails are postponed by this. A postponement does not count as a failure.
SERVER_UNAVAILABLE_WAIT = timedelta(minutes=1)
# Purposes of mails that may be queued for a later time (NewMail.goes_at), at most until the end of tomorrow.
# LONGEST_HOLD allows for a day of 25 hours.
HELD = (MailPurpose.WAITING_ANSWER,)
LONGEST_HOLD = timedelta(days=2, hours=1) + CLOCK_TOLERANCE
# The error of an attempt whose result is unknown because the worker died.
INTERRUPTED = "interrupted"
# The prefix of an error of the site itself, not of the mail server.
INTERNAL_ERROR = "internal error"


def is_late(
    *, state: str, failures: int, next_attempt_at: datetime | None, claimed_at: datetime | None, now: datetime
) -> bool:
    """Whether a mail has failed and was not sent since, or has waited for a worker for longer than LATE_AFTER.

    A mail that is scheduled for later (`next_attempt_at` in the future) is not late.
    """
    if state not in (MailState.QUEUED, MailState.SENDING):
        return state == MailState.FAILED
    if failures > 0:
        return True
    if state == MailState.SENDING:
        return claimed_at is None or is_from_future(claimed_at, now) or now - claimed_at > LATE_AFTER
    if next_attempt_at is None or next_attempt_at > now + LONGEST_HOLD:
        return True
    return now - next_attempt_at > LATE_AFTER


def late(now: datetime) -> Q:
    """Return is_late() as a query condition."""
    failed = Q(state=MailState.FAILED) | Q(failures__gt=0) | untouched(now)
    # The states come first: by the index they exclude the sent mails, which are nearly all.
    return Q(state__in=(MailState.QUEUED, MailState.SENDING, MailState.FAILED)) & failed


def untouched(now: datetime) -> Q:
    """Return the condition that a mail is late although it was never tried: no worker handles it."""
    never = Q(failures=0)
    queued = Q(state=MailState.QUEUED) & (
        Q(next_attempt_at=None) | Q(next_attempt_at__gt=now + LONGEST_HOLD) | Q(next_attempt_at__lt=now - LATE_AFTER)
    )
    sending = Q(state=MailState.SENDING) & (
        Q(claimed_at=None) | Q(claimed_at__gt=now + CLOCK_TOLERANCE) | Q(claimed_at__lt=now - LATE_AFTER)
    )
    return Q(state__in=(MailState.QUEUED, MailState.SENDING)) & never & (queued | sending)


def due(now: datetime) -> Q:
    """Return the condition that a queued mail may be sent now.

    A mail that was queued or postponed while the clock was ahead is due too: its next attempt is later than any rule
    would set it.
    """
    untried = Q(failures=0)
    waits = [(Q(failures=number), wait + CLOCK_TOLERANCE) for number, wait in enumerate(WAITS, 1)]
    waits.append((untried & Q(purpose__in=HELD), LONGEST_HOLD))
    waits.append((untried & ~Q(purpose__in=HELD), SERVER_UNAVAILABLE_WAIT + CLOCK_TOLERANCE))
    ahead = Q(created_at__gt=now + CLOCK_TOLERANCE)
    for which, longest in waits:
        ahead |= which & Q(next_attempt_at__gt=now + longest)
    return Q(state=MailState.QUEUED) & (Q(next_attempt_at__lte=now) | ahead)


def abandoned(now: datetime) -> Q:
    """Return the condition that the worker which claimed a mail is gone."""
    return Q(state=MailState.SENDING) & (
        Q(claimed_at__lte=now - CLAIM_LIFETIME) | Q(claimed_at__gt=now + CLOCK_TOLERANCE)
    )


class OutgoingMail(models.Model):
    """One mail, rendered when it was queued. `enquiry` is None for mails about no enquiry, such as about an account."""

    enquiry = models.ForeignKey("intake.Enquiry", on_delete=models.CASCADE, related_name="mails", null=True, blank=True)
    purpose = models.CharField(_("purpose"), max_length=20, choices=MailPurpose)
    # Unique among the mails of one enquiry and purpose; "" where there can be only one.
    deduplication_key = models.CharField(max_length=40, blank=True)
    recipient = models.EmailField(max_length=254)
    reply_to = models.EmailField(max_length=254, blank=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    # The same in every attempt, so that a mail program can recognise a duplicate.
    message_id = models.CharField(max_length=200, unique=True)

    state = models.CharField(_("state"), max_length=10, choices=MailState, default=MailState.QUEUED)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    # Failures since it was last queued; they determine the next wait.
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        indexes = [
            # With all columns that late() uses, so that the rows with their long texts need not be read.
            models.Index(fields=["state", "next_attempt_at", "failures", "claimed_at", "enquiry"], name="mail_due")
        ]
        constraints = [
            # The purpose comes first, because mails are also looked up by it.
            models.UniqueConstraint(fields=["purpose", "deduplication_key", "enquiry"], name="mail_once_per_key"),
            models.UniqueConstraint(
                fields=["purpose", "deduplication_key"],
                condition=models.Q(enquiry__isnull=True),
                name="mail_without_enquiry_once_per_key",
            ),
            models.CheckConstraint(condition=models.Q(state__in=MailState.values), name="mail_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.enquiry_id}"

    @property
    def is_late(self) -> bool:
        return is_late(
            state=self.state,
            failures=self.failures,
            next_attempt_at=self.next_attempt_at,
            claimed_at=self.claimed_at,
            now=timezone.now(),
        )


class MailAttempt(models.Model):
    """One delivery attempt. The server's reply is not stored: servers repeat addresses in it."""

    mail = models.ForeignKey(OutgoingMail, on_delete=models.CASCADE, related_name="attempts")
    attempted_at = models.DateTimeField()
    succeeded = models.BooleanField()
    error = models.CharField(max_length=100, blank=True)
    smtp_code = models.PositiveIntegerField(null=True, blank=True)
    # Whether any mail would have failed: no connection, no login, a refused sender (intake.mail.delivery).
    server_unavailable = models.BooleanField(default=False)

    class Meta:
        ordering = ["attempted_at", "pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["attempted_at"], name="attempt_time")]

    def __str__(self) -> str:
        return f"{self.mail_id}: {'ok' if self.succeeded else self.error}"

    @property
    def explanation(self) -> str:
        """The result of the attempt, in words for the supervisor."""
        if self.succeeded:
            return str(_("The mail server took the mail."))
        if self.error == INTERRUPTED:
            return str(_("The sending broke off, so the mail is sent again. It may arrive twice."))
        if self.error.startswith(INTERNAL_ERROR):
            return str(_("The site could not send the mail (%(error)s).") % {"error": self.error})
        if self.smtp_code:
            return str(_("The mail server refused the mail (code %(code)d).") % {"code": self.smtp_code})
        return str(_("No connection to the mail server (%(error)s).") % {"error": self.error})


class AutomaticReplyTrace(models.Model):
    """One automatic mail sent to one mailbox, for the daily limit; removed after a day."""

    recipient_key = models.CharField(max_length=64, db_index=True)
    purpose = models.CharField(max_length=20, choices=MailPurpose, default=MailPurpose.CONFIRMATION)
    replied_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
