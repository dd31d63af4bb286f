"""The page that says a message has arrived."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from home.models import ContactDetails
from home.pause import FormMode, PauseStatus
from home.pause_now import current_pause
from intake.choices import Kind
from intake.mapping.private_link import mapping_is_offered
from intake.models.enquiry import Enquiry
from intake.models.waiting import WaitingPlace
from intake.notices import kept_while_waiting
from intake.services.mapping import link_for_enquiry
from intake.views.refusals import see_other

# The address of this page stays in the browser's history; after a day the way to the answers is in the mail only.
OFFER_WINDOW = timedelta(days=1)


def show_thanks(page: Any, request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
    """Say it only of an enquiry that is in the database: 404 otherwise."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    now = timezone.now()
    enquiry = Enquiry.objects.select_related("mapping").filter(receipt=receipt).first()
    if enquiry is None:
        raise Http404
    if request.method == "POST":
        if not mapping_is_offered():
            return HttpResponseNotAllowed(["GET", "HEAD"])
        # An old tab's button: the page as it is now has none.
        may_go_on = _may_go_on(enquiry, current_pause(request), now)
        return see_other(_address_to_go_on(enquiry, now) if may_go_on else request.path)
    context = page.get_context(request)
    context["reference"] = enquiry.reference
    context["response_time"] = ContactDetails.load(request).response_time
    if enquiry.kind == Kind.WAITING:
        place = WaitingPlace.objects.get(enquiry=enquiry)
        context["wants_mail"] = place.wants_mail
        context["kept_while_waiting"] = kept_while_waiting(place.months)
        return TemplateResponse(request, page.joined_template, context)
    context["offers_mapping"] = _may_go_on(enquiry, current_pause(request), now)
    return TemplateResponse(request, page.thanks_template, context)


def _address_to_go_on(enquiry: Enquiry, now: datetime) -> str:
    try:
        return reverse("mapping_resume", args=[link_for_enquiry(enquiry=enquiry, now=now)])
    except Enquiry.DoesNotExist as error:
        raise Http404 from error


def _may_go_on(enquiry: Enquiry, pause: PauseStatus, now: datetime) -> bool:
    """Return whether this page leads to the mapping of its enquiry; not while the contact page takes nobody."""
    if pause.form_mode != FormMode.AS_USUAL:
        return False
    mapping = getattr(enquiry, "mapping", None)
    is_sent = mapping is not None and mapping.is_sent
    fresh = now - enquiry.received_at < OFFER_WINDOW
    return enquiry.kind == Kind.CONTACT and fresh and not is_sent and mapping_is_offered()
