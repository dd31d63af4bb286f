"""Mail that waits in the database until a mail server has taken it, and each attempt to hand it over."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.choices import MailPurpose, MailState
from intake.mail_lateness import is_late
from intake.models.enquiry import Enquiry

# The error of an attempt whose end nobody knows: the worker died.
INTERRUPTED = "interrupted"
# The beginning of an error that is the site's own, not the mail server's.
OWN_FAULT = "fault"


class OutgoingMail(models.Model):
    """One mail, written out in full when it was queued: about one enquiry, or to the supervisor about the pause."""

    enquiry = models.ForeignKey(Enquiry, on_delete=models.CASCADE, related_name="mails", null=True, blank=True)
    purpose = models.CharField(_("purpose"), max_length=20, choices=MailPurpose)
    # Tells mails of one purpose apart where there may be several, "" where there is one.
    occasion = models.CharField(max_length=40, blank=True)
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
            models.UniqueConstraint(fields=["enquiry", "purpose", "occasion"], name="mail_once_per_occasion"),
            models.UniqueConstraint(
                fields=["purpose", "occasion"],
                condition=models.Q(enquiry__isnull=True),
                name="mail_of_no_enquiry_once_per_occasion",
            ),
            models.CheckConstraint(condition=models.Q(state__in=MailState.values), name="mail_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.enquiry_id}"

    @property
    def is_late(self) -> bool:
        """Whether it is late by now (intake.mail_lateness)."""
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
    # Whether it failed for whatever mail: no connection, no login, a refused sender (intake.services.mail_server).
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
