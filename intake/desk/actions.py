"""More views of an enquiry: preparation notes, summary, private links, order of the waiting list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, re_path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.choices import MailPurpose, MailState, StepKind
from intake.desk.enquiry_page import (
    can_get_waiting_link,
    conflict,
    found,
    guarded,
    page,
    saved,
    show_form_errors,
    told_if_gone,
)
from intake.enquiry.forms import PreparationForm, VersionForm, posted_version
from intake.enquiry.models import Enquiry, enquiry_url, may_act, may_see
from intake.enquiry.services import ChangedMeanwhile, lock_enquiry, require_version, save_change
from intake.mail.models import OutgoingMail
from intake.mapping.mails import queue_mapping_link
from intake.mapping.page import can_be_invited
from intake.mapping.presentation import SentMapping, facts_group, read_mapping, sent_facts, sent_groups
from intake.mapping.services import save_preparation_notes
from intake.waiting.forms import MoveAheadForm
from intake.waiting.mails import queue_waiting_link
from intake.waiting.places import NotWaiting, move_ahead, move_back
from intake.waiting.plan_page import show_or_start, stop
from intake.waiting.reading import read_place, show

SUMMARY_TEMPLATE = "intake/mapping/summary.html"
LIST = "waiting_list"


def save_preparation(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Save the supervisor's notes for the first meeting. Notes that are not in the post are kept."""
    enquiry = found(instance_pk)
    words = request.POST.copy()
    words.setdefault("preparation_notes", _sent(enquiry).preparation_notes)
    form = PreparationForm(words)
    if not form.is_valid():
        show_form_errors(request, form)
        return page(request, enquiry, preparation_form=form, status=422)
    notes = form.cleaned_data["preparation_notes"]
    try:
        save_preparation_notes(
            enquiry_id=enquiry.pk,
            version=form.cleaned_data["version"],
            notes=notes,
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        return conflict(request, enquiry, preparation_notes=notes)
    return saved(request, enquiry, form="preparation", words=_("The notes were saved."))


def summary(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show the mapping for printing, with the supervisor's notes on a separate sheet."""
    return _summary(request, instance_pk, is_copy=False)


def senders_copy(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Show the sender's copy of the mapping for printing, without the supervisor's notes."""
    return _summary(request, instance_pk, is_copy=True)


def _summary(request: HttpRequest, instance_pk: str, *, is_copy: bool) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    enquiry = found(instance_pk)
    mapping = _sent(enquiry)
    context = {
        "enquiry": enquiry,
        "mapping": mapping,
        "groups": [facts_group(sent_facts(enquiry)), *sent_groups(mapping)],
        "is_copy": is_copy,
        "preparation_notes": "" if is_copy else mapping.preparation_notes,
    }
    response = TemplateResponse(request, SUMMARY_TEMPLATE, context)
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "same-origin"
    return response


def _sent(enquiry: Enquiry) -> SentMapping:
    mapping = read_mapping(enquiry, now=timezone.now())
    if not isinstance(mapping, SentMapping):
        raise Http404
    return mapping


@dataclass(frozen=True, kw_only=True)
class _Question:
    """The texts of the page that asks before a link is sent."""

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


def _send(
    enquiry_id: int,
    version: int,
    purpose: MailPurpose,
    step: StepKind,
    queue: Callable[[Enquiry], None],
    by: AbstractBaseUser | None,
    now: datetime,
) -> bool:
    with transaction.atomic():
        enquiry = lock_enquiry(enquiry_id)
        require_version(enquiry, version)
        earlier = OutgoingMail.objects.filter(enquiry=enquiry, purpose=purpose)
        if earlier.filter(state__in=(MailState.QUEUED, MailState.SENDING)).exists():
            return False
        # The new mail needs its own Message-ID: mail programs hide duplicates.
        earlier.delete()
        queue(enquiry)
        save_change(enquiry, step, by=by, now=now)
    return True


def send_mapping_link(*, enquiry_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> bool:
    """Queue a mail with a private link to the mapping, replacing an earlier one. Returns False if one is unsent.

    The secret is generated on delivery. Raises ChangedMeanwhile for an old `version`; a double click sends one mail.
    """

    def queue(enquiry: Enquiry) -> None:
        queue_mapping_link(enquiry=enquiry, now=now)

    return _send(enquiry_id, version, MailPurpose.MAPPING_LINK, StepKind.LINK_SENT, queue, by, now)


def send_mapping(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask for confirmation; a post queues a mail with a new private link to the enquiry's mapping."""
    enquiry = found(instance_pk)
    may_go = can_be_invited(enquiry, now=timezone.now())
    return _ask_or_send(request, enquiry, _MAPPING, may_go=may_go, send=send_mapping_link)


def send_waiting_link(*, enquiry_id: int, version: int, by: AbstractBaseUser | None, now: datetime) -> bool:
    """Queue a mail with a private link to the place on the waiting list; otherwise like send_mapping_link()."""

    def queue(enquiry: Enquiry) -> None:
        waiter = read_place(enquiry)
        queue_waiting_link(place=enquiry.waiting, removed_on=waiter.removed_on if waiter else None, now=now)

    return _send(enquiry_id, version, MailPurpose.WAITING_LINK, StepKind.WAITING_LINK_SENT, queue, by, now)


def send_place(request: HttpRequest, instance_pk: str) -> HttpResponse:
    """Ask for confirmation; a post queues a mail with a new private link to the place on the waiting list."""
    enquiry = found(instance_pk)
    return _ask_or_send(request, enquiry, _PLACE, may_go=can_get_waiting_link(enquiry), send=send_waiting_link)


def _ask_or_send(
    request: HttpRequest, enquiry: Enquiry, question: _Question, *, may_go: bool, send: Callable[..., bool]
) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not may_go:
        messages.error(request, _("The link can't be sent to this enquiry any more."))
        return redirect(enquiry_url("inspect", enquiry.pk))
    if request.method != "POST":
        form = VersionForm(initial={"version": enquiry.version}, auto_id=False)
        context = {"enquiry": enquiry, "version_form": form, "title": question.title, "effect": question.effect}
        return TemplateResponse(request, "modeladmin/intake/enquiry/send_link.html", context)
    try:
        queued = send(enquiry_id=enquiry.pk, version=posted_version(request.POST), by=request.user, now=timezone.now())
    except ChangedMeanwhile:
        return conflict(request, enquiry)
    if queued:
        messages.success(request, _("The link is on its way. Load the page in a moment to see how it went."))
    else:
        messages.info(request, _("A mail with the link is on its way already."))
    return redirect(enquiry_url("inspect", enquiry.pk))


def to_the_head(request: HttpRequest, enquiry_id: str) -> HttpResponse:
    """Ask for a reason; a post moves the enquiry to the head of the list."""
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
        messages.error(request, _changed_elsewhere_message())
        fresh = MoveAheadForm(initial={"version": enquiry.version, "reason": reason})
        return _ask(request, enquiry, fresh, status=409)
    except NotWaiting:
        return _not_waiting(request, enquiry)
    text = _("Enquiry %(reference)s is now the first on the waiting list.")
    messages.success(request, text % {"reference": enquiry.reference})
    return redirect(LIST)


def back(request: HttpRequest, enquiry_id: str) -> HttpResponse:
    """Move an enquiry that was moved ahead back to its place by arrival."""
    enquiry = found(enquiry_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        move_back(
            enquiry_id=enquiry.pk,
            version=posted_version(request.POST),
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except ChangedMeanwhile:
        messages.error(request, _changed_elsewhere_message())
        return redirect(LIST)
    except NotWaiting:
        return _not_waiting(request, enquiry)
    text = _("Enquiry %(reference)s is back in its own place on the waiting list.")
    messages.success(request, text % {"reference": enquiry.reference})
    return redirect(LIST)


def _ask(request: HttpRequest, enquiry: Enquiry, form: MoveAheadForm, *, status: int = 200) -> HttpResponse:
    waiter = read_place(enquiry)
    if waiter is None:
        return _not_waiting(request, enquiry)
    context = {"waiter": waiter, "form": form}
    return TemplateResponse(request, "intake/waiting/admin/move_ahead.html", context, status=status)


def _not_waiting(request: HttpRequest, enquiry: Enquiry) -> HttpResponse:
    messages.info(request, _("The enquiry is not on the waiting list any more."))
    return redirect(enquiry_url("inspect", enquiry.pk))


def _changed_elsewhere_message() -> str:
    return _(
        "The enquiry was changed elsewhere after you opened this page, so nothing was saved. Check it and save again."
    )


def waiting_addresses() -> list[URLPattern]:
    """Return the URL patterns for the hook register_admin_urls."""

    def at(route: str, view: Callable[..., HttpResponseBase], allowed: Callable[..., bool], name: str) -> URLPattern:
        return re_path(rf"^odotuslista/{route}$", guarded(told_if_gone(view), allowed), name=name)

    enquiry = r"(?P<enquiry_id>[0-9]{1,18})/"
    return [
        at("", show, may_see, "waiting_list"),
        at(f"karkeen/{enquiry}", to_the_head, may_act, "waiting_move_ahead"),
        at(f"takaisin/{enquiry}", back, may_act, "waiting_move_back"),
        at("paluu/", show_or_start, may_see, "return_plan"),
        at("paluu/pysayta/", stop, may_act, "return_plan_stop"),
    ]
