"""The contact page: its forms, their posts, and the thank-you page."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPMethod
from typing import Any, ClassVar

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.admin.panels import FieldPanel
from wagtail.contrib.routable_page.models import RoutablePageMixin, path
from wagtail.fields import RichTextField

from home.contact_details import ContactDetails
from home.pages import AlwaysPublic, BasePage
from home.pause.models import current_pause, offered_recently
from home.pause.rules import FormMode
from home.pause.wording import PauseStatus
from intake.choices import Kind, Status
from intake.enquiry.form_pages import (
    FormNotices,
    FormPost,
    PostRefused,
    at_most,
    cache_only_empty_form,
    form_notices,
    read_post,
    require_own_source,
    see_other,
    terms_now,
    too_long_response,
)
from intake.enquiry.forms import ConfirmAddressForm, ContactForm
from intake.enquiry.mails import promised_mails
from intake.enquiry.models import Enquiry
from intake.enquiry.rules import receipt_is_fresh
from intake.enquiry.services import receipt_of, receive_enquiry
from intake.mailbox import is_same_address
from intake.mapping.links import confirm_address, page_link_for_enquiry
from intake.mapping.page import is_offered_to
from intake.rate_limit import address_key, enforce_rate_limit
from intake.settings import IntakeSettings
from intake.submission import PROOF_FIELD, Submission, is_proof_mark, new_form_token
from intake.waiting.forms import WaitingForm, waiting_notices
from intake.waiting.models import WaitingPlace
from intake.waiting.rules import kept_while_waiting

# A waiting-list form is still accepted for this long after it was last offered.
LIST_STAYS_OPEN = timedelta(days=2)
# The HTML id of the sentence on the thank-you page that the address was confirmed.
_CONFIRMED = "vahvistettu"
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
_CONFIRMATION = FormPost(
    content="the confirmation of an address",
    not_stored=gettext_lazy("The confirmation could not be stored. The address is still on the form – try again."),
    not_stored_call=gettext_lazy(
        "The confirmation could not be stored. The address is still on the form – try again or call %(phone)s."
    ),
)


def show_form(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    """Return the page with the empty form."""
    return _form_page(page, request, which, which.form_class(initial={"form_token": new_form_token(timezone.now())}))


def receive_form(page: Any, request: HttpRequest, which: FormKind) -> HttpResponse:
    """Redirect a stored post to the thank-you page (303, or 201 for the forms' script); else show the form as typed.

    The status code of the form is 422 (invalid or expired), 403 (sent from another site), 409 (the waiting list is
    closed), 429 (over the rate limit) or 503 (not stored). A post that is too large to be shown again gets 413.
    """
    if not read_post(request):
        return too_long_response(request, page.get_context(request) | {"limit": which.form_class.message_limit})
    now = timezone.now()
    form = which.form_class(request.POST, posted_at=now)
    return which.post.answer(
        request,
        store=lambda: _store(page, request, which, form, now),
        show_again=lambda **shown: _form_page(page, request, which, form, **shown),
    )


def _store(page: Any, request: HttpRequest, which: FormKind, form: _AnyForm, now: datetime) -> str:
    """Store the post and return the URL of its thank-you page."""
    source_known = require_own_source(request)
    if which is WAITING and not offered_recently(FormMode.WAITING_LIST, within=LIST_STAYS_OPEN, now=now):
        raise PostRefused(
            409, _("The waiting list is not open now, so this form was not taken. Your words are still here.")
        )
    entry = form.entry(source_known=source_known)
    details, pause, terms = ContactDetails.load(request), current_pause(request), form.terms
    chosen = at_most(terms, chosen=IntakeSettings.load(request))
    wants_mail = bool(form.cleaned_data.get("wants_mail"))
    enquiry = receive_enquiry(
        submission=Submission(
            kind=which.kind,
            facts=entry.facts,
            # The same text with the checkbox ticked is not a repeat.
            repeat_text="wants mail" if wants_mail else "",
            wants_mail=wants_mail,
            opening=entry.opening,
            signs=entry.signs,
            shown=which.notices(details=details, pause=pause, chosen=chosen).as_shown(
                consented=wants_mail, terms=terms
            ),
            address_key=address_key(request),
            is_proof=is_proof_mark(request.POST.get(PROOF_FIELD, ""), entry.opening),
        ),
        pause=pause,
        details=details,
        chosen=chosen,
        now=now,
    )
    receipt = receipt_of(enquiry=enquiry, opening=entry.opening)
    return str(page.get_url(request) + page.reverse_subpage("thanks", kwargs={"receipt": receipt}))


def _form_page(
    page: Any, request: HttpRequest, which: FormKind, form: _AnyForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    pause: PauseStatus = current_pause(request)
    chosen = at_most(form.terms, chosen=IntakeSettings.load(request))
    notices = which.notices(details=ContactDetails.load(request), pause=pause, chosen=chosen)
    form.carry(terms_now(chosen=chosen, pause=pause))
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


def show_or_receive(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the form or the contact details, depending on the pause. A post is always received as a message.

    Its sender may have opened the form before the pause started, and must not lose the text.
    """
    if request.method == "POST":
        return receive_form(page, request, MESSAGE)
    mode = current_pause(request).form_mode
    if mode == FormMode.CONTACT_DETAILS:
        context = page.get_context(request) | page.addresses(request)
        return TemplateResponse(request, "intake/contact/details_page.html", context)
    return show_form(page, request, WAITING if mode == FormMode.WAITING_LIST else MESSAGE)


def message(page: Any, request: HttpRequest) -> HttpResponse:
    """Show or receive the message form, also during a pause: people have the right to ask about their data."""
    if request.method == "POST":
        return receive_form(page, request, MESSAGE)
    return show_form(page, request, MESSAGE)


def waiting_list(page: Any, request: HttpRequest) -> HttpResponse:
    """Receive a post of the waiting-list form, while or shortly after it is offered.

    A GET shows the form while it is offered; otherwise it redirects to the contact page.
    """
    if request.method == "POST":
        return receive_form(page, request, WAITING)
    if current_pause(request).form_mode != FormMode.WAITING_LIST:
        return redirect(page.get_url(request))
    return show_form(page, request, WAITING)


def show_thanks(page: Any, request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
    """Confirm a stored enquiry; 404 if there is none.

    Only the page of the first sender (intake.enquiry.services.receipt_of) links to the mapping and the own copy, and
    only for a day.
    """
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    now = timezone.now()
    found = Enquiry.with_proofs.select_related("mapping").filter(Q(receipt=receipt) | Q(repeat_receipt=receipt))
    enquiry = found.first()
    if enquiry is None:
        raise Http404
    is_first_sender = enquiry.receipt == receipt
    may_go_on = is_first_sender and _may_go_on(enquiry, current_pause(request), now)
    if request.method != "POST":
        return _thanks_page(page, request, enquiry, is_first_sender=is_first_sender, may_go_on=may_go_on)
    if not may_go_on or not read_post(request):
        # Sent from an outdated tab (the mapping may have been unpublished since), or not by this page's forms.
        return see_other(request.path)
    try:
        if "email" in request.POST:
            return _confirm_address(page, request, enquiry, now)
        return see_other(reverse("mapping_resume", args=[page_link_for_enquiry(enquiry=enquiry, now=now)]))
    except Enquiry.DoesNotExist as error:
        raise Http404 from error


def _confirm_address(page: Any, request: HttpRequest, enquiry: Enquiry, now: datetime) -> HttpResponse:
    """Confirm the address of the message if the typed one is the same. The page never shows the address."""
    form = ConfirmAddressForm(request.POST)

    def store() -> str:
        if not form.is_valid():
            raise PostRefused(422)
        enforce_rate_limit(f"{address_key(request)[:56]}:confirm", now)
        if not is_same_address(form.cleaned_data["email"], enquiry.email):
            raise PostRefused(422, _("This is not the address of your message. If that one was mistyped, tell Kati."))
        confirm_address(enquiry_id=enquiry.pk, now=now)
        return f"{request.path}#{_CONFIRMED}"

    def show_again(*, status: int, notice: str) -> HttpResponse:
        if notice:
            form.add_error("email", notice)
        # The field is far below the top of the page.
        form.fields["email"].widget.attrs["autofocus"] = True
        return _thanks_page(page, request, enquiry, may_go_on=True, form=form, status=status)

    return _CONFIRMATION.answer(request, store=store, show_again=show_again)


def _thanks_page(
    page: Any,
    request: HttpRequest,
    enquiry: Enquiry,
    *,
    is_first_sender: bool = True,
    may_go_on: bool,
    form: ConfirmAddressForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = page.get_context(request)
    context["reference"] = enquiry.reference
    context["response_time"] = ContactDetails.load(request).answers_within
    context["promised"] = promised_mails(enquiry)
    if is_first_sender and receipt_is_fresh(enquiry.received_at, timezone.now()):
        context["copy_url"] = reverse("own_copy", args=[enquiry.receipt])
    if enquiry.kind == Kind.WAITING:
        # A test letter has no place.
        place = WaitingPlace.objects.filter(enquiry=enquiry).first()
        context["wants_mail"] = place is not None and place.wants_mail
        # The page does not reveal that an enquiry is suspicious.
        context["is_waiting"] = enquiry.is_quarantined or enquiry.status == Status.WAITING_LIST
        months = place.months if place else IntakeSettings.load(request).waiting_months
        context |= {"months": months, "kept_while_waiting": kept_while_waiting(months)}
        return TemplateResponse(request, page.joined_template, context)
    context["offers_mapping"] = may_go_on
    context["address_is_confirmed"] = enquiry.address_confirmed_at is not None
    context["confirmed_id"] = _CONFIRMED
    context["confirm_form"] = form or ConfirmAddressForm()
    return TemplateResponse(request, page.thanks_template, context, status=status)


def _may_go_on(enquiry: Enquiry, pause: PauseStatus, now: datetime) -> bool:
    """Return whether the page links to the mapping. It does not during a pause that replaces the message form."""
    if pause.form_mode != FormMode.AS_USUAL:
        return False
    return receipt_is_fresh(enquiry.received_at, now) and is_offered_to(enquiry)


class ContactPage(AlwaysPublic, RoutablePageMixin, BasePage):
    """The page on which visitors write to the supervisor. Not cached: each form has its own submission id."""

    intro = RichTextField(
        gettext_lazy("introduction"),
        blank=True,
        features=["bold", "italic", "link", "ol", "ul"],
        help_text=gettext_lazy("Stands above the form."),
    )

    template = "intake/contact/page.html"
    thanks_template = "intake/contact/thanks.html"
    joined_template = "intake/waiting/joined_page.html"
    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    allowed_http_methods: ClassVar[list[HTTPMethod]] = [*BasePage.allowed_http_methods, HTTPMethod.POST]
    max_count = 1
    takes_messages: ClassVar[bool] = True
    head_follows_pause: ClassVar[bool] = True
    content_panels: ClassVar[list[Any]] = [
        *BasePage.title_panels,
        FieldPanel("intro"),
        BasePage.picture_panel,
        FieldPanel("body"),
    ]

    class Meta:
        verbose_name = gettext_lazy("contact page")
        verbose_name_plural = gettext_lazy("contact pages")

    @path("", name="form")
    @method_decorator([cache_only_empty_form, sensitive_post_parameters()])
    def form_view(self, request: HttpRequest) -> HttpResponse:
        return show_or_receive(self, request)

    @path("viesti/", name="message")
    @method_decorator([cache_only_empty_form, sensitive_post_parameters()])
    def message_view(self, request: HttpRequest) -> HttpResponse:
        return message(self, request)

    @path("odotuslista/", name="waiting_list")
    @method_decorator([cache_only_empty_form, sensitive_post_parameters()])
    def waiting_view(self, request: HttpRequest) -> HttpResponse:
        return waiting_list(self, request)

    @path("kiitos/<uuid:receipt>/", name="thanks")
    @method_decorator([never_cache, sensitive_post_parameters()])
    def thanks_view(self, request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
        return show_thanks(self, request, receipt)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        # RoutablePageMixin serves its own route and skips the preview code of BasePage.
        return self.framed_by_admin(super().serve_preview(request, mode_name))

    def addresses(self, request: HttpRequest) -> dict[str, str]:
        """Return the URLs of the forms, which do not change in a pause: message_url, waiting_url."""
        own = self.get_url(request) or ""
        return {
            "message_url": own + self.reverse_subpage("message"),
            "waiting_url": own + self.reverse_subpage("waiting_list"),
        }
