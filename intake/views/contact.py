"""What happens to a post of the contact form."""

import logging
import math
from datetime import timedelta
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from home.models import ContactDetails, PauseNotice
from home.pause import PauseStatus
from intake.form_token import FormOpening, new_form_token, read_form_token
from intake.forms import ContactForm
from intake.forms.contact import MESSAGE_LIMIT
from intake.notices import FormNotices, form_notices
from intake.services.receiving import TooManyPosts, receive_enquiry
from intake.spam.rules import MIN_SECONDS
from intake.spam.source import Source, address_key, source_of
from intake.submission import SpamSigns
from intake.views.refusals import see_other, too_many

logger = logging.getLogger(__name__)


def show_or_receive(page: Any, request: HttpRequest) -> HttpResponse:
    """Answer a GET with the form, a good POST with 303 to the thanks page, any other POST with the form and its words.

    Statuses of a POST that comes back: 422 something to mend or to send again, 403 sent from a foreign page, 429 too
    many, 503 the database did not take it. What is far past any letter can't be given back: 413, a page that says so.
    """
    details = ContactDetails.load(request)
    pause = PauseNotice.load(request).status(now=timezone.now(), facebook_url=details.facebook_url)
    notices = form_notices(details=details, pause=pause)
    if request.method == "POST":
        # The form says accept-charset=utf-8. Another name is no browser's, and may not even be one for text ("hex").
        request.encoding = "utf-8"
        try:
            return _receive(page, request, details, pause, notices)
        except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
            return _too_long_response(page, request)
    form = ContactForm(initial={"form_token": new_form_token(timezone.now())})
    return _form_response(page, request, form, notices)


def _receive(
    page: Any, request: HttpRequest, details: ContactDetails, pause: PauseStatus, notices: FormNotices
) -> HttpResponse:
    now = timezone.now()
    opening = read_form_token(request.POST.get("form_token", ""))
    form = ContactForm(request.POST if opening else _with_new_token(request.POST))
    source = source_of(request)
    if source is Source.FOREIGN:
        notice = _("The form was sent from another site’s page. Your words are still here: check them and send again.")
        return _form_response(page, request, form, notices, status=403, notice=notice)
    if not form.is_valid():
        return _form_response(page, request, form, notices, status=422)
    if opening is None:
        notice = _("The form had expired. Your words are still here: send the message again.")
        return _form_response(page, request, form, notices, status=422, notice=notice)
    try:
        enquiry = receive_enquiry(
            facts=form.facts(),
            opening=opening,
            signs=_spam_signs(form, opening, source),
            shown=notices.as_shown(),
            address_key=address_key(request),
            pause=pause,
            now=now,
        )
    except TooManyPosts as refusal:
        response = _form_response(
            page, request, form, notices, status=429, notice=too_many(refusal.retry_after, details.phone_display)
        )
        response["Retry-After"] = str(math.ceil(refusal.retry_after.total_seconds()))
        return response
    except DatabaseError as error:
        # Only the kind is logged: the text of a database error can quote the row.
        logger.error("an enquiry could not be stored: %s", type(error).__name__)
        return _form_response(page, request, form, notices, status=503, notice=_not_stored(details.phone_display))
    return see_other(page.get_url(request) + page.reverse_subpage("thanks", kwargs={"receipt": enquiry.receipt}))


def _form_response(
    page: Any, request: HttpRequest, form: ContactForm, notices: FormNotices, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    context = page.get_context(request)
    context |= {"form": form, "notice": notice, **notices.as_context()}
    return TemplateResponse(request, page.get_template(request), context, status=status)


def _too_long_response(page: Any, request: HttpRequest) -> HttpResponse:
    context = page.get_context(request) | {"limit": MESSAGE_LIMIT}
    return TemplateResponse(request, "intake/contact_too_long.html", context, status=413)


def _with_new_token(data: QueryDict) -> QueryDict:
    """Return the post with a token of ours in place of one that is missing or was not ours.

    Nothing is left to read on that form, so sending it again at once is no sign of a program.
    """
    copy = data.copy()
    copy["form_token"] = new_form_token(timezone.now() - timedelta(seconds=MIN_SECONDS))
    return copy


def _spam_signs(form: ContactForm, opening: FormOpening, source: Source) -> SpamSigns:
    return SpamSigns(
        hidden_field=str(form.cleaned_data.get("extra_line") or ""),
        seconds_open=(timezone.now() - opening.opened_at).total_seconds(),
        source_known=source is Source.OWN,
    )


def _not_stored(phone: str) -> str:
    if not phone:
        return _("The message could not be stored. Your words are still on the form – try again.")
    text = _("The message could not be stored. Your words are still on the form – try again or call %(phone)s.")
    return text % {"phone": phone}
