"""Old and misspelt URLs of pages: GET is redirected, and a POST to an old one is handled at the new URL."""

import re
import unicodedata
from urllib.parse import unquote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import is_valid_path
from django.utils.encoding import escape_uri_path
from wagtail.contrib.redirects.middleware import RedirectMiddleware
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site

from intake.mapping.returned_text import return_typed_text

_LONGEST = Redirect._meta.get_field("old_path").max_length or 255
_NOTHING_HERE = (404, 405)


def current_address(request: HttpRequest) -> str:
    """Return the current path for an old path, in the form of `path_info`; "" where no redirect matches.

    Wagtail creates redirects for a renamed page and its children. Here they also apply to the routes below such a page:
    `/old/viesti/` becomes `/new/viesti/`. The longest matching redirect wins.
    """
    site = Site.find_for_request(request)
    parts = [part for part in request.path_info.split("/") if part]
    beginnings = {f"/{'/'.join(parts[:count])}": count for count in range(1, len(parts) + 1)}
    known = [path for path in beginnings if len(path) <= _LONGEST]
    redirects = Redirect.get_for_site(site).filter(old_path__in=known, redirect_page__live=True)
    # A redirect for this site takes precedence over one for all sites.
    for redirect in sorted(redirects, key=lambda one: (len(one.old_path), one.site_id or 0), reverse=True):
        page = redirect.redirect_page.specific
        routes = redirect.redirect_page_route_path.split("/") + parts[beginnings[redirect.old_path] :]
        below = [part for part in routes if part]
        try:
            page.route(request, below)
        except Http404:
            continue
        # A page of another site has an absolute URL.
        address = "".join([unquote(page.get_url(request) or ""), *(f"{part}/" for part in below)])
        if address.startswith("/") and address != request.path_info:
            return address
    return ""


def address_meant(request: HttpRequest) -> str:
    """Return the path of the page that a misspelt path means; "" if there is none.

    As people type what they heard or read (`/Ota-yhteyttä/`, `/ota_yhteytta`), and as programs that make links of text
    take the sign after it along (`/ota-yhteytta/).`).
    """
    letters = unicodedata.normalize("NFKD", request.path_info).lower()
    plain = re.sub(r"[\s_]+", "-", "".join(one for one in letters if not unicodedata.combining(one)).strip())
    parts = [part for part in re.sub(r"[^a-z0-9]+$", "", plain).split("/") if part]
    address = "".join(f"/{part}" for part in parts) + "/"
    site = Site.find_for_request(request)
    if site is None or address == request.path_info:
        return ""
    try:
        site.root_page.specific.route(request, parts)
    except Http404:
        return ""
    return address


class OldAddressesMiddleware(RedirectMiddleware):
    """Replaces Wagtail's RedirectMiddleware, which redirects a POST to a GET and so loses the form.

    A POST is handled at the new URL within the same request. Not by 307 or 308: the forms' script follows no redirects
    (static/js/form.js), because the target could be anywhere. If the form no longer exists, the response is a page with
    the text that was sent.
    """

    def process_request(self, request: HttpRequest) -> None:
        if request.method == "POST" and _lacks_last_slash(request):
            _move(request, f"{request.path_info}/")

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code not in _NOTHING_HERE or not _is_for_pages(request):
            return response
        if request.method == "POST":
            return self._handle_post(request, response)
        # Django appends the slash first: with it the path may be that of another page.
        if response.status_code != 404 or _lacks_last_slash(request):
            return response
        return self._redirect(request, response)

    def _handle_post(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        address = current_address(request)
        if address:
            _move(request, address)
            response = self.get_response(request)
            if response.status_code not in _NOTHING_HERE:
                return response
        return return_typed_text(request, status=response.status_code) or response

    def _redirect(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        redirected: HttpResponse = super().process_response(request, response)
        if redirected.status_code != 404:
            return redirected
        address = current_address(request) or address_meant(request)
        if not address:
            return response
        query = request.META.get("QUERY_STRING", "")
        encoded = escape_uri_path(address)
        return HttpResponsePermanentRedirect(f"{encoded}?{query}" if query else encoded)


def _is_for_pages(request: HttpRequest) -> bool:
    """Return whether the request was routed to Wagtail's page view, or to none."""
    match = request.resolver_match
    return match is None or match.url_name == "wagtail_serve"


def _lacks_last_slash(request: HttpRequest) -> bool:
    path = request.path_info
    return not path.endswith("/") and not is_valid_path(path) and bool(is_valid_path(f"{path}/"))


def _move(request: HttpRequest, path: str) -> None:
    """Change the path of the request."""
    request.path = request.path_info = path
    # Wagtail caches the page that it found on the request.
    request.__dict__.pop("_wagtail_route_for_request", None)
