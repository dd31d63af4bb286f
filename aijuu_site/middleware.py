"""Middleware: request ids, headers, refused requests, storage errors, the site's one host, and old URLs of pages."""

import logging
import re
import secrets
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
)
from django.http.request import split_domain_port
from django.urls import is_valid_path
from django.utils.encoding import escape_uri_path
from django.utils.log import log_response
from wagtail.contrib.redirects.middleware import RedirectMiddleware, get_redirect
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Site

from aijuu_site.logs import ANY_PRIVATE_PATH, current_request
from aijuu_site.plain_pages import plain_response
from aijuu_site.settings.hosts import site_host, www_variant
from aijuu_site.storages import StorageUnreachable
from intake.mapping.private_pages import return_typed_text

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# Nothing on this site uses any of these.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "encrypted-media",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "publickey-credentials-get",
        "screen-wake-lock",
        "usb",
        "xr-spatial-tracking",
    )
)
# For the page that asks for a passkey.
PASSKEY_PERMISSIONS_POLICY = PERMISSIONS_POLICY.replace(
    "publickey-credentials-get=()", "publickey-credentials-get=(self)"
)
# Only documents need the Permissions-Policy header: leaving it out here saves bytes on the first view.
NEVER_A_PAGE = ("text/css", "text/javascript", "font/")
# For a page that sets none itself.
PUBLIC_CACHE_CONTROL = "no-cache"
LIVE_PATH, READY_PATH, METRICS_PATH = "/health/live", "/health/ready", "/metrics"
# Programs in the same network request these under any host name, and also over http.
MACHINE_PATHS = (LIVE_PATH, READY_PATH, METRICS_PATH)
REQUEST_ID = "X-Request-ID"
_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_IS_PRIVATE = re.compile(ANY_PRIVATE_PATH)
_PRIVATE_HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}
_LONGEST_OLD_PATH = Redirect._meta.get_field("old_path").max_length or 255
_NOTHING_HERE = (404, 405)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class RequestIdMiddleware:
    """Give each request an id (the proxy's, if it sent one), and return it in a header. The outermost middleware."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = current_request.set(_request_id(request))
        try:
            response = self.get_response(request)
            response.headers[REQUEST_ID] = current_request.get()
            return response
        finally:
            current_request.reset(token)


def _request_id(request: HttpRequest) -> str:
    sent = request.headers.get(REQUEST_ID, "") if settings.TRUSTED_PROXIES else ""
    return sent if _WELL_FORMED_ID.fullmatch(sent) else secrets.token_hex(8)


class PrivateAddressesMiddleware:
    """Keep secret URLs (intake.urls) out of caches, Referer headers and search engines, in any spelling.

    Sets the headers on every response under PRIVATE_PATH: pages, redirects and errors.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if _IS_PRIVATE.match(request.path):
            for name, value in _PRIVATE_HEADERS.items():
                response[name] = value
        return response


class SecurityHeadersMiddleware:
    """Add headers that Django's middleware leaves out, also to static files and error responses."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not response.headers.get("Content-Type", "").startswith(NEVER_A_PAGE):
            response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        return response


def _has_nul(text: str) -> bool:
    return "\x00" in text


class RefuseNulMiddleware:
    """Answer 400 to a NUL byte in a path, a query, or an admin form.

    PostgreSQL can't store NUL and raises inside a query. The visitors' forms remove it themselves, so that their text
    is not lost.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if _has_nul(request.path) or _has_nul(query) or "%00" in query:
            return self.refusal()
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        if request.method == "POST" and request.path.startswith(settings.ADMIN_PATH):
            for values in request.POST.lists():
                if _has_nul(values[0]) or any(_has_nul(str(value)) for value in values[1]):
                    return self.refusal()
        return None

    def refusal(self) -> HttpResponse:
        return plain_response("400.html", status=400)


class StorageUnreachableMiddleware:
    """Answer 503 if a view needs a file and the bucket of STORAGE_URL does not answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StorageUnreachable):
            return None
        response = plain_response("500.html", status=503)
        # Replaces Django's own log line, which would contain the URL.
        log_response("STORAGE_URL: the bucket can't be used: %s", exception, response=response, logger=logger)
        return response


class PublicCacheMiddleware:
    """Let browsers cache a page but revalidate it each time, so that the pause notice is always current."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = PUBLIC_CACHE_CONTROL
        return response


class MethodKeepingRedirect(HttpResponsePermanentRedirect):
    """308: the browser repeats a POST with its body at the new URL."""

    status_code = 308


class SiteAddressMiddleware:
    """Redirect to the scheme and host of SITE_URL.

    Redirects to https on the same host first, because HSTS applies only to a host that sent it over https. Placed
    before all middleware that reads the host.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in MACHINE_PATHS:
            # Programs may use any internal address as the host; the response does not contain it.
            request.META["HTTP_HOST"] = urlsplit(settings.SITE_URL).netloc
            return self.get_response(request)
        # get_host() raises DisallowedHost, which becomes 400.
        origin = self._redirect_origin(request, request.get_host())
        return _redirect(request, origin) if origin else self.get_response(request)

    def _redirect_origin(self, request: HttpRequest, host: str) -> str | None:
        name, site_name = split_domain_port(host)[0], site_host(settings.SITE_URL)
        is_other_name = name == www_variant(site_name)
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            if not is_other_name and name != site_name:
                return f"https://{host}"
            return settings.SITE_URL.replace(site_name, name, 1)
        return settings.SITE_URL if is_other_name and not _is_from_an_open_page(request) else None


def _is_from_an_open_page(request: HttpRequest) -> bool:
    """Return whether the request is a POST or a fetch from a page that was opened under this host name.

    Such a request is not redirected: a POST would count as cross-site under the other name, and a script could not
    follow. The next navigation is redirected.
    """
    is_fetch = request.headers.get("Sec-Fetch-Site") == "same-origin" and (
        request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    )
    return is_fetch or request.method not in _SAFE_METHODS


def _redirect(request: HttpRequest, origin: str) -> HttpResponseBase:
    redirect_class = HttpResponsePermanentRedirect if request.method in _SAFE_METHODS else MethodKeepingRedirect
    response = redirect_class(origin + request.get_full_path())
    # Not cached: after a change of SITE_URL two cached redirects could form a loop.
    response["Cache-Control"] = "no-cache"
    return response


def current_address(request: HttpRequest) -> str:
    """Return the current path for an old path, in the form of `path_info`; "" if no redirect matches.

    Wagtail creates redirects for a renamed page and its children. Here they also apply to the routes below such a page:
    `/old/viesti/` becomes `/new/viesti/`. The longest matching redirect wins.
    """
    site = Site.find_for_request(request)
    parts = [part for part in request.path_info.split("/") if part]
    beginnings = {f"/{'/'.join(parts[:count])}": count for count in range(1, len(parts) + 1)}
    known = [path for path in beginnings if len(path) <= _LONGEST_OLD_PATH]
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

    Accepts the spellings of people who heard or read an address (`/Ota-yhteyttä/`, `/ota_yhteytta`), and punctuation
    after an address, which programs that turn text into links include (`/ota-yhteytta/).`).
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
    """Redirect an old or misspelt URL of a page to the page. Replaces Wagtail's RedirectMiddleware.

    Wagtail's redirects a POST to a GET, which loses the form data. Here a POST is handled at the new URL within the
    same request. It is not redirected by 307 or 308: the forms' script follows no redirects (static/js/form.js),
    because the target could be anywhere. If the form no longer exists, the response is a page with the sent text.
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
        stored = _stored_redirect(request)
        if stored is not None:
            redirect_class = HttpResponsePermanentRedirect if stored.is_permanent else HttpResponseRedirect
            return redirect_class(stored.link)
        address = current_address(request) or address_meant(request)
        if not address:
            return response
        query = request.META.get("QUERY_STRING", "")
        encoded = escape_uri_path(address)
        return HttpResponsePermanentRedirect(f"{encoded}?{query}" if query else encoded)


def _stored_redirect(request: HttpRequest) -> Redirect | None:
    """Return the stored redirect for the requested URL, if it leads to a published page, or out of the site.

    A redirect to the requested URL itself is ignored: a page that got an earlier URL back has one.
    """
    path = Redirect.normalise_path(request.get_full_path(), decode_unicode=False)
    paths = dict.fromkeys((path, urlsplit(path).path))
    found = next((one for each in paths if (one := get_redirect(request, each))), None)
    if found is None or not found.link or (found.redirect_page and not found.redirect_page.live):
        return None
    asked, target = (urlsplit(request.build_absolute_uri(one)) for one in (request.path, found.link))
    return None if (asked.netloc, unquote(asked.path)) == (target.netloc, unquote(target.path)) else found


def _is_for_pages(request: HttpRequest) -> bool:
    """Return whether the request was routed to Wagtail's page view, or to no view."""
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
