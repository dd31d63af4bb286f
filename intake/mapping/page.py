"""The Wagtail page on which a mapping starts, and its previews."""

from datetime import datetime
from http import HTTPMethod
from typing import Any, ClassVar

from django.db import connection, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.admin.panels import FieldPanel, HelpPanel, MultiFieldPanel
from wagtail.contrib.routable_page.models import RoutablePageMixin, path
from wagtail.fields import RichTextField, StreamField

from home.editors_text import PROSE_FEATURES, editors_text
from home.pages import AlwaysPublic, BasePage
from home.pause.rules import FormMode
from home.pause.wording import PauseStatus
from intake.choices import Kind, MailPurpose, StepKind
from intake.enquiry.form_pages import cache_only_empty_form, read_post, require_own_source, too_long_response
from intake.enquiry.forms import MappingFactsForm
from intake.enquiry.mails import enquiry_of, offer_next_step, to_sender, withdraw_as
from intake.enquiry.models import Enquiry
from intake.mail.models import OutgoingMail
from intake.mail.queue import Handling, PrivateLink, derived_secret, register
from intake.mapping.answers import Answers, endings_of, recommended
from intake.mapping.blocks import register_draft_reader
from intake.mapping.links import find_link
from intake.mapping.mails import MAPPING_LINK
from intake.mapping.models import InitialMapping, condition_facts_of
from intake.mapping.presentation import (
    ANSWERS,
    CHECK_TEMPLATE,
    ENDED_TEMPLATE,
    STEP_TEMPLATE,
    Lost,
    StepPage,
    answer_groups,
    current_notices,
    ended_url,
    facts_page,
    step_context,
)
from intake.mapping.question_stream import ENDING, QuestionStreamBlock, read_question_set
from intake.mapping.questions import Ending, QuestionSet
from intake.mapping.services import MappingStart, begin_mapping, discard_mapping, repeated_facts
from intake.mapping.step_form import StepForm, has_free_text
from intake.rate_limit import address_key
from intake.submission import MAPPING_FORM, new_form_token

_STEP, _ENDING = "step-", "ending-"
# Raw SQL, because it runs for every message: Django takes ten times as long to build the query as to run it.
_PUBLISHED = """
    SELECT CAST(questions AS text) FROM intake_mappingpage
    JOIN wagtailcore_page ON wagtailcore_page.id = page_ptr_id WHERE live LIMIT 1
"""


def preview_modes(page: Any) -> list[tuple[str, Any]]:
    """Return Wagtail's preview modes, one for each page that visitors see.

    These are the start page, each step, the check page, each early end, and the page on where to turn instead.
    """
    question_set = page.question_set()
    return [
        ("", gettext_lazy("Where it begins")),
        ("facts", gettext_lazy("Contact details")),
        *((f"{_STEP}{number}", step.title) for number, step in enumerate(question_set.steps, 1)),
        ("check", gettext_lazy("Check your answers")),
        *((f"{_ENDING}{number}", ending.title) for number, ending in enumerate(question_set.endings, 1)),
        ("elsewhere", page.elsewhere_heading),
    ]


def show_preview(page: Any, request: HttpRequest, mode: str) -> HttpResponse | None:
    """Return the preview of one page. It shows every question, with its condition in words.

    Returns None for a step that does not exist: the editor's list of modes may be outdated, and a 404 would stop the
    preview for good.
    """
    question_set: QuestionSet = page.question_set()
    common = {"preview_of_page": True, "tryout_url": reverse("mapping_tryout", args=[page.pk]) if page.pk else ""}
    if mode == "elsewhere":
        return TemplateResponse(request, page.elsewhere_template, page.get_context(request))
    if mode == "check":
        notices, _pause, _details = current_notices(request)
        groups = answer_groups(question_set, {}, {})
        context = {
            "groups": groups,
            "lacking": 0,
            "recommended": recommended(question_set, {}, {}),
            **notices.as_context(),
            **common,
        }
        return TemplateResponse(request, CHECK_TEMPLATE, page.get_context(request) | context)
    steps = len(question_set.steps) + 1
    if mode == "facts":
        context = step_context(request, facts_page(MappingFactsForm(), steps=steps))
        return TemplateResponse(request, STEP_TEMPLATE, page.get_context(request) | context | common)
    endings = {f"{_ENDING}{number}": ending for number, ending in enumerate(question_set.endings, 1)}
    if mode in endings:
        context = {"ending": endings[mode], **common}
        return TemplateResponse(request, ENDED_TEMPLATE, page.get_context(request) | context)
    number = {f"{_STEP}{number}": number for number in range(1, steps)}.get(mode)
    if number is None:
        return None
    step = question_set.steps[number - 1]
    is_warned = has_free_text(question_set.steps[: number - 1], {})
    form = StepForm(step=step, known={}, initial_answers={}, everything=True, is_warned=is_warned)
    context = step_context(
        request,
        StepPage(
            form=form,
            title=step.title,
            introduction=step.introduction,
            step=number + 1,
            steps=steps,
            back=False,
        ),
    )
    return TemplateResponse(request, STEP_TEMPLATE, page.get_context(request) | context | common)


def show_start(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the page that describes the mapping and leads to its first step."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    context = page.get_context(request)
    notices, _pause, _details = current_notices(request)
    context |= {
        "begin_url": page.get_url(request) + page.reverse_subpage("begin"),
        "elsewhere_url": page.get_url(request) + page.reverse_subpage("elsewhere") if page.elsewhere_text else "",
        "step_titles": [step.title for step in page.question_set().steps],
        **notices.as_context(),
    }
    return TemplateResponse(request, page.template, context)


def show_elsewhere(page: Any, request: HttpRequest) -> HttpResponse:
    """Show where to turn if supervision is not the right help. Stores nothing."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not page.elsewhere_text:
        raise Http404
    return TemplateResponse(request, page.elsewhere_template, page.get_context(request))


def start_or_show(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the first step. A valid POST stores it and redirects (303); an invalid one shows the form as it was typed.

    The status codes of an invalid POST are those of the contact form (intake.contact.page).
    """
    now = timezone.now()
    if request.method != "POST":
        token = new_form_token(now, form=MAPPING_FORM)
        return _response(page, request, MappingFactsForm(initial={"form_token": token}))
    if not read_post(request):
        return too_long_response(request, page.get_context(request))
    form = MappingFactsForm(request.POST, posted_at=now)

    def store() -> str:
        entry = form.entry(source_known=require_own_source(request))
        start = MappingStart(entry=entry, question_set=page.question_set())
        secret = derived_secret("intake.mapping-start", entry.opening.submission_id)
        # The same form may have been posted before; then its mapping exists already.
        link = find_link(secret, now=now)
        ending = _ending_at_start(start, link.mapping if link else None)
        if ending:
            if link:
                discard_mapping(mapping_id=link.mapping_id)
            return ended_url(ending, lost=Lost.ALL if link else Lost.SENT)
        begin_mapping(secret=secret, start=start, address_key=address_key(request), now=now)
        return reverse("mapping_resume", args=[secret])

    return ANSWERS.answer(request, store=store, show_again=lambda **shown: _response(page, request, form, **shown))


def _ending_at_start(start: MappingStart, begun: InitialMapping | None) -> Ending | None:
    """Return the early end to which the first step leads; None if the mapping goes on.

    If the mapping exists already (`begun`), its own questions and its updated facts (repeated_facts) decide.
    """
    if begun is None:
        return ending_for(start.question_set, condition_facts_of(start.entry.facts), {})
    if begun.is_sent:
        return None
    return ending_for(begun.questions, condition_facts_of(repeated_facts(begun, start.entry.facts)), {})


def _response(
    page: Any, request: HttpRequest, form: MappingFactsForm, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    steps = len(page.question_set().steps) + 1
    context = page.get_context(request)
    context |= step_context(request, facts_page(form, steps=steps, notice=notice, draft="mapping"))
    return TemplateResponse(request, page.facts_template, context, status=status)


class MappingPage(AlwaysPublic, RoutablePageMixin, BasePage):
    """The start of the initial mapping. The steps after the first have private URLs (intake.urls)."""

    accepts_applications: ClassVar[bool] = True

    intro = RichTextField(
        gettext_lazy("introduction"),
        blank=True,
        features=["bold", "italic", "link", "ol", "ul"],
        help_text=gettext_lazy("Stands above the button that begins the mapping."),
    )
    elsewhere_question = models.CharField(
        gettext_lazy("question before the start"),
        max_length=200,
        blank=True,
        help_text=gettext_lazy("Leads those whom supervision is not for to the text below, before anything is stored."),
    )
    elsewhere_title = models.CharField(gettext_lazy("title of that page"), max_length=120, blank=True)
    elsewhere_text = RichTextField(
        gettext_lazy("where to turn"),
        blank=True,
        # The headings stand directly below the title of the page, so they begin with h2.
        features=["h2", *(name for name in PROSE_FEATURES if name != "h4")],
        help_text=gettext_lazy("Where to turn in a crisis, in a quarrel that needs a judge, or for therapy."),
    )
    questions = StreamField(
        QuestionStreamBlock(),
        verbose_name=gettext_lazy("questions"),
        help_text=gettext_lazy(
            "A step begins a new page of the form; the questions below it belong to it. Contact details, the form of "
            "supervision and where to meet are always asked first. What has been answered already never changes."
        ),
    )

    template = "intake/mapping/start_page.html"
    facts_template = "intake/mapping/step_page.html"
    elsewhere_template = "intake/mapping/elsewhere_page.html"
    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    allowed_http_methods: ClassVar[list[HTTPMethod]] = [*BasePage.allowed_http_methods, HTTPMethod.POST]
    max_count = 1
    content_panels: ClassVar[list[Any]] = [
        *BasePage.title_panels,
        FieldPanel("intro"),
        BasePage.picture_panel,
        MultiFieldPanel(
            [
                FieldPanel("elsewhere_question"),
                FieldPanel(
                    "elsewhere_title",
                    heading=gettext_lazy("Title of the page for them"),
                    help_text=gettext_lazy("Also the words of the link that leads there."),
                ),
                FieldPanel("elsewhere_text"),
            ],
            heading=gettext_lazy("When supervision is not what is needed"),
        ),
        MultiFieldPanel(
            [
                HelpPanel(template="intake/mapping/editor_help.html"),
                FieldPanel("questions"),
            ],
            heading=gettext_lazy("Questions"),
        ),
        FieldPanel("body"),
    ]

    class Meta:
        verbose_name = gettext_lazy("mapping page")
        verbose_name_plural = gettext_lazy("mapping pages")

    def question_set(self) -> QuestionSet:
        """Return the questions of this revision of the page."""
        published = timezone.localdate(self.last_published_at).isoformat() if self.last_published_at else ""
        return read_question_set(self.questions, published_on=published)

    @property
    def elsewhere_heading(self) -> str:
        """The title of the page on where to turn."""
        return editors_text(self.elsewhere_title) or gettext("Where to turn")

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        return preview_modes(self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        shown = show_preview(self, request, mode_name) if mode_name else None
        # RoutablePageMixin serves its own route and skips the preview code of BasePage.
        return self.framed_by_admin(shown or super().serve_preview(request, ""))

    @path("", name="start")
    def start_view(self, request: HttpRequest) -> HttpResponse:
        return show_start(self, request)

    @path("aloita/", name="begin")
    @method_decorator([cache_only_empty_form, sensitive_post_parameters()])
    def begin_view(self, request: HttpRequest) -> HttpResponse:
        return start_or_show(self, request)

    @path("muualle/", name="elsewhere")
    def elsewhere_view(self, request: HttpRequest) -> HttpResponse:
        return show_elsewhere(self, request)


def published_questions() -> QuestionSet | None:
    """Return the questions of the mapping page; None if it is not published."""
    page = MappingPage.objects.live().first()
    return page.question_set() if page else None


def ending_for(question_set: QuestionSet, facts: Answers, answers: Answers) -> Ending | None:
    """Return the early end of a mapping with these questions; None if it goes on.

    An early end counts only while it is published for these answers: otherwise its page would have no text.
    """
    if not endings_of(question_set, facts, answers):
        return None
    found = endings_of(question_set, facts, answers, published=published_questions() or QuestionSet())
    return found[0] if found else None


def is_offered_to(enquiry: Enquiry) -> bool:
    """Return whether the sender of this enquiry can go on with a mapping.

    The mapping page must be published. The enquiry must be a message whose mapping was not sent yet and whose contact
    facts do not lead to an early end.
    """
    mapping = getattr(enquiry, "mapping", None)
    if enquiry.kind != Kind.CONTACT or (mapping is not None and mapping.is_sent):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_PUBLISHED)
        published = cursor.fetchone()
    if published is None or f'"{ENDING}"' not in published[0]:
        # Without an early end, as in most cases, the questions need not be read.
        return published is not None
    question_set = mapping.questions if mapping is not None and mapping.question_set else published_questions()
    return question_set is not None and ending_for(question_set, condition_facts_of(enquiry), {}) is None


def can_be_invited(enquiry: Enquiry, *, now: datetime) -> bool:
    """Return whether the supervisor may mail a link to the mapping to the sender of this enquiry.

    The enquiry must be open, not suspicious, and able to go on with a mapping (is_offered_to). While its mapping is
    expired, no link is sent: the mapping is removed within the hour, and then another one can be started.
    """
    mapping = getattr(enquiry, "mapping", None)
    is_expired = mapping is not None and mapping.started_at is not None and mapping.expires_at <= now
    return not is_expired and _may_go_on(enquiry)


def _may_go_on(enquiry: Enquiry) -> bool:
    return not enquiry.is_closed and not enquiry.is_quarantined and is_offered_to(enquiry)


@offer_next_step
def _mapping_after_message(enquiry: Enquiry, pause: PauseStatus) -> PrivateLink | None:
    """Return the private link for the confirmation of a message; None if the confirmation offers no mapping.

    A new mapping is offered only while the contact page takes messages as usual; one that has begun is offered in every
    mode. A closed enquiry gets no link.
    """
    mapping = getattr(enquiry, "mapping", None)
    is_begun = mapping is not None and mapping.started_at is not None
    is_asked_for = (is_begun or pause.form_mode == FormMode.AS_USUAL) and not enquiry.is_closed
    return MAPPING_LINK if is_asked_for and is_offered_to(enquiry) else None


def _is_link_valid(mail: OutgoingMail, _now: datetime) -> bool:
    """Return whether the mail with the link may still be sent.

    An expired mapping does not prevent it: making the link replaces that mapping by a new one (intake.mapping.links).
    """
    return _may_go_on(enquiry_of(mail))


register(
    MailPurpose.MAPPING_LINK,
    handling=Handling(
        addresses=to_sender, is_still_valid=_is_link_valid, withdraw=withdraw_as(StepKind.LINK_WITHDRAWN)
    ),
)


@register_draft_reader
def _draft_questions() -> QuestionSet | None:
    page = MappingPage.objects.first()
    return page.get_latest_revision_as_object().question_set() if page else None
