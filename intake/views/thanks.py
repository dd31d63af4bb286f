"""The page that says a message has arrived, and the sender's way on from it."""

import math
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from home.models import ContactDetails
from home.pause import FormMode, PauseStatus
from home.pause_now import current_pause
from intake.choices import Kind
from intake.forms.confirming import ConfirmAddressForm
from intake.mailbox import is_same_address
from intake.mapping.private_link import mapping_is_offered
from intake.models.enquiry import Enquiry
from intake.models.waiting import WaitingPlace
from intake.notices import kept_while_waiting
from intake.services.mapping import confirm_address, page_link_for_enquiry
from intake.services.promised import promised_mails
from intake.services.receiving import TooManyPosts, count_post
from intake.spam.source import address_key
from intake.views.refusals import see_other, too_many

# The address of this page stays in the browser's history; after a day the way to the answers is in the mail only.
OFFER_WINDOW = timedelta(days=1)


def show_thanks(page: Any, request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
    """Say it only of an enquiry that is in the database: 404 otherwise.

    Only the first sender's page leads on (intake.services.receiving.receipt_of), and only for a day.
    """
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    # Another name is no browser's, and may not even be one for text ("hex").
    request.encoding = "utf-8"
    now = timezone.now()
    found = Enquiry.objects.select_related("mapping").filter(Q(receipt=receipt) | Q(repeat_receipt=receipt))
    enquiry = found.first()
    if enquiry is None:
        raise Http404
    may_go_on = enquiry.receipt == receipt and _may_go_on(enquiry, current_pause(request), now)
    if request.method != "POST":
        return _page(page, request, enquiry, may_go_on=may_go_on)
    if not mapping_is_offered():
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not may_go_on:
        # An old tab's button: the page as it is now has none.
        return see_other(request.path)
    try:
        if "email" in request.POST:
            return _confirm_address(page, request, enquiry, now)
        return see_other(reverse("mapping_resume", args=[page_link_for_enquiry(enquiry=enquiry, now=now)]))
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        # No button of ours.
        return see_other(request.path)
    except Enquiry.DoesNotExist as error:
        raise Http404 from error


def _confirm_address(page: Any, request: HttpRequest, enquiry: Enquiry, now: datetime) -> HttpResponse:
    """Compare what the sender types anew with the address of the message, which this page never shows."""
    form = ConfirmAddressForm(request.POST)
    if not form.is_valid():
        return _page(page, request, enquiry, may_go_on=True, form=form, status=422)
    try:
        count_post(f"{address_key(request)[:56]}:confirm", now)
    except TooManyPosts as refusal:
        form.add_error("email", too_many(refusal.retry_after, ContactDetails.load(request).phone_display))
        response = _page(page, request, enquiry, may_go_on=True, form=form, status=429)
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        return response
    if not is_same_address(form.cleaned_data["email"], enquiry.email):
        form.add_error("email", _("This is not the address of your message. If that one was mistyped, tell Kati."))
        return _page(page, request, enquiry, may_go_on=True, form=form, status=422)
    confirm_address(enquiry_id=enquiry.pk, now=now)
    return see_other(request.path)


def _page(
    page: Any,
    request: HttpRequest,
    enquiry: Enquiry,
    *,
    may_go_on: bool,
    form: ConfirmAddressForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = page.get_context(request)
    context["reference"] = enquiry.reference
    context["response_time"] = ContactDetails.load(request).answers_within
    context["promised"] = promised_mails(enquiry)
    if enquiry.kind == Kind.WAITING:
        place = WaitingPlace.objects.get(enquiry=enquiry)
        context["wants_mail"] = place.wants_mail
        context["kept_while_waiting"] = kept_while_waiting(place.months)
        return TemplateResponse(request, page.joined_template, context)
    context["offers_mapping"] = may_go_on
    context["address_is_confirmed"] = enquiry.address_confirmed_at is not None
    context["confirm_form"] = form or ConfirmAddressForm()
    return TemplateResponse(request, page.thanks_template, context, status=status)


def _may_go_on(enquiry: Enquiry, pause: PauseStatus, now: datetime) -> bool:
    """Return whether this page leads to the mapping of its enquiry; not while the contact page takes nobody."""
    if pause.form_mode != FormMode.AS_USUAL:
        return False
    mapping = getattr(enquiry, "mapping", None)
    is_sent = mapping is not None and mapping.is_sent
    fresh = now - enquiry.received_at < OFFER_WINDOW
    return enquiry.kind == Kind.CONTACT and fresh and not is_sent and mapping_is_offered()
