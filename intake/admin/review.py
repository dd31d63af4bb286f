"""The page of one enquiry and its buttons: thin callers of the services."""

from typing import Any, TypeVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.choices import MailPurpose, Outcome, Status
from intake.forms.review import NoteForm, StatusForm, VersionForm
from intake.models.enquiry import Enquiry
from intake.models.outgoing_mail import OutgoingMail
from intake.retention import removal_date
from intake.services.delivery import send_again
from intake.services.removing import remove_enquiry, retention_times
from intake.services.review import ChangedMeanwhile, accept_quarantined, change_status, write_note

ReviewForm = TypeVar("ReviewForm", StatusForm, NoteForm, VersionForm)

LIST = "yhteydenotot_modeladmin_index"
PAGE = "yhteydenotot_modeladmin_inspect"


def read(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show one enquiry. Reading changes nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return _page(request, _enquiry(instance_pk))


def set_status(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Move the enquiry; closing asks for the outcome."""
    enquiry = _enquiry(instance_pk)
    form = _posted(request, StatusForm)
    if form is None:
        return HttpResponseNotAllowed(["POST"])
    if not form.is_valid():
        _say_refused(request, form)
        return _page(request, enquiry, status_form=form, status=422)
    try:
        change_status(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            status=Status(form.cleaned_data["status"]),
            outcome=form.cleaned_data["outcome"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return _conflict(request, enquiry)
    messages.success(request, _("The status was saved."))
    return redirect(PAGE, enquiry.pk)


def save_note(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Save the supervisor's note."""
    enquiry = _enquiry(instance_pk)
    form = _posted(request, NoteForm)
    if form is None:
        return HttpResponseNotAllowed(["POST"])
    if not form.is_valid():
        _say_refused(request, form)
        return _page(request, enquiry, note_form=form, status=422)
    try:
        write_note(enquiry_id=enquiry.pk, version=form.cleaned_data["version"], note=form.cleaned_data["note"])
    except ChangedMeanwhile:
        # Her words stay in the box, and saving them again is her own decision.
        return _conflict(request, enquiry, note=form.cleaned_data["note"])
    messages.success(request, _("The note was saved."))
    return redirect(PAGE, enquiry.pk)


def accept(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Say that a suspicious enquiry is an ordinary one."""
    enquiry = _enquiry(instance_pk)
    form = _posted(request, VersionForm)
    if form is None:
        return HttpResponseNotAllowed(["POST"])
    if not form.is_valid():
        return _conflict(request, enquiry)
    try:
        accept_quarantined(enquiry_id=enquiry.pk, version=form.cleaned_data["version"])
    except ChangedMeanwhile:
        return _conflict(request, enquiry)
    messages.success(
        request, _("The enquiry is now an ordinary one. No automatic confirmation was sent; answer it yourself.")
    )
    return redirect(PAGE, enquiry.pk)


def resend(request: HttpRequest, instance_pk: str, mail_pk: str) -> HttpResponse:
    """Queue one of the enquiry's mails for an attempt at once."""
    enquiry = _enquiry(instance_pk)
    mail = get_object_or_404(OutgoingMail, pk=mail_pk, enquiry=enquiry)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if send_again(mail=mail, now=timezone.now()):
        messages.success(request, _("The mail is being sent again. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("The mail has been sent already, or is being sent just now."))
    return redirect(PAGE, enquiry.pk)


def delete(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask, and then remove the enquiry with all that hangs from it. Nothing of it goes to a log."""
    enquiry = _enquiry(instance_pk)
    if request.method != "POST":
        return TemplateResponse(request, "modeladmin/intake/enquiry/delete.html", {"enquiry": enquiry})
    remove_enquiry(enquiry_id=enquiry.pk, now=timezone.now())
    messages.success(request, _("Enquiry %(reference)s was removed.") % {"reference": enquiry.reference})
    return redirect(LIST)


def nothing_here(request: HttpRequest) -> HttpResponse:
    raise Http404


def _enquiry(pk: str) -> Enquiry:
    return get_object_or_404(Enquiry.objects.prefetch_related("mails__attempts", "status_changes__changed_by"), pk=pk)


def _posted(request: HttpRequest, form_class: type[ReviewForm]) -> ReviewForm | None:
    return form_class(request.POST) if request.method == "POST" else None


def _say_refused(request: HttpRequest, form: StatusForm | NoteForm) -> None:
    """Say at the top of the page what the form says beside its field, which on a phone is far below."""
    reasons = " ".join(str(reason) for reasons in form.errors.values() for reason in reasons)
    messages.error(request, _("Nothing was saved. %(reasons)s") % {"reasons": reasons})


def _conflict(request: HttpRequest, enquiry: Enquiry, *, note: str | None = None) -> HttpResponse:
    # As it stands now: 404 where the other tab removed it.
    enquiry = _enquiry(str(enquiry.pk))
    messages.error(
        request,
        _(
            "The enquiry was changed elsewhere after you opened this page, so nothing was saved. "
            "Check it and save again."
        ),
    )
    note_form = None if note is None else NoteForm(initial={"version": enquiry.version, "note": note})
    return _page(request, enquiry, note_form=note_form, status=409)


def _page(
    request: HttpRequest,
    enquiry: Enquiry,
    *,
    status_form: StatusForm | None = None,
    note_form: NoteForm | None = None,
    status: int = 200,
) -> HttpResponse:
    version = {"version": enquiry.version}
    mails = list(enquiry.mails.all())
    context: dict[str, Any] = {
        "enquiry": enquiry,
        "status_form": status_form
        or StatusForm(initial={**version, "status": enquiry.status, "outcome": enquiry.outcome}),
        "note_form": note_form or NoteForm(initial={**version, "note": enquiry.note}),
        "version_form": VersionForm(initial=version, auto_id=False),
        "mails": mails,
        "no_confirmation": all(mail.purpose != MailPurpose.CONFIRMATION for mail in mails),
        "removed_on": removal_date(closed_at=enquiry.closed_at, outcome=enquiry.outcome, times=retention_times()),
        "closed_as_spam": {"status": Status.CLOSED.value, "outcome": Outcome.SPAM.value},
        "user_can_review": request.user.has_perm("intake.change_enquiry"),
        "user_can_delete": request.user.has_perm("intake.delete_enquiry"),
    }
    return TemplateResponse(request, "modeladmin/intake/enquiry/inspect.html", context, status=status)
