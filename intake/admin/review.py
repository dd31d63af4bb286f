"""The page of one enquiry and its buttons: thin callers of the"""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.admin.enquiry_page import LIST, PAGE, conflict, found, page, saved, say_refused
from intake.choices import Outcome, Status
from intake.forms.review import HandlingForm, VersionForm
from intake.models.outgoing_mail import OutgoingMail
from intake.services.delivery import send_again
from intake.services.promised import promised_mails
from intake.services.removing import remove_seen
from intake.services.review import ChangedMeanwhile, accept_quarantined, change_status, save_handling

_NOT_REMOVED = gettext_lazy(
    "The enquiry was changed elsewhere after you opened the page of removal, so nothing was removed. Read it first; "
    "you can still remove it."
)


def read(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show one enquiry. Reading changes nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return page(request, found(instance_pk))


def save(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Save status, outcome and note together; a note that the post does not name stays."""
    enquiry = found(instance_pk)
    form = HandlingForm(request.POST, stored_outcome=enquiry.outcome)
    if not form.is_valid():
        say_refused(request, form)
        return page(request, enquiry, handling_form=form, status=422)
    wanted = form.cleaned_data
    try:
        save_handling(
            enquiry_id=enquiry.pk,
            version=wanted["version"],
            status=Status(wanted["status"]),
            outcome=wanted["outcome"],
            note=wanted["note"] if "note" in form.data else None,
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        # What she chose and wrote stays in the form, and saving it again is her own decision.
        return conflict(request, enquiry, handling=wanted)
    return saved(request, enquiry, form="handling", words=_("The status and the note were saved."))


def close_as_spam(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Close a suspicious enquiry as spam."""
    enquiry = found(instance_pk)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return conflict(request, enquiry)
    try:
        change_status(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            status=Status.CLOSED,
            outcome=Outcome.SPAM,
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return conflict(request, enquiry)
    return saved(request, enquiry, form="spam", words=_("The enquiry was closed as spam."))


def accept(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Say that a suspicious enquiry is an ordinary one."""
    enquiry = found(instance_pk)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return conflict(request, enquiry)
    try:
        accept_quarantined(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return conflict(request, enquiry)
    if promised_mails(enquiry).waiting_link:
        words = _("The enquiry is now an ordinary one. The confirmation of the waiting list was put in the mail.")
    else:
        words = _("The enquiry is now an ordinary one. No automatic confirmation was sent; answer it yourself.")
    return saved(request, enquiry, form="accepted", words=words)


def resend(request: HttpRequest, instance_pk: str, mail_pk: str) -> HttpResponse:
    """Queue one of the enquiry's mails for an attempt at once."""
    enquiry = found(instance_pk)
    mail = get_object_or_404(OutgoingMail, pk=mail_pk, enquiry=enquiry)
    if send_again(mail=mail, now=timezone.now()):
        messages.success(request, _("The mail is being sent again. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("The mail has been sent already, or is being sent just now."))
    return redirect(PAGE, enquiry.pk)


def delete(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask, and then remove the enquiry with all that hangs from it. Nothing of it goes to a log."""
    enquiry = found(instance_pk)
    if request.method != "POST":
        version_form = VersionForm(initial={"version": enquiry.version}, auto_id=False)
        return TemplateResponse(
            request, "modeladmin/intake/enquiry/delete.html", {"enquiry": enquiry, "version_form": version_form}
        )
    form = VersionForm(request.POST)
    if not form.is_valid():
        return conflict(request, enquiry, words=_NOT_REMOVED)
    try:
        remove_seen(enquiry_id=enquiry.pk, version=form.cleaned_data["version"], now=timezone.now())
    except ChangedMeanwhile:
        return conflict(request, enquiry, words=_NOT_REMOVED)
    messages.success(request, _("Enquiry %(reference)s was removed.") % {"reference": enquiry.reference})
    return redirect(LIST)


def nothing_here(request: HttpRequest) -> HttpResponse:
    raise Http404
