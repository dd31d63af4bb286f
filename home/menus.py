"""The main menu, the footer menu, and breadcrumbs."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from wagtail.models import Page, Site, get_page_models

from home.editors_text import editors_text
from home.pages import BasePage


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A link of a menu. `is_current` is true on the page that it leads to."""

    title: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Menus:
    """The links of the header and of the footer, in the order of the page tree."""

    main: list[MenuItem]
    footer: list[MenuItem]


def build_menus(request: HttpRequest) -> Menus:
    """Return the published, public pages below the front page of the request's site."""
    site = Site.find_for_request(request)
    if site is None:
        return Menus(main=[], footer=[])
    pages = list(Page.objects.child_of(site.root_page).live().public())
    at_the_foot = _shown_in_footer([page.pk for page in pages])
    main, footer = [], []
    for page in pages:
        item = MenuItem(editors_text(page.title), url := page.get_url(request) or "", is_current=url == request.path)
        if page.show_in_menus:
            main.append(item)
        if page.pk in at_the_foot:
            footer.append(item)
    return Menus(main=main, footer=footer)


def front_page_address(request: HttpRequest) -> str:
    """Return the URL of the front page; "" where it is missing or unpublished."""
    site = Site.find_for_request(request)
    return (site.root_page.get_url(request) or "") if site is not None and site.root_page.live else ""


def _shown_in_footer(page_ids: list[int]) -> set[int]:
    """Return which of these pages have `show_in_footer` set. One UNION: the field is in each page type's own table."""
    kinds = [model for model in get_page_models() if issubclass(model, BasePage)]
    found = [kind.objects.filter(pk__in=page_ids, show_in_footer=True).order_by().values_list("pk") for kind in kinds]
    return {pk for (pk,) in found[0].union(*found[1:])} if found else set()


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
