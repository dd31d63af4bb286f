"""The page that says a message has arrived."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from home.models import ContactDetails
from intake.choices import Kind
from intake.mapping.private_link import mapping_is_offered
from intake.models.enquiry import Enquiry
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
        return see_other(_address_to_go_on(enquiry, now) if _may_go_on(enquiry, now) else request.path)
    context = page.get_context(request)
    context["offers_mapping"] = _may_go_on(enquiry, now)
    context["reference"] = enquiry.reference
    context["response_time"] = ContactDetails.load(request).response_time
    return TemplateResponse(request, page.thanks_template, context)


def _address_to_go_on(enquiry: Enquiry, now: datetime) -> str:
    try:
        return reverse("mapping_resume", args=[link_for_enquiry(enquiry=enquiry, now=now)])
    except Enquiry.DoesNotExist as error:
        raise Http404 from error


def _may_go_on(enquiry: Enquiry, now: datetime) -> bool:
    """Return whether this page leads to the mapping of its enquiry."""
    mapping = getattr(enquiry, "mapping", None)
    is_sent = mapping is not None and mapping.is_sent
    fresh = now - enquiry.received_at < OFFER_WINDOW
    return enquiry.kind == Kind.CONTACT and fresh and not is_sent and mapping_is_offered()
