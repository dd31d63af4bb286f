"""Receiving a form of the contact page: a message, or joining the waiting list."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from home.contact_details import ContactDetails
from home.pause.rules import FormMode
from home.pause.selectors import current_pause, offered_recently
from home.pause.wording import PauseStatus
from intake.choices import Kind
from intake.enquiry.forms import ContactForm
from intake.enquiry.notices import FormNotices, form_notices
from intake.enquiry.responses import rate_limit_message, stored_response
from intake.enquiry.services import receipt_of, receive_enquiry
from intake.spam.limit import Source, TooManyPosts, address_key, source_of
from intake.spam.rules import MIN_SECONDS
from intake.submission import FormOpening, SpamSigns, Submission, new_form_token, read_form_token
from intake.waiting.forms import WaitingForm, waiting_notices

logger = logging.getLogger(__name__)
# A waiting-list form is still accepted for so long after it was last offered.
LIST_STAYS_OPEN = timedelta(days=2)
_AnyForm = ContactForm | WaitingForm


@dataclass(frozen=True, kw_only=True)
class FormKind:
    """One of the forms of the contact page: its form class, the kind of enquiry, its template and its notices."""

    form_class: type[_AnyForm]
    kind: Kind
    template: str
    notices: Callable[..., FormNotices]


MESSAGE = FormKind(form_class=ContactForm, kind=Kind.CONTACT, template="intake/contact/page.html", notices=form_notices)
WAITING = FormKind(
    form_class=WaitingForm, kind=Kind.WAITING, template="intake/waiting/join_page.html", notices=waiting_notices
)


def show_form(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    """Return the page with the empty form."""
    return _response(page, request, which, which.form_class(initial={"form_token": new_form_token(timezone.now())}))


def receive_form(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    """Redirect a stored post (303) to the thank-you page; show the form as typed otherwise.

    Status codes then: 422 invalid or expired, 403 sent from another site, 409 the waiting list is closed, 429 over the
    rate limit, 503 not stored. 413 for a post that is too large to be shown again.
    """
    # The form has accept-charset=utf-8. No browser sends another one, which may not even be a text encoding ("hex").
    request.encoding = "utf-8"
    try:
        return _receive(page, request, which)
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        context = page.get_context(request) | {"limit": which.form_class.message_limit}
        return TemplateResponse(request, "intake/contact/too_long.html", context, status=413)


def _receive(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    now = timezone.now()
    opening = read_form_token(request.POST.get("form_token", ""))
    form = which.form_class(request.POST if opening else _with_new_token(request.POST))
    source = source_of(request)
    if source is Source.FOREIGN:
        notice = _("The form was sent from another site’s page. Your words are still here: check them and send again.")
        return _response(page, request, which, form, status=403, notice=notice)
    if which is WAITING and not offered_recently(FormMode.WAITING_LIST, within=LIST_STAYS_OPEN, now=now):
        notice = _("The waiting list is not open now, so this form was not taken. Your words are still here.")
        return _response(page, request, which, form, status=409, notice=notice)
    if not form.is_valid():
        return _response(page, request, which, form, status=422)
    if opening is None:
        notice = _("The form had expired. Your words are still here: send the message again.")
        if which is WAITING:
            notice = _("The form had expired. Your words are still here: send the form again.")
        return _response(page, request, which, form, status=422, notice=notice)
    details, pause = ContactDetails.load(request), current_pause(request)
    wants_mail = bool(form.cleaned_data.get("wants_mail"))
    try:
        enquiry = receive_enquiry(
            submission=Submission(
                kind=which.kind,
                facts=form.facts(),
                # The same text with the checkbox ticked is no repeat.
                repeat_text="wants mail" if wants_mail else "",
                wants_mail=wants_mail,
                opening=opening,
                signs=_spam_signs(form, opening, source, now),
                shown=which.notices(details=details, pause=pause).as_shown(consented=wants_mail),
                address_key=address_key(request),
            ),
            pause=pause,
            now=now,
        )
        receipt = receipt_of(enquiry=enquiry, opening=opening)
    except TooManyPosts as refusal:
        notice = rate_limit_message(refusal.retry_after, details.phone_display)
        response = _response(page, request, which, form, status=429, notice=notice)
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        return response
    except DatabaseError as error:
        # Only the type is logged: the text of a database error can quote the row.
        logger.error("an enquiry could not be stored: %s", type(error).__name__)
        return _response(page, request, which, form, status=503, notice=_not_stored(which, details.phone_display))
    return stored_response(request, page.get_url(request) + page.reverse_subpage("thanks", kwargs={"receipt": receipt}))


def _response(
    page: Any, request: HttpRequest, which: FormKind, form: _AnyForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    pause: PauseStatus = current_pause(request)
    notices = which.notices(details=ContactDetails.load(request), pause=pause)
    below = tuple(f"/{page.reverse_subpage(name)}" for name in ("message", "waiting_list"))
    context = page.get_context(request) | page.addresses(request)
    context |= {
        "form": form,
        "list_is_closed": status == 409,
        "notice": notice,
        "takes_waiting": pause.form_mode == FormMode.WAITING_LIST,
        # Search engines should index the URL of the page itself only.
        "is_below": request.path.endswith(below),
        **notices.as_context(),
    }
    return TemplateResponse(request, which.template, context, status=status)


def _with_new_token(data: QueryDict) -> QueryDict:
    """Return the post with a new token in place of a missing or invalid one.

    The token is backdated, so that sending it again at once is not suspicious.
    """
    copy = data.copy()
    copy["form_token"] = new_form_token(timezone.now() - timedelta(seconds=MIN_SECONDS))
    return copy


def _spam_signs(form: _AnyForm, opening: FormOpening, source: Source, now: datetime) -> SpamSigns:
    return SpamSigns(
        hidden_field=str(form.cleaned_data.get("extra_line") or ""),
        seconds_open=(now - opening.opened_at).total_seconds(),
        source_known=source is Source.OWN,
    )


def _not_stored(which: FormKind, phone: str) -> str:
    if which is WAITING and phone:
        text = _("The form could not be stored. Your words are still on it – try again or call %(phone)s.")
    elif which is WAITING:
        text = _("The form could not be stored. Your words are still on it – try again.")
    elif phone:
        text = _("The message could not be stored. Your words are still on the form – try again or call %(phone)s.")
    else:
        text = _("The message could not be stored. Your words are still on the form – try again.")
    return text % {"phone": phone} if phone else text
