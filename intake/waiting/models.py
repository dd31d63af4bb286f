"""Places on the waiting list, their links, and return plans."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.choices import PlanState, SupervisionForm
from intake.enquiry.models import Enquiry


class WaitingPlace(models.Model):
    """The place of one enquiry in the list. It stands in the list while its enquiry's status is WAITING_LIST.

    Only intake.waiting.private_page and intake.waiting.return_plan write here.
    """

    enquiry = models.OneToOneField(Enquiry, on_delete=models.CASCADE, related_name="waiting")
    joined_at = models.DateTimeField(_("joined"))
    # The order of the list, the smallest first. Counted, not measured: clocks differ.
    rank = models.BigIntegerField(_("order"), unique=True)
    wants_mail = models.BooleanField(_("wants mail on the return"), default=False)
    # A keyed hash of the mailbox: the same person under two enquiries is told once.
    mailbox_key = models.CharField(max_length=64, db_index=True, editable=False)

    jumped_at = models.DateTimeField(_("moved ahead"), null=True, blank=True)
    jump_reason = models.CharField(_("reason"), max_length=200, blank=True)

    # When a mail with the private link to this place first went out: before that the site writes nothing else to it.
    reached_at = models.DateTimeField(null=True, blank=True)

    # "Still waiting?": since when the list has known for certain, and what was asked since.
    confirmed_at = models.DateTimeField()
    # The months between the questions, as set when this one joined or last confirmed.
    months = models.PositiveSmallIntegerField(default=4, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True)
    asked_times = models.PositiveSmallIntegerField(default=0)
    # The last note is in the queue: once it has gone out, the enquiry is removed.
    parting_at = models.DateTimeField(null=True, blank=True)

    # Told of the return: by which plan, when its mail was queued, and the reminder's.
    plan = models.ForeignKey("ReturnPlan", on_delete=models.SET_NULL, null=True, blank=True, related_name="places")
    called_at = models.DateTimeField(_("told of the return"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)

    class Meta:
        ordering = ["rank"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.enquiry_id}: {self.rank}"


class WaitingLink(models.Model):
    """A private link to a place: only a hash of its secret is kept. It works as long as the enquiry is there."""

    place = models.ForeignKey(WaitingPlace, on_delete=models.CASCADE, related_name="links")
    secret_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class ReturnPlan(models.Model):
    """How the waiting list is told that Aijuu is open again: so many a day, in this order, with these words."""

    created_at = models.DateTimeField(_("made"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    per_day = models.PositiveSmallIntegerField(
        _("notices a day"), default=5, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    first_form = models.CharField(_("first those who wish for"), max_length=20, choices=SupervisionForm, blank=True)
    greeting = models.TextField(_("own words"), max_length=1000, blank=True)
    answer_days = models.PositiveSmallIntegerField(
        _("days to answer"), default=14, validators=[MinValueValidator(3), MaxValueValidator(90)]
    )
    state = models.CharField(_("state"), max_length=10, choices=PlanState, default=PlanState.RUNNING)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Since when a plan under way waits for the supervisor's word, because a pause came; and when she last gave it.
    held_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    # How many were told, in all and on the latest day (Europe/Helsinki): the counts outlive removed enquiries.
    told = models.PositiveIntegerField(default=0)
    told_on = models.DateField(null=True, blank=True)
    told_that_day = models.PositiveIntegerField(default=0)
    # Grows with every change in the admin: a button of an old page changes nothing.
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="one_plan_runs"),
            models.CheckConstraint(condition=Q(state__in=PlanState.values), name="plan_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.state}"

    @property
    def confirmed_at(self) -> datetime:
        """When the supervisor last saw the plan and let it go on."""
        return self.resumed_at or self.created_at
