"""The dashboard panel and checklist items of this app."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet, TextChoices
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.components import Component
from wagtail.models import Page, Site

from home.checklist import ChecklistItem
from home.contact_details import ContactDetails
from home.important_pages import ImportantPage
from home.pause.models import PauseNotice
from home.pause.rules import FormMode
from intake.choices import Status, Verdict
from intake.contact.page import ContactPage
from intake.desk.enquiry_page import guarded
from intake.enquiry.models import Enquiry, enquiry_url, may_act
from intake.health import read_health
from intake.mail.delivery import requeue
from intake.mail.models import OutgoingMail, late
from intake.mail.queue import unsent_without_enquiry
from intake.mapping.page import MappingPage
from intake.proof import proof_status
from intake.settings import IntakeSettings
from intake.waiting.reading import waiting_summary


class Part(TextChoices):
    """A part of the list of enquiries. The value is used in the URL of the list."""

    NEW = "new", gettext_lazy("New ones")
    IN_PROGRESS = "in_progress", gettext_lazy("Under way")
    SUSPICIOUS = "suspicious", gettext_lazy("Suspicious ones")
    MAIL_UNSENT = "mail_unsent", gettext_lazy("Mail not sent")


# The dashboard counts no further: a larger number makes no difference to Kati, and the list counts further.
MOST_COUNTED = 1000

# Open enquiries have no closing time. With this condition the database uses the index enquiry_open.
_OPEN = Q(closed_at__isnull=True)
# Which of the open enquiries belong to a part.
_BELONGS = {
    Part.NEW: Q(status=Status.NEW, verdict=Verdict.ACCEPTED),
    # Without those on the waiting list, which has its own page.
    Part.IN_PROGRESS: Q(status__in=[one for one in Status if one not in (Status.NEW, Status.WAITING_LIST)]),
    Part.SUSPICIOUS: Q(verdict=Verdict.QUARANTINED),
}


def part_of(enquiries: QuerySet[Enquiry], part: Part) -> QuerySet[Enquiry]:
    """Return the enquiries in this part, without duplicates. An enquiry can be in several parts."""
    if part != Part.MAIL_UNSENT:
        return enquiries.filter(_OPEN, _BELONGS[part])
    # The few late mails are looked up once, not for each enquiry.
    return enquiries.filter(pk__in=_late_mails().values("enquiry"))


def count_parts() -> dict[Part, int]:
    """Return how many enquiries are in each part, counted up to one more than MOST_COUNTED."""
    late_ones = _late_mails().filter(enquiry__is_proof=False).values("enquiry").distinct()
    found = {part: part_of(Enquiry.objects.order_by(), part).values("pk") for part in _BELONGS}
    return {part: found.get(part, late_ones)[: MOST_COUNTED + 1].count() for part in Part}


def in_words(count: int, *, most: int) -> str:
    """Return a count for display: "over …" for more than `most`, because the caller counted no further."""
    words = number_format(min(count, most), force_grouping=True)
    return words if count <= most else _("over %(count)s") % {"count": words}


def _late_mails() -> QuerySet[OutgoingMail]:
    return OutgoingMail.objects.filter(late(timezone.now())).order_by()


def list_address(part: Part) -> str:
    """Return the URL of the list filtered by this part."""
    return f"{enquiry_url('index')}?{DeskFilter.parameter_name}={part}"


class DeskFilter(SimpleListFilter):
    """Filters the list by part. Unknown values are ignored."""

    title = gettext_lazy("what waits")
    parameter_name = "part"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Part.choices)

    def value(self) -> str | None:
        chosen = super().value()
        return chosen if chosen in Part.values else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enquiry]) -> QuerySet[Enquiry]:
        chosen = self.value()
        return part_of(queryset, Part(chosen)) if chosen else queryset


def own_mail_addresses() -> list[URLPattern]:
    """Return the URL patterns for the hook register_admin_urls."""
    return [path("viestit/<int:mail_id>/uudelleen/", guarded(resend, may_act), name="mail_requeue")]


def resend(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Queue an unsent mail without an enquiry for an immediate attempt."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    # It may have gone out, or been withdrawn, since the dashboard was shown.
    mail = unsent_without_enquiry().filter(pk=mail_id).first()
    if mail is not None and requeue(mail=mail, now=timezone.now()):
        messages.success(request, _("The mail is being sent again. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("The mail has been sent already, or is being sent just now."))
    return redirect("wagtailadmin_home")


def checklist_items() -> list[ChecklistItem]:
    """Return the checklist items: the address for notifications, and the contact page during a pause."""
    return [
        ChecklistItem(
            key="notification-address",
            title=gettext_lazy("Where you hear of new enquiries"),
            why=gettext_lazy("A notice of each new enquiry is sent to this address."),
            permission="intake.change_intakesettings",
            address=lambda details: _field(),
            is_done=lambda details: _has_address(details),
        ),
        ChecklistItem(
            key="contact-page-in-pause",
            title=gettext_lazy("What the contact page does during a pause"),
            why=gettext_lazy(
                "It can take messages as usual, take people on the waiting list, or show the contact details only."
            ),
            permission="home.change_pausenotice",
            address=lambda details: _form_mode(),
            # "As usual" may be deliberate too: then she dismisses the item.
            is_done=lambda details: PauseNotice.load().form_mode != FormMode.AS_USUAL,
        ),
    ]


def _has_address(details: ContactDetails) -> bool:
    return bool(IntakeSettings.load().notification_email or details.email)


def _form_mode() -> str:
    return f"{reverse('wagtailsettings:edit', args=['home', 'pausenotice', PauseNotice.load().pk])}#id_form_mode"


def _field() -> str:
    settings = IntakeSettings.load()
    return f"{reverse('wagtailsettings:edit', args=['intake', 'intakesettings', settings.pk])}#id_notification_email"


def form_pages() -> list[ImportantPage]:
    return [
        ImportantPage(
            key="contact-form",
            page=lambda: ContactPage.objects.first(),
            stops=gettext_lazy("Nobody can write to you on the site, or join the waiting list."),
            missing=gettext_lazy("The site has no page with the contact form."),
            address=_add_page_url(ContactPage),
        ),
        ImportantPage(
            key="mapping",
            page=lambda: MappingPage.objects.first(),
            stops=gettext_lazy("Nobody can begin the initial mapping. Those that have been begun can be finished."),
            missing=gettext_lazy("The site has no page for the initial mapping."),
            address=_add_page_url(MappingPage),
        ),
    ]


def _add_page_url(kind: type[Page]) -> Callable[[], str]:
    """Return a function that returns the admin URL where a page of this type is added."""

    def address() -> str:
        site = Site.objects.filter(is_default_site=True, root_page__depth__gt=1).first()
        if site is None:
            return reverse("wagtailadmin_explore_root")
        return reverse("wagtailadmin_pages:add", args=[kind._meta.app_label, kind._meta.model_name, site.root_page_id])

    return address


class EnquiryPanel(Component):
    """Counts, each linked to the list of the counted enquiries, and late mails without an enquiry. Shows no names."""

    name = "enquiries"
    template_name = "modeladmin/intake/enquiry/dashboard.html"
    order = 50

    def get_context_data(self, parent_context: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        request = parent_context["request"]
        return {
            "health": read_health(now=now),
            # Wagtail renders the panel with this context only.
            "csrf_token": get_token(request),
            "unsent": [mail for mail in unsent_without_enquiry().prefetch_related("attempts") if mail.is_late],
            "user_can_act": may_act(request.user),
            "parts": {
                part.value: {"count": n, "words": in_words(n, most=MOST_COUNTED), "url": list_address(part)}
                for part, n in count_parts().items()
            },
            "waiting": waiting_summary(now=now),
            "proof": proof_status(now=now),
        }
