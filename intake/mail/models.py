"""Queued mail and its attempts, and when a mail is due, late or abandoned."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.choices import MailPurpose, MailState
from intake.jobs.schedule import CLOCK_TOLERANCE, is_from_future

# Far past any attempt's own limit (intake.mail.delivery.attempt_seconds): whoever claimed the mail is gone.
CLAIM_LIFETIME = timedelta(minutes=10)
# A worker that lives has touched a mail long before.
LATE_AFTER = timedelta(minutes=15)
# No rule puts a mail off for longer: what stands further ahead was written by a clock that was ahead.
LONGEST_HOLD = timedelta(days=1) + CLOCK_TOLERANCE


def is_late(
    *, state: str, failures: int, next_attempt_at: datetime | None, claimed_at: datetime | None, now: datetime
) -> bool:
    """Whether a mail has failed and not gone out since, or waits for a worker for longer than one needs.

    What is held on purpose (`next_attempt_at` ahead of the clock) is not late.
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
    """Return the condition that a mail is late (is_late)."""
    waiting = Q(state__in=(MailState.QUEUED, MailState.SENDING))
    return Q(state=MailState.FAILED) | (waiting & Q(failures__gt=0)) | untouched(now)


def untouched(now: datetime) -> Q:
    """Return the condition that a mail is late because no worker looks after it, whatever the mail server thinks."""
    never = Q(failures=0)
    queued = Q(state=MailState.QUEUED) & (
        Q(next_attempt_at=None) | Q(next_attempt_at__gt=now + LONGEST_HOLD) | Q(next_attempt_at__lt=now - LATE_AFTER)
    )
    sending = Q(state=MailState.SENDING) & (
        Q(claimed_at=None) | Q(claimed_at__gt=now + CLOCK_TOLERANCE) | Q(claimed_at__lt=now - LATE_AFTER)
    )
    return never & (queued | sending)


def due(now: datetime) -> Q:
    """Return the condition that a queued mail may go now."""
    ahead = Q(next_attempt_at__gt=now + LONGEST_HOLD)
    return Q(state=MailState.QUEUED) & (Q(next_attempt_at__lte=now) | ahead)


def abandoned(now: datetime) -> Q:
    """Return the condition that whoever claimed a mail is gone."""
    return Q(state=MailState.SENDING) & (
        Q(claimed_at__lte=now - CLAIM_LIFETIME) | Q(claimed_at__gt=now + CLOCK_TOLERANCE)
    )


# The error of an attempt whose end nobody knows: the worker died.
INTERRUPTED = "interrupted"
# The beginning of an error that is the site's own, not the mail server's.
OWN_FAULT = "fault"


class OutgoingMail(models.Model):
    """One mail, written out in full when it was queued: about one enquiry, or to the supervisor about the pause."""

    enquiry = models.ForeignKey("intake.Enquiry", on_delete=models.CASCADE, related_name="mails", null=True, blank=True)
    purpose = models.CharField(_("purpose"), max_length=20, choices=MailPurpose)
    # Tells mails of one purpose apart where there may be several, "" where there is one.
    deduplication_key = models.CharField(max_length=40, blank=True)
    recipient = models.EmailField(max_length=254)
    reply_to = models.EmailField(max_length=254, blank=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    # The same in every attempt, so that a mail program can tell a repeat.
    message_id = models.CharField(max_length=200, unique=True)

    state = models.CharField(_("state"), max_length=10, choices=MailState, default=MailState.QUEUED)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    # Failures since it was last queued: they decide the next wait.
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="mail_due")]
        constraints = [
            models.UniqueConstraint(fields=["enquiry", "purpose", "deduplication_key"], name="mail_once_per_key"),
            models.UniqueConstraint(
                fields=["purpose", "deduplication_key"],
                condition=models.Q(enquiry__isnull=True),
                name="mail_of_no_enquiry_once_per_key",
            ),
            models.CheckConstraint(condition=models.Q(state__in=MailState.values), name="mail_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.enquiry_id}"

    @property
    def is_late(self) -> bool:
        """Whether it is late by now (intake.mail.models)."""
        return is_late(
            state=self.state,
            failures=self.failures,
            next_attempt_at=self.next_attempt_at,
            claimed_at=self.claimed_at,
            now=timezone.now(),
        )


class MailAttempt(models.Model):
    """One attempt to hand a mail over. Holds no server text: servers repeat addresses in it."""

    mail = models.ForeignKey(OutgoingMail, on_delete=models.CASCADE, related_name="attempts")
    attempted_at = models.DateTimeField()
    succeeded = models.BooleanField()
    error = models.CharField(max_length=100, blank=True)
    smtp_code = models.PositiveIntegerField(null=True, blank=True)
    # Whether it failed for whatever mail: no connection, no login, a refused sender (intake.mail.delivery).
    server_away = models.BooleanField(default=False)

    class Meta:
        ordering = ["attempted_at", "pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.mail_id}: {'ok' if self.succeeded else self.error}"

    @property
    def explanation(self) -> str:
        """What happened, in words for the supervisor."""
        if self.succeeded:
            return str(_("The mail server took the mail."))
        if self.error == INTERRUPTED:
            return str(_("The sending broke off, so the mail is sent again. It may arrive twice."))
        if self.error.startswith(OWN_FAULT):
            return str(_("The site could not send the mail (%(error)s).") % {"error": self.error})
        if self.smtp_code:
            return str(_("The mail server refused the mail (code %(code)d).") % {"code": self.smtp_code})
        return str(_("No connection to the mail server (%(error)s).") % {"error": self.error})


class AutomaticReplyTrace(models.Model):
    """One automatic mail to one mailbox; removed after a day."""

    recipient_key = models.CharField(max_length=64, db_index=True)
    purpose = models.CharField(max_length=20, choices=MailPurpose, default=MailPurpose.CONFIRMATION)
    replied_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
