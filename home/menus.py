"""The site's menus, made of the pages' own switches."""

from dataclasses import dataclass

from django.http import HttpRequest
from wagtail.models import Page, Site


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
    pages = Page.objects.child_of(site.root_page).live().public().defer_streamfields().specific()
    main, footer = [], []
    for page in pages:
        item = MenuItem(page.title, url := page.get_url(request) or "", is_current=url == request.path)
        if page.show_in_menus:
            main.append(item)
        # The field belongs to BasePage, not to every page of Wagtail.
        if getattr(page, "show_in_footer", False):
            footer.append(item)
    return Menus(main=main, footer=footer)
