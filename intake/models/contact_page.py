"""The page where a visitor writes or joins the waiting list, and the page that says it has arrived."""

import uuid
from http import HTTPMethod
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from wagtail.admin.panels import FieldPanel
from wagtail.contrib.routable_page.models import RoutablePageMixin, path
from wagtail.fields import RichTextField

from home.models import AlwaysPublic, BasePage
from intake.views.caching import keep_only_empty_form
from intake.views.contact import message, show_or_receive, waiting_list
from intake.views.thanks import show_thanks


class ContactPage(AlwaysPublic, RoutablePageMixin, BasePage):
    """Where a visitor writes to the supervisor. No cache may keep it: each opening has its own submission id."""

    intro = RichTextField(
        _("introduction"),
        blank=True,
        features=["bold", "italic", "link", "ol", "ul"],
        help_text=_("Stands above the form."),
    )

    template = "intake/contact_page.html"
    thanks_template = "intake/contact_thanks.html"
    joined_template = "intake/waiting/joined_page.html"
    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    allowed_http_methods: ClassVar[list[HTTPMethod]] = [*BasePage.allowed_http_methods, HTTPMethod.POST]
    max_count = 1
    content_panels: ClassVar[list[Any]] = [
        *BasePage.content_panels[:1],
        FieldPanel("intro"),
        *BasePage.content_panels[1:],
    ]

    class Meta:
        verbose_name = _("contact page")
        verbose_name_plural = _("contact pages")

    @path("", name="form")
    @method_decorator([keep_only_empty_form, sensitive_post_parameters()])
    def form_view(self, request: HttpRequest) -> HttpResponse:
        return show_or_receive(self, request)

    @path("viesti/", name="message")
    @method_decorator([keep_only_empty_form, sensitive_post_parameters()])
    def message_view(self, request: HttpRequest) -> HttpResponse:
        return message(self, request)

    @path("odotuslista/", name="waiting_list")
    @method_decorator([keep_only_empty_form, sensitive_post_parameters()])
    def waiting_view(self, request: HttpRequest) -> HttpResponse:
        return waiting_list(self, request)

    @path("kiitos/<uuid:receipt>/", name="thanks")
    @method_decorator([never_cache, sensitive_post_parameters()])
    def thanks_view(self, request: HttpRequest, receipt: uuid.UUID) -> HttpResponse:
        return show_thanks(self, request, receipt)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        # RoutablePageMixin calls its own route, and not what BasePage does for previews.
        return self.framed_by_admin(super().serve_preview(request, mode_name))

    def addresses(self, request: HttpRequest) -> dict[str, str]:
        """The addresses of this page's forms, which stay whatever the pause does: message_url, waiting_url."""
        own = self.get_url(request) or ""
        return {
            "message_url": own + self.reverse_subpage("message"),
            "waiting_url": own + self.reverse_subpage("waiting_list"),
        }
