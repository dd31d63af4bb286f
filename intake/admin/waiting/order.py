"""Moving somebody to the head of the list, with a reason, and back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.admin.enquiry_page import PAGE, found
from intake.admin.waiting.reading import read_place
from intake.forms.review import VersionForm
from intake.forms.waiting_order import MoveAheadForm
from intake.models.enquiry import Enquiry
from intake.services.review import ChangedMeanwhile
from intake.services.waiting_order import NotWaiting, move_ahead, move_back

LIST = "waiting_list"


def to_the_head(request: HttpRequest, enquiry_id: str) -> HttpResponse:
    """Ask why, and then move the enquiry to the head of the list."""
    enquiry = found(enquiry_id)
    if request.method in ("GET", "HEAD"):
        return _ask(request, enquiry, MoveAheadForm(initial={"version": enquiry.version}))
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form = MoveAheadForm(request.POST)
    if not form.is_valid():
        return _ask(request, enquiry, form, status=422)
    reason = form.cleaned_data["reason"]
    try:
        move_ahead(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            reason=reason,
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        enquiry = found(enquiry_id)
        messages.error(request, _changed_elsewhere())
        fresh = MoveAheadForm(initial={"version": enquiry.version, "reason": reason})
        return _ask(request, enquiry, fresh, status=409)
    except NotWaiting:
        return _not_waiting(request, enquiry)
    said = _("Enquiry %(reference)s is now the first on the waiting list.")
    messages.success(request, said % {"reference": enquiry.reference})
    return redirect(LIST)


def back(request: HttpRequest, enquiry_id: str) -> HttpResponse:
    """Move an enquiry that was moved ahead back to where it was by its arrival."""
    enquiry = found(enquiry_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    form = VersionForm(request.POST)
    try:
        if not form.is_valid():
            raise ChangedMeanwhile
        move_back(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        messages.error(request, _changed_elsewhere())
        return redirect(LIST)
    except NotWaiting:
        return _not_waiting(request, enquiry)
    said = _("Enquiry %(reference)s is back in its own place on the waiting list.")
    messages.success(request, said % {"reference": enquiry.reference})
    return redirect(LIST)


def _ask(request: HttpRequest, enquiry: Enquiry, form: MoveAheadForm, *, status: int = 200) -> HttpResponse:
    waiter = read_place(enquiry)
    if waiter is None:
        return _not_waiting(request, enquiry)
    context = {"waiter": waiter, "form": form}
    return TemplateResponse(request, "intake/admin/waiting/move_ahead.html", context, status=status)


def _not_waiting(request: HttpRequest, enquiry: Enquiry) -> HttpResponse:
    messages.info(request, _("The enquiry is not on the waiting list any more."))
    return redirect(PAGE, enquiry.pk)


def _changed_elsewhere() -> str:
    return _(
        "The enquiry was changed elsewhere after you opened this page, so nothing was saved. Check it and save again."
    )
