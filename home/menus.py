"""The main menu, the footer menu, and breadcrumbs."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.admin.panels import InlinePanel, PageChooserPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.models import Orderable, Page, Site

from home.contact_details import ContactDetails
from home.editors_text import editors_text


@register_setting(icon="link", order=200)
class FooterMenu(ClusterableModel, BaseGenericSetting):  # type: ignore[misc]
    """The links of the footer, in the order that the supervisor has given them."""

    panels: ClassVar[list[Any]] = [
        InlinePanel(
            "links",
            heading=gettext_lazy("Links"),
            label=gettext_lazy("Link"),
            help_text=gettext_lazy(
                "Stand at the foot of every page in this order, under the names of their pages. A page that visitors "
                "can't read is left out until they can. If you leave out the privacy page or the accessibility page, "
                "it stands last, since people have a right to find it."
            ),
        )
    ]

    class Meta:
        verbose_name = gettext_lazy("links of the footer")
        verbose_name_plural = gettext_lazy("links of the footer")


class FooterLink(Orderable):  # type: ignore[misc]
    menu = ParentalKey(FooterMenu, on_delete=models.CASCADE, related_name="links")
    page = models.ForeignKey(Page, verbose_name=gettext_lazy("page"), on_delete=models.CASCADE, related_name="+")

    panels: ClassVar[list[Any]] = [PageChooserPanel("page")]

    class Meta:
        ordering: ClassVar[list[str]] = ["sort_order"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["menu", "page"],
                name="footer_link_once",
                violation_error_message=gettext_lazy("This page is already in the footer."),
            )
        ]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A link of a menu. `is_current` is true on the page that it leads to."""

    title: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Menus:
    main: list[MenuItem]
    footer: list[MenuItem]


def build_menus(request: HttpRequest) -> Menus:
    """Return both menus. Unpublished and private pages, and those outside the request's site, are left out.

    The main menu is in the order of the page tree, the footer in that of `FooterMenu`.
    """
    site = Site.find_for_request(request)
    if site is None:
        return Menus(main=[], footer=[])
    footer_ids = _footer_page_ids(request)
    pages = Page.objects.child_of(site.root_page) | Page.objects.filter(pk__in=footer_ids)
    main, footer = [], {}
    for page in pages.live().public().order_by("path"):
        url = page.get_url(request)
        if not url:
            continue
        item = MenuItem(editors_text(page.title), url, is_current=url == request.path)
        if page.show_in_menus and page.is_child_of(site.root_page):
            main.append(item)
        footer[page.pk] = item
    return Menus(main=main, footer=[footer[pk] for pk in footer_ids if pk in footer])


def _footer_page_ids(request: HttpRequest) -> list[int]:
    """Return the pages that were chosen, then the privacy and the accessibility page where they are not among them."""
    chosen = FooterLink.objects.order_by("sort_order", "pk").values_list("page_id", flat=True)
    details = ContactDetails.load(request)
    always = (details.privacy_page_id, details.accessibility_page_id)
    return list(dict.fromkeys([*chosen, *(pk for pk in always if pk is not None)]))


def front_page_address(request: HttpRequest) -> str:
    """Return the URL of the front page; "" where it is missing or unpublished."""
    site = Site.find_for_request(request)
    return (site.root_page.get_url(request) or "") if site is not None and site.root_page.live else ""


def build_breadcrumbs(request: HttpRequest, page: Page, here: str = "") -> list[MenuItem]:
    """Return the breadcrumbs from the front page to `page`, or to the view titled `here` below it.

    Empty on the front page and its children, which the main menu covers. Unpublished ancestors are left out.
    """
    site = Site.find_for_request(request)
    if site is None or page.depth - site.root_page.depth + bool(here) < 2:
        return []
    above = Page.objects.ancestor_of(page, inclusive=bool(here)).descendant_of(site.root_page).live().public()
    front = front_page_address(request)
    items = [MenuItem(_("Front page"), front, is_current=False)] if front else []
    items += [
        MenuItem(editors_text(one.title), one.get_url(request) or "", is_current=False)
        for one in above.order_by("depth")
    ]
    return [*items, MenuItem(here or editors_text(page.title), request.path, is_current=True)]
