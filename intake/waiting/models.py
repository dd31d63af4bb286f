"""Places on the waiting list, their links, and return plans."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.choices import PlanState, SupervisionForm
from intake.enquiry.models import Enquiry
from intake.mail.queue import StoredLink


class WaitingPlace(models.Model):
    """The place of one enquiry on the list. It counts while the status of the enquiry is WAITING_LIST.

    Only intake.waiting.places, private_page, return_plan and upkeep write here.
    """

    enquiry = models.OneToOneField(Enquiry, on_delete=models.CASCADE, related_name="waiting")
    joined_at = models.DateTimeField(_("joined"))
    # The order of the list, the smallest first. A counter, because clocks may be wrong.
    rank = models.BigIntegerField(_("order"), unique=True)
    wants_mail = models.BooleanField(_("wants mail on the return"), default=False)
    # A keyed hash of the mailbox, so that a person with two enquiries is notified once.
    mailbox_key = models.CharField(max_length=64, db_index=True, editable=False)

    moved_ahead_at = models.DateTimeField(_("moved ahead"), null=True, blank=True)
    move_reason = models.CharField(_("reason"), max_length=200, blank=True)

    # When a mail with the private link was first sent to this address; before that no other mail is sent to it.
    reached_at = models.DateTimeField(null=True, blank=True)

    # When the person last confirmed that they are waiting.
    confirmed_at = models.DateTimeField()
    # The months between the questions, as set when the person joined or last confirmed.
    months = models.PositiveSmallIntegerField(default=4, editable=False)
    # When the latest question since `confirmed_at` was queued, and how many there were.
    asked_at = models.DateTimeField(null=True, blank=True)
    asked_times = models.PositiveSmallIntegerField(default=0)
    # When the removal notice was queued; once it is sent, the enquiry is removed.
    removal_notice_at = models.DateTimeField(null=True, blank=True)

    # The plan that notified of the return, and when its notice and the reminder were queued.
    plan = models.ForeignKey("ReturnPlan", on_delete=models.SET_NULL, null=True, blank=True, related_name="places")
    notified_at = models.DateTimeField(_("told of the return"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    # The days to answer that the notice named; the plan's own may be changed when it is resumed.
    answer_days = models.PositiveSmallIntegerField(default=14, editable=False)

    class Meta:
        ordering = ["rank"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.enquiry_id}: {self.rank}"


class WaitingLink(StoredLink):
    """A private link to a place, valid as long as the enquiry exists."""

    place = models.ForeignKey(WaitingPlace, on_delete=models.CASCADE, related_name="links")


class ReturnPlan(models.Model):
    """How people on the list are notified of the return: how many a day, who first, and with which text."""

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
    # When a running plan was put on hold because of a pause, and when the supervisor last resumed it.
    held_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    # How many were notified in total and on the latest day (Europe/Helsinki). Kept when enquiries are removed.
    notified = models.PositiveIntegerField(default=0)
    notified_on = models.DateField(null=True, blank=True)
    notified_that_day = models.PositiveIntegerField(default=0)
    # Incremented by every change, so that the buttons of an outdated page change nothing.
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
        """When the supervisor last confirmed the plan."""
        return self.resumed_at or self.created_at
