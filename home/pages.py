"""The page types and their base class."""

from collections.abc import Iterator
from http import HTTPMethod
from typing import Any, ClassVar

from csp.constants import SELF
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, TitleFieldPanel
from wagtail.blocks import StreamValue, StructValue
from wagtail.fields import RichTextField, StreamField
from wagtail.images import get_image_model
from wagtail.images.models import AbstractImage
from wagtail.models import Page, PageViewRestriction
from wagtail.search import index

from home.admin_forms import SchedulePanel
from home.blocks import BodyStreamBlock
from home.compiled_rows import row_by_pk
from home.editors_text import SHORT_FEATURES, linked_page_ids, valid_id
from home.important_pages import PageRights, refuse_expiry
from home.page_addresses import TAKEN_ADDRESS, PageCopyForm, PageForm, is_taken_address
from home.site_pages import current_request, site_pages

# Element ids that the page template uses.
RESERVED = frozenset({"sisalto"})
_LONGEST = 60


def assign_anchors(body: StreamValue) -> None:
    """Set a unique `anchor` on every FAQ section and question of `body` that has none.

    Where a block was copied, the first one keeps the anchor and the copy gets a new one.
    """
    places = list(_anchored_values(body))
    taken = set(RESERVED)
    without: list[tuple[StructValue, str]] = []
    for value, name in places:
        anchor = slugify(value.get("anchor") or "")
        if anchor and anchor not in taken:
            value["anchor"] = anchor
            taken.add(anchor)
        else:
            without.append((value, name))
    for value, name in without:
        value["anchor"] = _free_anchor(name, taken)
        taken.add(value["anchor"])


def _anchored_values(body: StreamValue) -> Iterator[tuple[StructValue, str]]:
    for block in body:
        if block.block_type != "faq":
            continue
        yield block.value, block.value.get("heading") or ""
        for question in block.value["questions"]:
            yield question, question.get("question") or ""


def _free_anchor(name: str, taken: set[str]) -> str:
    stem = slugify(name)[:_LONGEST].strip("-") or "kysymys"
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    return candidate


def linked_pages(page: Page) -> Iterator[int | None]:
    """Yield the ids of the pages that the rich texts of `page` link to."""
    for value in _stored_values(page):
        if isinstance(value, str) and "linktype" in value:
            yield from linked_page_ids(value)


def _chosen_pages(page: Page) -> Iterator[int | None]:
    """Yield the ids of the pages that were chosen in the blocks of `page`."""
    yield from (valid_id(value.get("page")) for value in _stored_values(page) if isinstance(value, dict))


def _stored_values(page: Page) -> Iterator[Any]:
    """Yield the values of all fields, and every value inside a body's blocks in its stored format."""
    values = [getattr(page, field.attname) for field in page._meta.concrete_fields]
    waiting = [list(value.raw_data) if isinstance(value, StreamValue) else value for value in values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        yield value


class AlwaysPublic:
    """Mixin for a page that can't be made private, not even through an ancestor.

    Wagtail would answer a POST to a private page with the password form, and what the visitor wrote would be lost.
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

    # Page views are CSRF-exempt (aijuu_site/urls.py): a page type that accepts POST must check its source itself.
    allowed_http_methods: ClassVar[list[HTTPMethod]] = [HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS]

    # No login or group restrictions: visitors have no accounts.
    private_page_options: ClassVar[list[str]] = ["password"]

    image = models.ForeignKey(
        settings.WAGTAILIMAGES_IMAGE_MODEL,
        verbose_name=_("picture"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    base_form_class = PageForm
    copy_form_class = PageCopyForm
    has_slug_in_address: ClassVar[bool] = True

    # Whether visitors apply on this page. Where the contact page is in another form mode than AS_USUAL, calls to action
    # link to the contact page and not to this one (home.blocks).
    accepts_applications: ClassVar[bool] = False

    # Whether visitors write to the supervisor on this page, so that it can be the contact page.
    takes_messages: ClassVar[bool] = False

    # Whether the title and description for search engines follow the state of the pause (home.seo).
    head_follows_pause: ClassVar[bool] = False

    title_help = _("Stands at the top of the page and in the links that lead to it.")
    # Wagtail's panel for titles makes the address of a new page from its title.
    title_panels: ClassVar[list[Any]] = [TitleFieldPanel("title", help_text=title_help)]
    picture_panel: ClassVar[Any] = FieldPanel(
        "image",
        heading=_("Picture beside the introduction"),
        help_text=_(
            "Shown rather small. A picture that is taller than wide suits best. Its alternative text is under “Edit"
            " this image”."
        ),
    )
    content_panels: ClassVar[list[Any]] = [*title_panels, picture_panel, FieldPanel("body")]
    settings_panels: ClassVar[list[Any]] = [SchedulePanel(), *Page.settings_panels[1:]]
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
            ],
            heading=_("In the menus"),
        ),
    ]
    search_fields: ClassVar[list[Any]] = [*Page.search_fields, index.SearchField("body")]

    class Meta:
        abstract = True

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        site_pages(request).expect_links(lambda: [*linked_pages(self), *_chosen_pages(self)])
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        return context

    def get_view_restrictions(self) -> QuerySet[PageViewRestriction]:
        """Return Wagtail's restrictions. Its query of all ancestors is skipped where no page is private."""
        request = current_request()
        if request is not None and not site_pages(request).any_is_private:
            return PageViewRestriction.objects.none()
        restrictions: QuerySet[PageViewRestriction] = super().get_view_restrictions()
        return restrictions

    @property
    def top_picture(self) -> AbstractImage | None:
        """The `image`. If it has not been read yet, it is read by SQL that was built before (home.compiled_rows)."""
        if self.image_id is not None and not self._meta.get_field("image").is_cached(self):
            self.image = row_by_pk(get_image_model(), self.image_id)
        return self.image

    @cached_property
    def pictures(self) -> list[AbstractImage]:
        """The pictures of the page, with their renditions."""
        found = [block.value.get("image") for block in self.body if block.block_type in ("image", "text")]
        pictures = [picture for picture in (self.top_picture, *found) if picture is not None]
        prefetch_related_objects(pictures, "renditions")
        return pictures

    def clean(self) -> None:
        """Assign anchors, and refuse an expiry date and a taken address. Runs on every save of a page or draft."""
        super().clean()
        assign_anchors(self.body)
        refuse_expiry(self)
        if self.has_slug_in_address and is_taken_address(self.slug):
            raise ValidationError({"slug": ValidationError(TAKEN_ADDRESS, code="taken")})

    def permissions_for_user(self, user: Any) -> PageRights:
        """Use permissions that protect important pages."""
        return PageRights(user, self)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """Allow the admin to frame the preview; public pages can't be framed."""
        return self.framed_by_admin(super().serve_preview(request, mode_name))

    @staticmethod
    def framed_by_admin(response: HttpResponse) -> HttpResponse:
        """Return `response` with a policy that allows pages of this site to frame it."""
        response._csp_replace = {"frame-ancestors": [SELF]}  # type: ignore[attr-defined]
        return response


class ContentPage(BasePage):
    """A title, an optional introduction, and the body."""

    intro = RichTextField(
        _("introduction"),
        blank=True,
        features=SHORT_FEATURES,
        help_text=_("Stands large under the title. One or two sentences; it may be left empty."),
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Any]] = [
        *BasePage.title_panels,
        FieldPanel("intro"),
        BasePage.picture_panel,
        FieldPanel("body"),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = _("content page")
        verbose_name_plural = _("content pages")


class ServicePage(BasePage):
    """A service: an introduction with a picture, and the body."""

    intro = RichTextField(
        _("introduction"), blank=True, features=SHORT_FEATURES, help_text=_("For whom and what, in a few sentences.")
    )
    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Any]] = [
        *BasePage.title_panels,
        FieldPanel("intro"),
        BasePage.picture_panel,
        FieldPanel("body"),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = _("service page")
        verbose_name_plural = _("service pages")


class HomePage(AlwaysPublic, BasePage):
    """The front page: a heading (what and where), a lead (who) with a picture, and the body."""

    heading = models.CharField(
        _("heading"),
        max_length=80,
        blank=True,
        help_text=_("What you do and where, in a few words. When this is empty, the title of the page is used."),
    )

    lead = RichTextField(
        _("lead"), blank=True, features=SHORT_FEATURES, help_text=_("Who and what, in one or two sentences.")
    )
    hero_caption = models.CharField(
        _("caption"), max_length=250, blank=True, help_text=_("A line under the picture, if you want one.")
    )
    hero_credit = models.CharField(
        _("credit"), max_length=120, blank=True, help_text=_("Who made the picture, if it must be told.")
    )

    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    has_slug_in_address: ClassVar[bool] = False
    max_count = 1

    content_panels: ClassVar[list[Any]] = [
        # Not TitleFieldPanel: its script fails where the form has no slug field (promote_panels).
        FieldPanel("title", classname="title", help_text=BasePage.title_help),
        FieldPanel("heading"),
        FieldPanel("lead"),
        MultiFieldPanel(
            [
                FieldPanel(
                    "image",
                    help_text=_(
                        "Stands beside the lead. A picture that is wider than tall suits best. Its alternative text is"
                        " under “Edit this image”."
                    ),
                ),
                FieldPanel("hero_caption"),
                FieldPanel("hero_credit"),
            ],
            heading=_("Picture of the front page"),
        ),
        FieldPanel("body"),
    ]
    # Without slug and menu fields: its URL is the site's root, and the menus never list it (home.menus).
    promote_panels: ClassVar[list[Any]] = [
        MultiFieldPanel(BasePage.search_panels, heading=_("For search engines")),
    ]
    search_fields: ClassVar[list[Any]] = [*BasePage.search_fields, index.SearchField("lead")]

    class Meta:
        verbose_name = _("front page")
        verbose_name_plural = _("front pages")
