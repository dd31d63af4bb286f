"""Sending somebody a private link once more: to the mapping, or to the place on the waiting list. It asks first."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.admin.enquiry_page import PAGE, conflict, found
from intake.forms.review import VersionForm
from intake.models.enquiry import Enquiry
from intake.services.inviting import can_be_invited, can_get_waiting_link, send_mapping_link, send_waiting_link
from intake.services.review import ChangedMeanwhile


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What the page says before it sends a link."""

    title: str | Promise
    effect: str | Promise


_MAPPING = _Question(
    title=gettext_lazy("Send a link to the initial mapping"),
    effect=gettext_lazy("The sender gets a private link by e-mail and need not write the details again."),
)
_PLACE = _Question(
    title=gettext_lazy("Send a link to the place on the waiting list"),
    effect=gettext_lazy(
        "By the link they can leave the list, tell that they are still waiting, and remove their details."
    ),
)


def send_mapping(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask, and then queue a mail with a new private link to the mapping of this enquiry."""
    enquiry = found(instance_pk)
    may_go = can_be_invited(enquiry, now=timezone.now())
    return _ask_or_send(request, enquiry, _MAPPING, may_go=may_go, send=send_mapping_link)


def send_place(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask, and then queue a mail with a new private link to the place on the waiting list."""
    enquiry = found(instance_pk)
    return _ask_or_send(request, enquiry, _PLACE, may_go=can_get_waiting_link(enquiry), send=send_waiting_link)


def _ask_or_send(
    request: HttpRequest, enquiry: Enquiry, question: _Question, *, may_go: bool, send: Callable[..., bool]
) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not may_go:
        messages.error(request, _("The link can't be sent to this enquiry any more."))
        return redirect(PAGE, enquiry.pk)
    if request.method != "POST":
        form = VersionForm(initial={"version": enquiry.version}, auto_id=False)
        context = {"enquiry": enquiry, "version_form": form, "title": question.title, "effect": question.effect}
        return TemplateResponse(request, "modeladmin/intake/enquiry/send_link.html", context)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return conflict(request, enquiry)
    try:
        queued = send(enquiry_id=enquiry.pk, version=form.cleaned_data["version"], by=request.user, now=timezone.now())
    except ChangedMeanwhile:
        return conflict(request, enquiry)
    if queued:
        messages.success(request, _("The link is on its way. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("A mail with the link is on its way already."))
    return redirect(PAGE, enquiry.pk)
