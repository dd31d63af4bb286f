"""The page of one enquiry and its actions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.messages.storage.base import BaseStorage
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from intake.choices import Kind, MailPurpose, MailState, Outcome, Status, StepKind
from intake.enquiry.forms import HandlingForm, PreparationForm, VersionForm, posted_version
from intake.enquiry.mails import promised_mails
from intake.enquiry.models import Enquiry, enquiry_url
from intake.enquiry.removal import remove_if_unchanged
from intake.enquiry.search import others_of_mailbox
from intake.enquiry.services import ChangedMeanwhile, accept_quarantined, change_status, save_handling
from intake.mail.delivery import requeue
from intake.mail.models import OutgoingMail
from intake.mapping.links import remove_unsent_of_mailbox, unsent_of_mailbox
from intake.mapping.page import can_be_invited
from intake.mapping.presentation import MappingInProgress, SentMapping, read_mapping
from intake.waiting.reading import read_place

# The checkbox on the removal page: also remove the mappings of the same mailbox that were not sent yet.
_UNSENT = "unsent"
_CONFIRMATIONS = (MailPurpose.CONFIRMATION, MailPurpose.WAITING_CONFIRMATION)
_NOT_REMOVED = gettext_lazy(
    "The enquiry was changed elsewhere after you opened the page of removal, so nothing was removed. Read it first; "
    "you can still remove it."
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the history."""

    at: datetime
    words: str
    by: Any = None


class EnquiryGone(Http404):
    """The enquiry was removed, or never existed."""


def guarded(view: Callable[..., HttpResponseBase], allowed: Callable[..., bool]) -> Callable[..., HttpResponseBase]:
    """Respond with 403 to users without the right; Wagtail would redirect them to its front page instead."""

    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if allowed(request.user):
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                pass
        return TemplateResponse(request, "403.html", status=403)

    return guard


def found(pk: str) -> Enquiry:
    """Return the enquiry with everything that its page shows. Raises EnquiryGone."""
    enquiries = Enquiry.objects.select_related("mapping", "waiting").prefetch_related(
        "mails__attempts", "steps__changed_by"
    )
    enquiry = enquiries.filter(pk=pk).first()
    if enquiry is None:
        raise EnquiryGone
    return enquiry


def told_if_gone(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """If the enquiry is gone, show a page of the admin that says so (404), with the text that was not saved.

    The link in a notification stays in the mailbox after the enquiry was removed.
    """

    def show(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except EnquiryGone:
            unsaved = [request.POST.get(name, "") for name in ("note", "preparation_notes", "reason")]
            context = {"unsaved": "".join(unsaved)}
            return TemplateResponse(request, "modeladmin/intake/enquiry/gone.html", context, status=404)

    return show


def action(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Accept only posts; redirect a GET to the enquiry.

    A user whose session ended before the post returns to this URL by GET after signing in.
    """

    def act(request: HttpRequest, instance_pk: str, **more: str) -> HttpResponseBase:
        if request.method == "POST":
            return view(request, instance_pk=instance_pk, **more)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["POST"])
        return redirect(enquiry_url("inspect", found(instance_pk).pk))

    return act


def saved(request: HttpRequest, enquiry: Enquiry, *, form: str, words: str) -> HttpResponse:
    """Add a success message, only once for a double click, and redirect to the page.

    `?saved=` names the form, so that kept-words.js deletes the text it kept.
    """
    queued = messages.get_messages(request)
    if words not in {str(message) for message in queued}:
        messages.success(request, words)
    # Iterating marks the messages as shown; undo that.
    if isinstance(queued, BaseStorage):
        queued.used = False
    return redirect(f"{enquiry_url('inspect', enquiry.pk)}?saved={form}")


def show_form_errors(request: HttpRequest, form: HandlingForm | PreparationForm) -> None:
    """Repeat the errors of the form at the top of the page; on a phone the field is far below."""
    reasons = " ".join(str(reason) for reasons in form.errors.values() for reason in reasons)
    messages.error(request, _("Nothing was saved. %(reasons)s") % {"reasons": reasons})


def conflict(
    request: HttpRequest,
    enquiry: Enquiry,
    *,
    handling: dict[str, Any] | None = None,
    preparation_notes: str | None = None,
    words: str | Promise = "",
) -> HttpResponse:
    """Show the current enquiry (409) with the unsaved input. Raises EnquiryGone if it was removed.

    `words`: the message, if the action was not saving.
    """
    enquiry = found(str(enquiry.pk))
    messages.error(
        request,
        str(words)
        or _(
            "The enquiry was changed elsewhere after you opened this page, so nothing was saved. "
            "Check it and save again."
        ),
    )
    version = {"version": enquiry.version}
    return page(
        request,
        enquiry,
        handling_form=None if handling is None else HandlingForm(initial={**handling, **version}),
        preparation_form=None
        if preparation_notes is None
        else PreparationForm(initial={**version, "preparation_notes": preparation_notes}),
        status=409,
    )


def _another_was_confirmed(enquiry: Enquiry) -> bool:
    """Return whether a confirmation of another enquiry went to the same mailbox: a reason why this one got none."""
    mails = OutgoingMail.objects.filter(enquiry__in=[other.pk for other in others_of_mailbox(enquiry)])
    return mails.filter(purpose__in=_CONFIRMATIONS, state=MailState.SENT).exists()


def can_get_waiting_link(enquiry: Enquiry) -> bool:
    """Return whether a link to the place on the waiting list may be sent. It may not for a suspicious enquiry."""
    on_list = enquiry.status == Status.WAITING_LIST and hasattr(enquiry, "waiting")
    return on_list and not enquiry.is_quarantined


def page(
    request: HttpRequest,
    enquiry: Enquiry,
    *,
    handling_form: HandlingForm | None = None,
    preparation_form: PreparationForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Return the page. A given form, with unsaved input, replaces the initial one."""
    now = timezone.now()
    version = {"version": enquiry.version}
    mails = list(enquiry.mails.all())
    mapping = read_mapping(enquiry, now=now)
    user_can_review = request.user.has_perm("intake.change_enquiry")
    no_confirmation = not any(mail.purpose in _CONFIRMATIONS for mail in mails)
    context: dict[str, Any] = {
        "enquiry": enquiry,
        "sent_mapping": mapping if isinstance(mapping, SentMapping) else None,
        "mapping_under_way": mapping if isinstance(mapping, MappingInProgress) else None,
        "handling_form": handling_form
        or HandlingForm(
            initial={**version, "status": enquiry.status, "outcome": enquiry.outcome, "note": enquiry.note}
        ),
        "handling_is_unsaved": handling_form is not None,
        "preparation_is_unsaved": preparation_form is not None,
        # Shown next to her unsaved note, so that she sees what saving would replace.
        "stored_note": enquiry.note if handling_form and handling_form["note"].value() != enquiry.note else "",
        "version_form": VersionForm(initial=version, auto_id=False),
        "mails": mails,
        "no_confirmation": no_confirmation,
        "another_was_confirmed": no_confirmation and _another_was_confirmed(enquiry),
        "mail_was_withdrawn": no_confirmation and enquiry.steps.filter(kind=StepKind.MAIL_WITHDRAWN).exists(),
        "confirmation_was_withdrawn": no_confirmation and enquiry.steps.filter(kind=StepKind.REPLY_WITHDRAWN).exists(),
        "removed_on": enquiry.remove_on,
        "events": _events(enquiry, mapping),
        "waiter": read_place(enquiry),
        "user_can_review": user_can_review,
        "user_can_delete": request.user.has_perm("intake.delete_enquiry"),
        "user_can_send_place": user_can_review and can_get_waiting_link(enquiry),
        "user_can_invite": user_can_review and can_be_invited(enquiry, now=now),
    }
    if isinstance(mapping, SentMapping):
        context["preparation_form"] = preparation_form or PreparationForm(
            initial={**version, "preparation_notes": mapping.preparation_notes}
        )
    return TemplateResponse(request, "modeladmin/intake/enquiry/inspect.html", context, status=status)


def _events(enquiry: Enquiry, mapping: SentMapping | MappingInProgress | None) -> list[Event]:
    """Return the history of the enquiry in order."""
    events = [Event(at=step.changed_at, words=step.words, by=step.changed_by) for step in enquiry.steps.all()]
    if isinstance(mapping, SentMapping) and mapping.sent_at > enquiry.received_at:
        events.append(Event(at=mapping.sent_at, words=_("The initial mapping arrived")))
    return [
        Event(at=enquiry.received_at, words=_("Received")),
        *sorted(events, key=lambda event: event.at),
    ]


def read(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show one enquiry. Changes nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return page(request, found(instance_pk))


def save(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Save status, outcome and note together. A note that is not in the post is kept."""
    enquiry = found(instance_pk)
    words = request.POST.copy()
    words.setdefault("note", enquiry.note)
    form = HandlingForm(words, stored_outcome=enquiry.outcome)
    if not form.is_valid():
        show_form_errors(request, form)
        return page(request, enquiry, handling_form=form, status=422)
    wanted = form.cleaned_data
    try:
        save_handling(
            enquiry_id=enquiry.pk,
            version=wanted["version"],
            status=Status(wanted["status"]),
            outcome=wanted["outcome"],
            note=wanted["note"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        # Her input is kept in the form, and she decides whether to save it again.
        return conflict(request, enquiry, handling=wanted)
    return saved(request, enquiry, form="handling", words=_("The status and the note were saved."))


def close_as_spam(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Close a suspicious enquiry as spam."""
    enquiry = found(instance_pk)
    try:
        change_status(
            enquiry_id=enquiry.pk,
            version=posted_version(request.POST),
            status=Status.CLOSED,
            outcome=Outcome.SPAM,
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return conflict(request, enquiry)
    return saved(request, enquiry, form="spam", words=_("The enquiry was closed as spam."))


def accept(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Mark a suspicious enquiry as an ordinary one."""
    enquiry = found(instance_pk)
    try:
        accept_quarantined(
            enquiry_id=enquiry.pk,
            version=posted_version(request.POST),
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return conflict(request, enquiry)
    accepted = found(instance_pk)
    if accepted.kind == Kind.WAITING and accepted.status != Status.WAITING_LIST:
        words = _(
            "The enquiry is now an ordinary one, but not on the waiting list: set that status if it belongs there."
        )
    elif "waiting_link" in promised_mails(accepted).links:
        words = _("The enquiry is now an ordinary one. The confirmation of the waiting list was put in the mail.")
    else:
        words = _("The enquiry is now an ordinary one. No automatic confirmation was sent; answer it yourself.")
    return saved(request, enquiry, form="accepted", words=words)


def resend(request: HttpRequest, instance_pk: str, mail_pk: str) -> HttpResponse:
    """Queue one of the enquiry's mails for an immediate attempt."""
    enquiry = found(instance_pk)
    # It may have been withdrawn since the page was shown.
    mail = enquiry.mails.filter(pk=mail_pk).first()
    if mail is not None and requeue(mail=mail, now=timezone.now()):
        messages.success(request, _("The mail is being sent again. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("The mail has been sent already, or is being sent just now."))
    return redirect(enquiry_url("inspect", enquiry.pk))


def delete(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask for confirmation; a post removes the enquiry and everything that belongs to it, without logging it."""
    enquiry = found(instance_pk)
    if request.method != "POST":
        unsent = unsent_of_mailbox(enquiry.email)
        context = {
            "enquiry": enquiry,
            "version_form": VersionForm(initial={"version": enquiry.version}, auto_id=False),
            "others": others_of_mailbox(enquiry),
            "unsent": len(unsent),
            "unsent_until": max((mapping.last_day for mapping in unsent), default=None),
        }
        return TemplateResponse(request, "modeladmin/intake/enquiry/delete.html", context)
    removed = 0
    try:
        with transaction.atomic():
            remove_if_unchanged(enquiry_id=enquiry.pk, version=posted_version(request.POST), now=timezone.now())
            if _UNSENT in request.POST:
                removed = remove_unsent_of_mailbox(enquiry.email)
    except ChangedMeanwhile:
        return conflict(request, enquiry, words=_NOT_REMOVED)
    messages.success(request, _("Enquiry %(reference)s was removed.") % {"reference": enquiry.reference})
    if _UNSENT in request.POST:
        # The number may differ from that on the page: a mapping may have been sent or begun since then.
        words = ngettext(
            "%(count)d initial mapping under way was removed, too.",
            "%(count)d initial mappings under way were removed, too.",
            removed,
        )
        messages.success(request, words % {"count": removed})
    return redirect(enquiry_url("index"))


def nothing_here(request: HttpRequest) -> HttpResponse:
    raise Http404
