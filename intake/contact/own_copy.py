"""A visitor's own copy of a sent message or mapping: a page to print and a file to save, available for a day."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from home.contact_details import ContactDetails
from home.dates import finnish_moment
from intake.choices import Kind
from intake.enquiry.forms import ContactForm
from intake.enquiry.models import Enquiry
from intake.enquiry.rules import receipt_is_fresh
from intake.mapping.links import find_link, may_copy, may_open_answers, may_show_letter
from intake.mapping.models import InitialMapping
from intake.mapping.presentation import facts_group, sent_facts, sent_groups, sent_mapping
from intake.waiting.forms import WaitingForm


@dataclass(frozen=True, kw_only=True)
class OwnCopy:
    """The parts of an enquiry that one receipt shows: the message with its contact facts, the mapping, or both."""

    enquiry: Enquiry
    letter: bool
    mapping: InitialMapping | None

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The sent content, for components/answer_list.html."""
        letter = [_letter_group(self.enquiry)] if self.letter else []
        return [*letter, *(sent_groups(sent_mapping(self.mapping)) if self.mapping else [])]

    @property
    def arrivals(self) -> list[str]:
        """Sentences that state what arrived and when."""
        alone = self.enquiry.kind == Kind.MAPPING
        words = []
        if self.letter and not alone:
            joined = self.enquiry.kind == Kind.WAITING
            text = _("Joined the waiting list %(time)s") if joined else _("Message arrived %(time)s")
            words.append(text % {"time": finnish_moment(self.enquiry.received_at)})
        if self.mapping:
            words.append(_("Initial mapping arrived %(time)s") % {"time": finnish_moment(self.mapping.sent_at)})
        return words


def _letter_group(enquiry: Enquiry) -> dict[str, Any]:
    facts = sent_facts(enquiry)
    if enquiry.kind == Kind.MAPPING:
        return facts_group(facts)
    if enquiry.kind == Kind.CONTACT:
        return facts_group(facts, title=_("Message"), form=ContactForm)
    group = facts_group(facts, title=_("Waiting list"), form=WaitingForm)
    # The label of the checkbox is stored only if it was ticked.
    consent = enquiry.shown_texts.get("consent", "")
    box = {
        "label": consent or str(WaitingForm.base_fields["wants_mail"].label),
        "value": _("Yes") if consent else _("No"),
    }
    return {**group, "answers": [*group["answers"], box]}


def find_copy(secret: str, *, now: datetime) -> OwnCopy | None:
    """Return what the receipt with this secret shows now; None if there is nothing (any more).

    A receipt is the secret of a sent mapping's private link, or the secret in the URL of a thank-you page. The receipt
    of a repeat (Enquiry.repeat_receipt) shows nothing: it may belong to somebody else who sent the same text.
    """
    link = find_link(secret, now=now)
    if link is not None:
        return _copy_by_link(link.mapping, by_mail=link.by_mail, now=now)
    try:
        receipt = uuid.UUID(secret)
    except ValueError:
        return None
    enquiry = Enquiry.with_proofs.select_related("mapping").filter(receipt=receipt).first()
    if enquiry is None or not receipt_is_fresh(enquiry.received_at, now):
        return None
    mapping = getattr(enquiry, "mapping", None)
    shows_answers = mapping is not None and mapping.is_sent and may_open_answers(mapping, by_mail=False)
    return OwnCopy(enquiry=enquiry, letter=True, mapping=mapping if shows_answers else None)


def _copy_by_link(mapping: InitialMapping, *, by_mail: bool, now: datetime) -> OwnCopy | None:
    enquiry = mapping.enquiry
    if enquiry is None or not may_copy(mapping, by_mail=by_mail, now=now):
        return None
    return OwnCopy(enquiry=enquiry, letter=may_show_letter(mapping, by_mail=by_mail), mapping=mapping)


# Without csrf_exempt a POST would get 403 instead of 405. No token is needed, because these views accept no POST.
@csrf_exempt
@require_safe
@sensitive_variables()
def show_copy(request: HttpRequest, secret: str) -> HttpResponse:
    """Show the copy; 410 if there is none (any more). Middleware keeps it out of caches, logs and search engines."""
    copy = find_copy(secret, now=timezone.now())
    if copy is None:
        return _gone(request)
    context = {"copy": copy, "file_url": reverse("own_copy_file", args=[secret])}
    return TemplateResponse(request, "intake/contact/own_copy.html", context)


@csrf_exempt
@require_safe
@sensitive_variables()
def save_copy(request: HttpRequest, secret: str) -> HttpResponse:
    """Send the copy as one self-contained HTML file; 410 like show_copy()."""
    copy = find_copy(secret, now=timezone.now())
    if copy is None:
        return _gone(request)
    context = {"copy": copy, "contact_details": ContactDetails.load(request)}
    # Rendered without the request: the file has no menu, no URL of this site and nothing else of the surrounding page.
    response = HttpResponse(render_to_string("intake/contact/own_copy_file.html", context).lstrip())
    response["Content-Disposition"] = f'attachment; filename="aijuu-oma-kopio-{copy.enquiry.reference}.html"'
    return response


def _gone(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "intake/contact/copy_gone.html", status=410)
