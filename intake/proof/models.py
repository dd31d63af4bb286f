"""The runs of the proof, and how they ended."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ProofResult(models.TextChoices):
    """How a proof ended; of a failure the first thing that was wrong, in words for the supervisor."""

    RUNNING = "running", _("It is not over yet.")
    PASSED = "passed", _("The form works.")
    NO_PAGE = "no_page", _("The site has no published contact page.")
    NO_ANSWER = "no_answer", _("The site did not answer.")
    NO_FORM = "no_form", _("The contact page did not open with its form.")
    REFUSED = "refused", _("The site did not take the letter.")
    NO_THANKS = "no_thanks", _("The thank-you page did not open.")
    NOT_STORED = "not_stored", _("The letter was not stored as it was sent.")
    SUSPECTED = "suspected", _("The letter was taken for spam.")
    NO_MAIL = "no_mail", _("No mail about the letter was made.")
    MAIL_WAITS = "mail_waits", _("The mail about the letter did not go out.")
    INTERRUPTED = "interrupted", _("The test broke off.")


class FormProof(models.Model):
    """One run. Its test letter is removed when it ends."""

    started_at = models.DateTimeField()
    # The id of the form's token, so that the letter is found however the run ended.
    submission_id = models.UUIDField(null=True, blank=True)
    # When all up to the thank-you page had been right; from then on only the mail is waited for.
    posted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=20, choices=ProofResult, default=ProofResult.RUNNING)

    class Meta:
        ordering = ["-started_at", "-pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["result"], condition=models.Q(result=ProofResult.RUNNING), name="one_proof_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at}: {self.result}"

    @property
    def has_passed(self) -> bool:
        return self.result == ProofResult.PASSED
