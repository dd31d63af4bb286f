"""Where what stood at an address stands now: the one place that knows what renaming and moving a page did."""

from urllib.parse import unquote

from django.http import Http404, HttpRequest
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site

_LONGEST = Redirect._meta.get_field("old_path").max_length or 255


def address_now(request: HttpRequest) -> str:
    """Return the path at which the request's address stands now, as in `path_info`; "" where no redirect knows another.

    Wagtail makes a redirect for the old address of a renamed page and its children. It holds here for the routes
    below that page, too: `/old/viesti/` is `/new/viesti/`. The longest redirect wins.
    """
    site = Site.find_for_request(request)
    parts = [part for part in request.path_info.split("/") if part]
    beginnings = {f"/{'/'.join(parts[:count])}": count for count in range(1, len(parts) + 1)}
    known = [path for path in beginnings if len(path) <= _LONGEST]
    redirects = Redirect.get_for_site(site).filter(old_path__in=known, redirect_page__live=True)
    # One for this very site goes before one for all sites.
    for redirect in sorted(redirects, key=lambda one: (len(one.old_path), one.site_id or 0), reverse=True):
        page = redirect.redirect_page.specific
        routes = redirect.redirect_page_route_path.split("/") + parts[beginnings[redirect.old_path] :]
        below = [part for part in routes if part]
        try:
            page.route(request, below)
        except Http404:
            continue
        # A page of another site has a whole address: no path of ours.
        address = "".join([unquote(page.get_url(request) or ""), *(f"{part}/" for part in below)])
        if address.startswith("/") and address != request.path_info:
            return address
    return ""
