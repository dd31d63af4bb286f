"""What all pages share."""

from http import HTTPMethod
from typing import Any, ClassVar

from csp.constants import SELF
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.search import index

from home.anchors import give_anchors
from home.blocks import BodyStreamBlock


class BasePage(Page):
    """A page with a body of blocks and a place in the menus."""

    body = StreamField(
        BodyStreamBlock(),
        verbose_name=_("content"),
        blank=True,
        help_text=_("Add, move and remove parts with the buttons beside them."),
    )
    show_in_footer = models.BooleanField(
        _("show in the footer"),
        default=False,
        help_text=_("Whether a link to this page stands at the foot of every page."),
    )

    # Every answer to POST is CSRF-exempt (aijuu_site/urls.py), so a page that takes one says so and guards it itself.
    allowed_http_methods: ClassVar[list[HTTPMethod]] = [HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS]

    content_panels: ClassVar[list[Any]] = [*Page.content_panels, FieldPanel("body")]
    promote_panels: ClassVar[list[Any]] = [
        MultiFieldPanel(
            [
                FieldPanel("slug"),
                FieldPanel("seo_title"),
                FieldPanel(
                    "search_description",
                    help_text=_(
                        "One or two sentences that a search engine may show. At most about 155 characters. "
                        "When this is empty, the beginning of the page is used."
                    ),
                ),
            ],
            heading=_("For search engines"),
        ),
        MultiFieldPanel([FieldPanel("show_in_menus"), FieldPanel("show_in_footer")], heading=_("In the menus")),
    ]
    search_fields: ClassVar[list[Any]] = [*Page.search_fields, index.SearchField("body")]

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Give the page's questions their addresses. Runs on every save of a page and of a draft."""
        super().clean()
        give_anchors(self.body)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """Let the admin show the page in a frame beside the editor; a visitor's page is framed by nobody."""
        response: HttpResponse = super().serve_preview(request, mode_name)
        response._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]
        return response
