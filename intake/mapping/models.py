"""A visitor's answers, with a copy of the questions."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from hashlib import sha256

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.enquiry.models import Enquiry
from intake.mail.queue import StoredLink
from intake.mapping.answers import Progress, answer_text, counted_answers, progress
from intake.mapping.questions import QuestionSet, question_set_from_json
from intake.submission import ContactFacts, SpamSigns

# How long an unsent mapping is kept after the day on which it began. It expires at the end of its last day in Finland.
LIFETIME = timedelta(days=30)
FACT_NAMES = ("supervision_form", "delivery_modes")


def expiry(begun_at: datetime) -> datetime:
    """Return when a mapping that begins at this moment expires: at the end of its last day."""
    after_last = timezone.localdate(begun_at) + LIFETIME + timedelta(days=1)
    return timezone.make_aware(datetime.combine(after_last, time.min))


def last_day(expires_at: datetime) -> date:
    """Return the last day on which a mapping is kept and its links work. Pages and mails name this day."""
    return timezone.localdate(expires_at - timedelta.resolution)


def condition_facts_of(facts: Mapping[str, object] | ContactFacts | Enquiry) -> dict[str, object]:
    """Return the contact facts that questions may depend on."""
    if isinstance(facts, Mapping):
        return {name: facts.get(name) for name in FACT_NAMES}
    return {name: getattr(facts, name) for name in FACT_NAMES}


class InitialMapping(models.Model):
    """One mapping, in progress or sent. Only the services write here.

    A mapping started on the mapping page has no enquiry until it is sent. One started after a message belongs to that
    enquiry from the start. A message can have two mappings in progress: its e-mail address may be mistyped, so answers
    given by the link on the thank-you page and by the link in the mail are kept apart. The first one has `enquiry`, the
    other one `parallel_to`. `str()` shows nothing that a person typed.
    """

    enquiry = models.OneToOneField(Enquiry, on_delete=models.CASCADE, null=True, blank=True, related_name="mapping")
    parallel_to = models.OneToOneField(
        Enquiry, on_delete=models.CASCADE, null=True, blank=True, related_name="other_mapping", editable=False
    )
    # Whether the first answers were given by a link in a mail; None before that, and without an enquiry.
    begun_by_mail = models.BooleanField(null=True, editable=False)
    # Becomes the submission id of the enquiry when the mapping is sent.
    submission_id = models.UUIDField(editable=False)
    created_at = models.DateTimeField()
    # When the first answers were stored; before that the row holds no data of the visitor.
    started_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    # The contact facts of a mapping without an enquiry: names of intake.submission.ContactFacts -> values.
    facts = models.JSONField(default=dict, blank=True)
    # Digests (intake.mapping.answers) of the facts that the start form posted last (intake.mapping.services).
    first_facts = models.JSONField(default=dict, blank=True, editable=False)
    # QuestionSet.as_json() (intake.mapping.questions) when the first answers were stored.
    question_set = models.JSONField(default=dict, blank=True)
    # intake.mapping.answers.Answers.
    answers = models.JSONField(default=dict, blank=True)
    # The notices that the check page showed when the mapping was sent.
    shown_texts = models.JSONField(default=dict, blank=True)
    # {"hidden_field": bool, "source_known": bool}: the spam signs of the first step.
    signs = models.JSONField(default=dict, blank=True)
    # The mailbox (intake.mailbox) to which the mail with the private link was queued last, when, and how often in
    # total: for the page that shows the state of this mail, and for its limits. The first two are empty if the mail
    # was withdrawn.
    link_mailed_key = models.CharField(max_length=64, blank=True, editable=False)
    link_mailed_at = models.DateTimeField(null=True, blank=True, editable=False)
    link_mails = models.PositiveSmallIntegerField(default=0, editable=False)
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
                condition=Q(enquiry__isnull=True) | Q(parallel_to__isnull=True), name="mapping_enquiry_or_parallel_to"
            ),
        ]

    def __str__(self) -> str:
        return f"Alkukartoitus {self.pk}"

    @property
    def is_sent(self) -> bool:
        return self.sent_at is not None

    @property
    def last_day(self) -> date:
        return last_day(self.expires_at)

    def last_day_once_stored(self, now: datetime) -> date:
        """Return the last day after a step has been stored now. Storing the first step starts the mapping."""
        return self.last_day if self.started_at else last_day(expiry(now))

    @property
    def questions(self) -> QuestionSet:
        return question_set_from_json(self.question_set)

    @property
    def source_enquiry(self) -> Enquiry | None:
        """The enquiry whose contact facts this mapping uses; None if it has its own."""
        return self.enquiry or self.parallel_to

    @property
    def contact_facts(self) -> ContactFacts:
        """The contact facts of a mapping without an enquiry."""
        return ContactFacts(**{**self.facts, "delivery_modes": tuple(self.facts["delivery_modes"])})

    def signs_at(self, now: datetime) -> SpamSigns:
        """Return the spam signs of the first step, with the time since it was stored as the time of filling in."""
        return SpamSigns(
            hidden_field="x" if self.signs.get("hidden_field") else "",
            seconds_open=(now - self.created_at).total_seconds(),
            source_known=bool(self.signs.get("source_known", True)),
        )

    @property
    def condition_facts(self) -> dict[str, object]:
        """The facts that questions may depend on."""
        if self.facts:
            return condition_facts_of(self.facts)
        return condition_facts_of(self.source_enquiry) if self.source_enquiry else {}

    @property
    def progress(self) -> Progress:
        return progress(self.questions, self.condition_facts, self.answers)

    @property
    def counted_answers(self) -> dict[str, object]:
        return counted_answers(self.questions, self.condition_facts, self.answers)

    @property
    def checked_digest(self) -> str:
        """A digest of the facts and answers. The check page carries it, so that a change after that is detected."""
        words = json.dumps([self.facts, self.counted_answers], sort_keys=True)
        return sha256(words.encode()).hexdigest()[:16]

    @property
    def free_text(self) -> str:
        """All answers as text, one for each line, for the spam rules."""
        counted = self.counted_answers
        return "\n".join(
            answer_text(question, counted[question.key])
            for question in self.questions.questions()
            if question.key in counted
        )


class MappingLink(StoredLink):
    """A private link to one mapping.

    `by_mail`: the link was sent by mail. `mailbox_key`: the mailbox (intake.mailbox) to which it was sent, if the
    mapping has its own contact facts. The link can then be deleted when the address is corrected.
    """

    by_mail = models.BooleanField(default=False)
    mailbox_key = models.CharField(max_length=64, blank=True)
    mapping = models.ForeignKey(InitialMapping, on_delete=models.CASCADE, related_name="links")


class UnfinishedMapping(models.Model):
    """How many started but unsent mappings were removed on one day."""

    removed_on = models.DateField(unique=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.removed_on}: {self.count}"
