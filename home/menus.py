"""The site's menus, made of the pages' own switches, and the way back from a page that lies deeper."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from wagtail.models import Page, Site, get_page_models

from home.editors_text import editors_text
from home.pages import BasePage


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A link of a menu; `is_current` on the very page that it leads to."""

    title: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Menus:
    """Links at the top and at the foot of a page, in the order of the page tree."""

    main: list[MenuItem]
    footer: list[MenuItem]


def build_menus(request: HttpRequest) -> Menus:
    """The published, public pages below the front page of the site that `request` asks for."""
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
    """Where the front page of the site is; "" where a visitor finds none there."""
    site = Site.find_for_request(request)
    return (site.root_page.get_url(request) or "") if site is not None and site.root_page.live else ""


def _shown_in_footer(page_ids: list[int]) -> set[int]:
    """Which of these pages have their footer switch on: it belongs to BasePage, so each kind of page has its own."""
    kinds = [model for model in get_page_models() if issubclass(model, BasePage)]
    found = [kind.objects.filter(pk__in=page_ids, show_in_footer=True).order_by().values_list("pk") for kind in kinds]
    return {pk for (pk,) in found[0].union(*found[1:])} if found else set()


def build_breadcrumbs(request: HttpRequest, page: Page, here: str = "") -> list[MenuItem]:
    """The way from the front page to `page`, or to the view `here` below it; the last one is current.

    Empty on the front page and right below it, where the main menu says the same. A page above that is not published
    is left out: its address would be a dead end.
    """
    site = Site.find_for_request(request)
    if site is None or page.depth - site.root_page.depth + bool(here) < 2:
        return []
    above = Page.objects.ancestor_of(page, inclusive=bool(here)).descendant_of(site.root_page).live().public()
    front = front_page_address(request)
    way = [MenuItem(_("Front page"), front, is_current=False)] if front else []
    way += [
        MenuItem(editors_text(one.title), one.get_url(request) or "", is_current=False)
        for one in above.order_by("depth")
    ]
    return [*way, MenuItem(here or editors_text(page.title), request.path, is_current=True)]
