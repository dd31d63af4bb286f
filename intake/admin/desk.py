"""What waits for the supervisor: each part is counted on the first page and shown, the same, as a part of the list."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q, QuerySet, TextChoices
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.choices import Status, Verdict
from intake.mail_lateness import late
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail


class Part(TextChoices):
    """A part of the desk. The value stands in the list's address."""

    NEW = "new", _("New ones")
    IN_PROGRESS = "in_progress", _("Under way")
    SUSPICIOUS = "suspicious", _("Suspicious ones")
    MAIL_UNSENT = "mail_unsent", _("Mail not sent")


def part_of(enquiries: QuerySet[Enquiry], part: Part) -> QuerySet[Enquiry]:
    """Return those of `enquiries` that are in the part, each once. An enquiry can be in several parts."""
    opened = ~Q(status=Status.CLOSED)
    late_mails = OutgoingMail.objects.filter(late(timezone.now()), enquiry=OuterRef("pk"))
    belongs: dict[Part, Any] = {
        Part.NEW: Q(status=Status.NEW, verdict=Verdict.ACCEPTED),
        # Those on the waiting list are not: they have a list of their own.
        Part.IN_PROGRESS: opened & ~Q(status__in=(Status.NEW, Status.WAITING_LIST)),
        Part.SUSPICIOUS: opened & Q(verdict=Verdict.QUARANTINED),
        Part.MAIL_UNSENT: Exists(late_mails),
    }
    return enquiries.filter(belongs[part])


def list_address(part: Part) -> str:
    """Return the address of the list that shows this part."""
    return f"{reverse('yhteydenotot_modeladmin_index')}?{DeskFilter.parameter_name}={part}"


class DeskFilter(SimpleListFilter):
    """The part of the list; another word in the address filters nothing."""

    title = _("what waits")
    parameter_name = "part"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Part.choices)

    def value(self) -> str | None:
        chosen = super().value()
        return chosen if chosen in Part.values else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enquiry]) -> QuerySet[Enquiry]:
        chosen = self.value()
        return part_of(queryset, Part(chosen)) if chosen else queryset
