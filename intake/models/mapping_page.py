"""The page where a mapping begins, and its questions."""

from http import HTTPMethod
from typing import Any, ClassVar

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.admin.panels import FieldPanel, HelpPanel, MultiFieldPanel
from wagtail.contrib.routable_page.models import RoutablePageMixin, path
from wagtail.fields import RichTextField, StreamField

from home.models import AlwaysPublic, BasePage
from home.rich_text import PROSE_FEATURES
from intake.mapping.question_stream import QuestionStreamBlock, read_question_set
from intake.mapping.questions import QuestionSet
from intake.views.caching import keep_only_empty_form
from intake.views.mapping.preview import preview_modes, show_preview
from intake.views.mapping.start import show_elsewhere, show_start, start_or_show


class MappingPage(AlwaysPublic, RoutablePageMixin, BasePage):
    """Where the initial mapping begins. Its steps after the first live at private addresses (intake.urls)."""

    takes_applications: ClassVar[bool] = True

    intro = RichTextField(
        _("introduction"),
        blank=True,
        features=["bold", "italic", "link", "ol", "ul"],
        help_text=_("Stands above the button that begins the mapping."),
    )
    elsewhere_question = models.CharField(
        _("question before the start"),
        max_length=200,
        blank=True,
        help_text=_("Leads those whom supervision is not for to the text below, before anything is stored."),
    )
    elsewhere_title = models.CharField(_("title of that page"), max_length=120, blank=True)
    elsewhere_text = RichTextField(
        _("where to turn"),
        blank=True,
        # Its headings stand right under the title of their page.
        features=["h2", *(name for name in PROSE_FEATURES if name != "h4")],
        help_text=_("Where to turn in a crisis, in a quarrel that needs a judge, or for therapy."),
    )
    questions = StreamField(
        QuestionStreamBlock(),
        verbose_name=_("questions"),
        help_text=_(
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
        *BasePage.content_panels[:1],
        FieldPanel("intro"),
        MultiFieldPanel(
            [
                FieldPanel("elsewhere_question"),
                FieldPanel(
                    "elsewhere_title",
                    heading=_("Title of the page for them"),
                    help_text=_("Also the words of the link that leads there."),
                ),
                FieldPanel("elsewhere_text"),
            ],
            heading=_("When supervision is not what is needed"),
        ),
        MultiFieldPanel(
            [
                HelpPanel(template="intake/mapping/editor_help.html"),
                FieldPanel("questions"),
            ],
            heading=_("Questions"),
        ),
        *BasePage.content_panels[1:],
    ]

    class Meta:
        verbose_name = _("mapping page")
        verbose_name_plural = _("mapping pages")

    def question_set(self) -> QuestionSet:
        """Return the questions of this version of the page."""
        published = timezone.localdate(self.last_published_at).isoformat() if self.last_published_at else ""
        return read_question_set(self.questions, published_on=published)

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        """The start page, each step, and the check: shown from the draft, filled without storing."""
        return preview_modes(self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        shown = show_preview(self, request, mode_name) if mode_name else None
        # RoutablePageMixin calls its own route, and not what BasePage does for previews.
        return self.framed_by_admin(shown or super().serve_preview(request, ""))

    @path("", name="start")
    def start_view(self, request: HttpRequest) -> HttpResponse:
        return show_start(self, request)

    @path("aloita/", name="begin")
    @method_decorator([keep_only_empty_form, sensitive_post_parameters()])
    def begin_view(self, request: HttpRequest) -> HttpResponse:
        return start_or_show(self, request)

    @path("muualle/", name="elsewhere")
    def elsewhere_view(self, request: HttpRequest) -> HttpResponse:
        return show_elsewhere(self, request)
