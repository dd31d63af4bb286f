"""Receiving a form of the contact page: a message, or joining the waiting list."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from home.contact_details import ContactDetails
from home.pause.rules import FormMode
from home.pause.selectors import current_pause, offered_recently
from home.pause.wording import PauseStatus
from intake.choices import Kind
from intake.enquiry.forms import ContactForm
from intake.enquiry.notices import FormNotices, form_notices
from intake.enquiry.responses import FormPost, PostRefused, read_post, require_own_source, too_long_response
from intake.enquiry.services import receipt_of, receive_enquiry
from intake.spam.limit import address_key
from intake.submission import Submission, new_form_token
from intake.waiting.forms import WaitingForm, waiting_notices

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
    post: FormPost


MESSAGE = FormKind(
    form_class=ContactForm,
    kind=Kind.CONTACT,
    template="intake/contact/page.html",
    notices=form_notices,
    post=FormPost(
        content="an enquiry",
        not_stored=gettext_lazy("The message could not be stored. Your words are still on the form – try again."),
        not_stored_call=gettext_lazy(
            "The message could not be stored. Your words are still on the form – try again or call %(phone)s."
        ),
    ),
)
WAITING = FormKind(
    form_class=WaitingForm,
    kind=Kind.WAITING,
    template="intake/waiting/join_page.html",
    notices=waiting_notices,
    post=FormPost(
        content="an enquiry",
        not_stored=gettext_lazy("The form could not be stored. Your words are still on it – try again."),
        not_stored_call=gettext_lazy(
            "The form could not be stored. Your words are still on it – try again or call %(phone)s."
        ),
    ),
)


def show_form(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    """Return the page with the empty form."""
    return _response(page, request, which, which.form_class(initial={"form_token": new_form_token(timezone.now())}))


def receive_form(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    """Redirect a stored post (303) to the thank-you page; show the form as typed otherwise.

    Status codes then: 422 invalid or expired, 403 sent from another site, 409 the waiting list is closed, 429 over the
    rate limit, 503 not stored. 413 for a post that is too large to be shown again.
    """
    if not read_post(request):
        return too_long_response(request, page.get_context(request) | {"limit": which.form_class.message_limit})
    now = timezone.now()
    form = which.form_class(request.POST, posted_at=now)
    return which.post.answer(
        request,
        store=lambda: _store(page, request, which, form, now),
        show_again=lambda **shown: _response(page, request, which, form, **shown),
    )


def _store(page: Any, request: HttpRequest, which: FormKind, form: _AnyForm, now: datetime) -> str:
    """Store the post and return the URL of its thank-you page."""
    source_known = require_own_source(request)
    if which is WAITING and not offered_recently(FormMode.WAITING_LIST, within=LIST_STAYS_OPEN, now=now):
        raise PostRefused(
            409, _("The waiting list is not open now, so this form was not taken. Your words are still here.")
        )
    entry = form.entry(source_known=source_known)
    details, pause = ContactDetails.load(request), current_pause(request)
    wants_mail = bool(form.cleaned_data.get("wants_mail"))
    enquiry = receive_enquiry(
        submission=Submission(
            kind=which.kind,
            facts=entry.facts,
            # The same text with the checkbox ticked is no repeat.
            repeat_text="wants mail" if wants_mail else "",
            wants_mail=wants_mail,
            opening=entry.opening,
            signs=entry.signs,
            shown=which.notices(details=details, pause=pause).as_shown(consented=wants_mail),
            address_key=address_key(request),
        ),
        pause=pause,
        now=now,
    )
    receipt = receipt_of(enquiry=enquiry, opening=entry.opening)
    return str(page.get_url(request) + page.reverse_subpage("thanks", kwargs={"receipt": receipt}))


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
