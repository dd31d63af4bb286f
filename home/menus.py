"""What stands around every page: the main menu, the footer menu, breadcrumbs, and the context of every template."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel
from wagtail.admin.panels import InlinePanel, PageChooserPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.models import Orderable, Page

from home.contact_details import ContactDetails, cache_contact
from home.editors_text import editors_text
from home.pause.models import current_pause
from home.pause.wording import next_step
from home.site_pages import SitePage, site_pages


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
    page = models.ForeignKey(
        Page, verbose_name=gettext_lazy("page"), on_delete=models.CASCADE, related_name="footer_links"
    )

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
    pages = site_pages(request)

    def item(page: SitePage) -> MenuItem:
        url = pages.url(page)
        return MenuItem(editors_text(page.title), url, is_current=url == request.path)

    footer = pages.get_many(_footer_page_ids(request))
    return Menus(
        main=[item(page) for page in pages.menu_pages()],
        footer=[item(page) for page in footer if page and pages.is_visible(page) and pages.url(page)],
    )


def _footer_page_ids(request: HttpRequest) -> list[int]:
    """Return the pages that were chosen, then the privacy and the accessibility page where they are not among them."""
    details = ContactDetails.load(request)
    always = (details.privacy_page_id, details.accessibility_page_id)
    return list(dict.fromkeys([*site_pages(request).footer_ids, *(pk for pk in always if pk is not None)]))


def build_breadcrumbs(request: HttpRequest, page: Page, here: str = "") -> list[MenuItem]:
    """Return the breadcrumbs from the front page to `page`, or to the view titled `here` below it.

    Empty on the front page and its children, which the main menu covers. Unpublished ancestors are left out.
    """
    pages = site_pages(request)
    if pages.front_page is None or page.depth - pages.front_page.depth + bool(here) < 2:
        return []
    above = [one for one in pages.way_to(page.path) if one.id != page.pk or here]
    items = [MenuItem(_("Front page"), front, is_current=False)] if (front := pages.url(pages.front_page)) else []
    items += [
        MenuItem(editors_text(one.title), pages.url(one), is_current=False) for one in above if pages.is_visible(one)
    ]
    return [*items, MenuItem(here or editors_text(page.title), request.path, is_current=True)]


def site_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the base template needs, each fetched at most once per request, when it is used."""

    def front_url() -> str:
        pages = site_pages(request)
        return pages.url(pages.front_page)

    def details() -> ContactDetails:
        loaded = ContactDetails.load(request)
        cache_contact(loaded)
        return loaded

    def step() -> str:
        url = details().contact_url
        # No link to the contact page on the contact page itself and below it.
        return next_step(current_pause(request), "" if url and request.path.startswith(url) else url)

    menus: Menus = SimpleLazyObject(lambda: build_menus(request))  # type: ignore[assignment]
    return {
        "front_url": SimpleLazyObject(front_url),
        "contact_details": SimpleLazyObject(details),
        "contact_url": SimpleLazyObject(lambda: details().contact_url),
        "pause": SimpleLazyObject(lambda: current_pause(request)),
        "pause_next_step": SimpleLazyObject(step),
        "main_menu": SimpleLazyObject(lambda: menus.main),
        "footer_menu": SimpleLazyObject(lambda: menus.footer),
        # In bytes: Django refuses a longer POST before a view sees it.
        "largest_post": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    }
