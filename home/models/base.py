"""What all pages share."""

from http import HTTPMethod
from typing import Any, ClassVar

from csp.constants import SELF
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, TitleFieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page, PageViewRestriction
from wagtail.search import index

from home.anchors import give_anchors
from home.blocks import BodyStreamBlock
from home.important_pages import refuse_expiry
from home.page_rights import PageRights


class AlwaysPublic:
    """A page that nothing makes private, not even a page above it.

    Wagtail shows the password form or the login to a POST as well, and what was written is gone.
    """

    private_page_options: ClassVar[list[str]] = []

    def get_view_restrictions(self) -> QuerySet[PageViewRestriction]:
        return PageViewRestriction.objects.none()

    def permissions_for_user(self, user: Any) -> PageRights:
        return _PublicPageTester(user, self)


class _PublicPageTester(PageRights):
    def can_set_view_restrictions(self) -> bool:
        return False


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

    # Visitors have no accounts, so a login would let in nobody else than the editors.
    private_page_options: ClassVar[list[str]] = ["password"]

    # Whether people apply on this page. In a pause with another way, buttons lead past it (home.blocks.call_to_action).
    takes_applications: ClassVar[bool] = False

    title_help = _("Stands at the top of the page and in the links that lead to it.")
    # Wagtail's own panel, which makes the address of a new page from its title.
    title_panels: ClassVar[list[Any]] = [TitleFieldPanel("title", help_text=title_help)]
    content_panels: ClassVar[list[Any]] = [*title_panels, FieldPanel("body")]
    search_panels: ClassVar[list[Any]] = [
        FieldPanel(
            "seo_title",
            heading=_("Title for search engines"),
            help_text=_(
                "Shown in search results and on the browser's tab. At most about 60 characters. "
                "When this is empty, the title of the page is used."
            ),
        ),
        FieldPanel(
            "search_description",
            heading=_("Description for search engines"),
            help_text=_(
                "One or two sentences that a search engine may show. At most about 155 characters. "
                "When this is empty, the beginning of the page is used."
            ),
        ),
    ]
    promote_panels: ClassVar[list[Any]] = [
        MultiFieldPanel(
            [
                *search_panels,
                FieldPanel(
                    "slug",
                    heading=_("Address of the page"),
                    help_text=_(
                        "The end of the page's address: small letters, numbers and hyphens. It is made from the title, "
                        "and you seldom need to change it."
                    ),
                ),
            ],
            heading=_("For search engines"),
        ),
        MultiFieldPanel(
            [
                FieldPanel(
                    "show_in_menus",
                    help_text=_("Whether a link to this page stands in the menu at the top of every page."),
                ),
                FieldPanel("show_in_footer"),
            ],
            heading=_("In the menus"),
        ),
    ]
    search_fields: ClassVar[list[Any]] = [*Page.search_fields, index.SearchField("body")]

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Give the page's questions their addresses. Runs on every save of a page and of a draft."""
        super().clean()
        give_anchors(self.body)
        refuse_expiry(self)

    def permissions_for_user(self, user: Any) -> PageRights:
        """Let nobody do away with the front page."""
        return PageRights(user, self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """Let the admin show the page in a frame beside the editor; a visitor's page is framed by nobody."""
        return self.framed_by_admin(super().serve_preview(request, mode_name))

    @staticmethod
    def framed_by_admin(response: HttpResponse) -> HttpResponse:
        """Return the answer with leave for pages of this site to frame it."""
        response._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]
        return response
