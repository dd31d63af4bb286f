"""Middleware: security headers, refusal of NUL bytes, cache headers, storage errors, canonical host."""

import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.http.request import split_domain_port
from django.utils.log import log_response

from aijuu_site.plain_pages import plain_response
from aijuu_site.settings.hosts import site_host, www_variant
from aijuu_site.storages import StorageUnreachable

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
# Of the page that asks for a passkey.
PASSKEY_PERMISSIONS_POLICY = PERMISSIONS_POLICY.replace(
    "publickey-credentials-get=()", "publickey-credentials-get=(self)"
)
# Only documents need the Permissions-Policy header: leaving it out here saves bytes on the first view.
NEVER_A_PAGE = ("text/css", "text/javascript", "font/")
# Of a page that set none itself.
PUBLIC_CACHE_CONTROL = "no-cache"
LIVE_PATH, READY_PATH, METRICS_PATH = "/health/live", "/health/ready", "/metrics"
# Asked by programs of the same network: under any host name, and over http, too.
MACHINE_PATHS = (LIVE_PATH, READY_PATH, METRICS_PATH)
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


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
    """Answer 503 where a view needs a file and the bucket of STORAGE_URL does not answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StorageUnreachable):
            return None
        response = plain_response("500.html", status=503)
        # In place of Django's own line, which would show the address.
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
    """Redirect to the scheme and host of SITE_URL: first to https, since HSTS holds only for a host that sent it so.

    Placed before everything that reads the host.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in MACHINE_PATHS:
            # They may use any internal address as the host; the response does not contain it.
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

    It is not redirected: a POST would count as cross-site under the other name, and a script could not follow. The next
    navigation is redirected.
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
