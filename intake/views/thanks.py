"""The page that says a message has arrived."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from home.models import ContactDetails
from intake.models.enquiry import Enquiry


def show_thanks(page: Any, request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
    """Say it only of an enquiry that is in the database: 404 otherwise."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    enquiry = Enquiry.objects.filter(receipt=receipt).first()
    if enquiry is None:
        raise Http404
    context = page.get_context(request)
    context["reference"] = enquiry.reference
    context["response_time"] = ContactDetails.load(request).response_time
    return TemplateResponse(request, page.thanks_template, context)
