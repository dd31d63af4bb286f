"""Enquiries, their history, and counts of removed enquiries."""

import uuid
from datetime import date

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.choices import (
    Area,
    ContactPreference,
    DeliveryMode,
    Kind,
    MailState,
    Outcome,
    Reason,
    Status,
    StepKind,
    SupervisionForm,
    Verdict,
)

# The fields of an enquiry's signature (intake.enquiry.search).
SIGNATURE_FIELDS = ("search_bits_0", "search_bits_1", "search_bits_2", "search_bits_3")


def may_see(user: PermissionsMixin | AnonymousUser) -> bool:
    """Whether this user may read enquiries."""
    return user.has_perm("intake.view_enquiry")


def may_act(user: PermissionsMixin | AnonymousUser) -> bool:
    """Whether this user may change enquiries. Changing requires the right to read them."""
    return may_see(user) and user.has_perm("intake.change_enquiry")


def enquiry_url(action: str, *args: object) -> str:
    """Return the URL of a view of intake.desk.list. Callers need not know how wagtail-modeladmin names its views."""
    return reverse(f"yhteydenotot_modeladmin_{action}", args=args)


# The default manager leaves out the test letters of the nightly proof, and so does every list, count and export.
NO_PROOF = Q(is_proof=False)


class VisitorsEnquiries(models.Manager["Enquiry"]):
    """The enquiries of visitors, without test letters."""

    def get_queryset(self) -> models.QuerySet["Enquiry"]:
        return super().get_queryset().filter(NO_PROOF)


class Enquiry(models.Model):
    """What one visitor sent, and the state of its handling; or a test letter (intake.proof).

    Only the services create and change rows. `str()` never shows what a person typed, because it ends up in logs.
    """

    reference = models.CharField(_("reference"), max_length=7, unique=True, editable=False)
    # The secret part of the URL of the thank-you page.
    receipt = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The same for a repeat from another form token. The repeat may come from another person, so its page shows nothing
    # private. Generated when needed.
    repeat_receipt = models.UUIDField(null=True, unique=True, editable=False)
    # When the sender confirmed the e-mail address by typing it again. Only after that may a mailed link open answers
    # that were begun on the thank-you page.
    address_confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The id of the form token; together with the digest of the content it identifies a repeated post.
    submission_id = models.UUIDField(editable=False)
    content_digest = models.CharField(max_length=64, editable=False)
    # The same digest while the same content from any form counts as a repeat (intake.enquiry.services), else None.
    repeat_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - unique, and None for many

    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.CONTACT)
    received_at = models.DateTimeField(_("received"))
    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict, default=Verdict.ACCEPTED)
    verdict_reasons = models.JSONField(default=list, blank=True)

    name = models.CharField(_("name"), max_length=100)
    email = models.EmailField(_("e-mail address"), max_length=254)
    phone = models.CharField(_("phone number"), max_length=40, blank=True)
    organisation = models.CharField(_("organisation"), max_length=150, blank=True)
    supervision_form = models.CharField(_("form of supervision"), max_length=20, choices=SupervisionForm)
    delivery_modes = models.JSONField(_("where to meet"), default=list)
    # Empty on the waiting list, which does not ask for it.
    preferred_contact = models.CharField(
        _("preferred way of contact"), max_length=10, choices=ContactPreference, blank=True
    )
    # The text that the admin searches, case-folded (SQLite's LIKE folds ASCII only: "ä" would not find "Ä").
    search_text = models.TextField(editable=False)
    search_bits_0 = models.BigIntegerField(editable=False)
    search_bits_1 = models.BigIntegerField(editable=False)
    search_bits_2 = models.BigIntegerField(editable=False)
    search_bits_3 = models.BigIntegerField(editable=False)
    message = models.TextField(_("message"), blank=True)
    # Facts from the answers of a mapping, for the list and the export (intake.mapping.answers.typed_facts).
    group_size = models.PositiveIntegerField(_("size of the group"), null=True, blank=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    area = models.CharField(_("area"), max_length=10, choices=Area, blank=True)
    payer = models.CharField(_("payer"), max_length=200, blank=True)
    # The exact notices shown to the visitor: {"warning", "privacy", "pause", …} -> text.
    shown_texts = models.JSONField(default=dict, editable=False)

    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.NEW)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    # Set on closing (intake.enquiry.services), so that a changed setting does not remove enquiries unexpectedly.
    remove_on = models.DateField(_("removed on"), null=True, blank=True, db_index=True)
    # The retention time in months that the sender was shown: an upper limit.
    shown_retention_months = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    # The same in days for an enquiry closed as spam.
    shown_spam_days = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    note = models.TextField(_("note"), blank=True)
    is_proof = models.BooleanField(default=False, editable=False)
    # Incremented by every change in the admin, so that an outdated tab can't overwrite a change.
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = VisitorsEnquiries()
    # With test letters. Only for receiving, the thank-you page, mails and removal, which treat them like any enquiry.
    with_proofs = models.Manager["Enquiry"]()

    class Meta:
        verbose_name = _("enquiry")
        verbose_name_plural = _("enquiries")
        ordering = ["-received_at", "-pk"]
        default_permissions = ("view", "change", "delete")
        permissions = [("export_enquiry", "Can export enquiries")]
        indexes = [
            # In the order of the list, with all columns that its filters use. So the index alone is enough to count the
            # enquiries for any filters, and to find those of one page.
            models.Index(
                fields=[
                    "-received_at",
                    "-id",
                    "status",
                    "verdict",
                    "kind",
                    "supervision_form",
                    "area",
                    "payer",
                    "group_size",
                    "delivery_modes",
                    "is_proof",
                ],
                name="enquiry_list",
            ),
            # For the few open enquiries among many closed ones. The condition is on closed_at, because SQLite does not
            # conclude from a status in a query that the enquiry is not closed.
            models.Index(
                fields=["status", "verdict", "-received_at", "-id", "is_proof"],
                condition=Q(closed_at__isnull=True),
                name="enquiry_open",
            ),
            models.Index(fields=[*SIGNATURE_FIELDS, "phone", "id", "is_proof"], name="enquiry_search"),
            # For the choices of the filter by payer.
            models.Index(fields=["payer", "-received_at", "-id", "is_proof"], name="enquiry_payer"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["submission_id", "content_digest"], name="enquiry_once_per_submission"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="enquiry_kind_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="enquiry_status_known"),
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="enquiry_verdict_known"),
            models.CheckConstraint(
                condition=(
                    Q(
                        status=Status.CLOSED,
                        outcome__in=Outcome.values,
                        closed_at__isnull=False,
                        remove_on__isnull=False,
                    )
                    | (~Q(status=Status.CLOSED) & Q(outcome="", closed_at__isnull=True, remove_on__isnull=True))
                ),
                name="enquiry_closed_with_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"Yhteydenotto {self.reference}"

    @property
    def is_quarantined(self) -> bool:
        return self.verdict == Verdict.QUARANTINED

    @property
    def is_closed(self) -> bool:
        return self.status == Status.CLOSED

    @property
    def is_closed_as_spam(self) -> bool:
        return self.is_closed and self.outcome == Outcome.SPAM

    @property
    def delivery_mode_labels(self) -> list[str]:
        return [str(DeliveryMode(mode).label) for mode in self.delivery_modes if mode in DeliveryMode.values]

    @property
    def reason_labels(self) -> list[str]:
        return [str(Reason(reason).label) for reason in self.verdict_reasons if reason in Reason.values]

    @property
    def mail_state(self) -> str:
        """The worst state among this enquiry's mails; "" if it has none."""
        states = {mail.state for mail in self.mails.all()}
        for state in (MailState.FAILED, MailState.SENDING, MailState.QUEUED, MailState.SENT):
            if state in states:
                return state.value
        return ""

    @property
    def mail_is_late(self) -> bool:
        return any(mail.is_late for mail in self.mails.all())

    def age_in_days(self, today: date) -> int:
        return (today - timezone.localdate(self.received_at)).days


class EnquiryStep(models.Model):
    """An entry in the history of an enquiry. Never contains the text of a note."""

    enquiry = models.ForeignKey(Enquiry, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=20, choices=StepKind)
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The new status and outcome; only in a step of the kind "status".
    status = models.CharField(_("status"), max_length=20, choices=Status, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, blank=True)

    class Meta:
        ordering = ["changed_at", "pk"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind=StepKind.STATUS, status__in=Status.values)
                    | (Q(kind__in=StepKind.values) & ~Q(kind=StepKind.STATUS) & Q(status="", outcome=""))
                ),
                name="step_status_only_of_its_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.enquiry_id}: {self.status or self.kind}"

    @property
    def words(self) -> str:
        """The step in words for the supervisor."""
        if self.kind != StepKind.STATUS:
            return str(StepKind(self.kind).label)
        if not self.outcome:
            return str(Status(self.status).label)
        return f"{Status(self.status).label} ({Outcome(self.outcome).label})"


class RemovedEnquiry(models.Model):
    """How many enquiries of one kind and outcome were removed on one day."""

    removed_on = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["removed_on", "kind", "outcome"], name="removed_count_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.removed_on} {self.kind} {self.outcome}: {self.count}"
