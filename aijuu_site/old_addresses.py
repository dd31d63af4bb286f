"""Old addresses of pages: readers are redirected, and a form that was sent is received."""

from urllib.parse import unquote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import is_valid_path
from django.utils.encoding import escape_uri_path
from wagtail.contrib.redirects.middleware import RedirectMiddleware
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site

from intake.mapping.returned_words import no_form_here

_LONGEST = Redirect._meta.get_field("old_path").max_length or 255


def current_address(request: HttpRequest) -> str:
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


_NOTHING_HERE = (404, 405)


class OldAddressesMiddleware(RedirectMiddleware):
    """In the place of Wagtail's own, which answers a POST with a redirect as well: the browser then asks with GET.

    A POST is received where the form stands now, in the same request. 307 and 308 would have the browser send it again,
    but what the first answer named could be anything, so the forms' script follows no redirect (static/js/form.js).
    A form that stands nowhere any more comes back as a page with its words.
    """

    def process_request(self, request: HttpRequest) -> None:
        if request.method == "POST" and _lacks_last_slash(request):
            _move(request, f"{request.path_info}/")

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code not in _NOTHING_HERE or not _is_for_pages(request):
            return response
        if request.method == "POST":
            return self._receive(request, response)
        # With its last slash it may be the address of another page by now: Django adds that first.
        if response.status_code != 404 or _lacks_last_slash(request):
            return response
        return self._lead_on(request, response)

    def _receive(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        address = current_address(request)
        if address:
            _move(request, address)
            response = self.get_response(request)
            if response.status_code not in _NOTHING_HERE:
                return response
        return no_form_here(request, status=response.status_code) or response

    def _lead_on(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        led_on: HttpResponse = super().process_response(request, response)
        if led_on.status_code != 404:
            return led_on
        address = current_address(request)
        if not address:
            return response
        query = request.META.get("QUERY_STRING", "")
        encoded = escape_uri_path(address)
        return HttpResponsePermanentRedirect(f"{encoded}?{query}" if query else encoded)


def _is_for_pages(request: HttpRequest) -> bool:
    """Return whether no view but Wagtail's for pages was found: the others answer for themselves."""
    match = request.resolver_match
    return match is None or match.url_name == "wagtail_serve"


def _lacks_last_slash(request: HttpRequest) -> bool:
    path = request.path_info
    return not path.endswith("/") and not is_valid_path(path) and bool(is_valid_path(f"{path}/"))


def _move(request: HttpRequest, path: str) -> None:
    """Make it a request to `path`, as if it had been sent there."""
    request.path = request.path_info = path
    # Wagtail remembers which page it found.
    request.__dict__.pop("_wagtail_route_for_request", None)
