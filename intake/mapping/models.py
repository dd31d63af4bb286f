"""A visitor's answers, with the questions as they were asked."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.enquiry.models import Enquiry
from intake.mapping.answers import Progress, counted_answers, progress
from intake.mapping.questions import QuestionSet, question_set_from_json

FACT_NAMES = ("supervision_form", "delivery_modes")


class InitialMapping(models.Model):
    """One mapping, under way or sent. Only the services write here.

    Begun by itself it has no enquiry until it is sent; begun after a message it hangs from that enquiry from the
    start. A message can have two under way: the address in it may be mistyped, so what is answered by the thank-you
    page's link and what is answered by the mail's are kept apart. The one begun first is the enquiry's, the other one
    is `beside` it. `str()` shows nothing that a person typed.
    """

    enquiry = models.OneToOneField(Enquiry, on_delete=models.CASCADE, null=True, blank=True, related_name="mapping")
    beside = models.OneToOneField(
        Enquiry, on_delete=models.CASCADE, null=True, blank=True, related_name="other_mapping", editable=False
    )
    # Whether the first answers were given by a link that came by mail; None before that, and without an enquiry.
    begun_by_mail = models.BooleanField(null=True, editable=False)
    # Becomes the enquiry's own when the mapping is sent.
    submission_id = models.UUIDField(editable=False)
    created_at = models.DateTimeField()
    # When the first answers were stored: before that there is nothing of the visitor's here.
    started_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    # The contact facts, for a mapping that has no enquiry yet: names of intake.submission.ContactFacts -> values.
    facts = models.JSONField(default=dict, blank=True)
    # intake.mapping.questions.QuestionSet.as_json() as it was when the first answers were stored.
    question_set = models.JSONField(default=dict, blank=True)
    # intake.mapping.answers.Answers.
    answers = models.JSONField(default=dict, blank=True)
    shown_texts = models.JSONField(default=dict, blank=True)
    # {"hidden_field": bool, "source_known": bool}: what the spam rules saw when it was begun.
    signs = models.JSONField(default=dict, blank=True)
    preparation_notes = models.TextField(_("preparation notes"), blank=True)

    class Meta:
        verbose_name = _("initial mapping")
        verbose_name_plural = _("initial mappings")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(enquiry__isnull=False), name="mapping_sent_with_enquiry"
            ),
            models.CheckConstraint(
                condition=Q(enquiry__isnull=True) | Q(beside__isnull=True), name="mapping_of_an_enquiry_or_beside_it"
            ),
        ]

    def __str__(self) -> str:
        return f"Alkukartoitus {self.pk}"

    @property
    def is_sent(self) -> bool:
        return self.sent_at is not None

    @property
    def questions(self) -> QuestionSet:
        return question_set_from_json(self.question_set)

    @property
    def message(self) -> Enquiry | None:
        """The enquiry whose contact facts this mapping goes by; None where it has its own."""
        return self.enquiry or self.beside

    @property
    def condition_facts(self) -> dict[str, object]:
        """The facts that questions may depend on."""
        if self.facts:
            return {name: self.facts.get(name) for name in FACT_NAMES}
        if self.message is None:
            return {}
        return {name: getattr(self.message, name) for name in FACT_NAMES}

    @property
    def progress(self) -> Progress:
        return progress(self.questions, self.condition_facts, self.answers)

    @property
    def counted_answers(self) -> dict[str, object]:
        return counted_answers(self.questions, self.condition_facts, self.answers)


class MappingLink(models.Model):
    """A private way to one mapping: only the digest of its secret is kept. `by_mail`: whoever reads the mail has it."""

    by_mail = models.BooleanField(default=False)
    mapping = models.ForeignKey(InitialMapping, on_delete=models.CASCADE, related_name="links")
    secret_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class UnfinishedMapping(models.Model):
    """How many mappings that were begun and never sent were removed on one day."""

    removed_on = models.DateField(unique=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.removed_on}: {self.count}"
