"""What every response carries, what is refused early, and the one address of the site."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect
from django.http.request import split_domain_port

from aijuu_site.plain_pages import plain_response
from aijuu_site.settings.hosts import site_host, www_variant

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
# A browser reads that policy where it opens a page, and a first view asks for several of these.
NEVER_A_PAGE = ("text/css", "text/javascript", "font/")


class SecurityHeadersMiddleware:
    """Add the headers that Django's own middleware leaves out, on files and refusals too."""

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
    """Answer 400 to a NUL byte in an address, a query, or a form of the admin.

    PostgreSQL can't store one and raises deep inside a query. The visitors' forms clean it away themselves,
    so that their words stay.
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


class PublicCacheMiddleware:
    """Let browsers keep a page but ask each time, so that the pause notice is right on the next view."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-cache"
        return response


_HEALTH = ("/healthz", "/healthz/", "/healthz/live", "/healthz/live/")
_NO_WORDS = ("GET", "HEAD", "OPTIONS")


class MethodKeepingRedirect(HttpResponsePermanentRedirect):
    """For a post: the browser sends the same words again to the new address."""

    status_code = 308


class SiteAddressMiddleware:
    """Stands before everything that asks for the host, Django's own redirect to https included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in _HEALTH:
            # Asked inside, by whatever address; the answer repeats none of it.
            request.META["HTTP_HOST"] = urlsplit(settings.SITE_URL).netloc
            return self.get_response(request)
        # Raises DisallowedHost: 400.
        place = self._right_place(request, request.get_host())
        return _redirect(request, place) if place else self.get_response(request)

    def _right_place(self, request: HttpRequest, host: str) -> str | None:
        name, site_name = split_domain_port(host)[0], site_host(settings.SITE_URL)
        is_other_name = name == www_variant(site_name)
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return settings.SITE_URL if is_other_name or name == site_name else f"https://{host}"
        return settings.SITE_URL if is_other_name and not _is_from_an_open_page(request) else None


def _is_from_an_open_page(request: HttpRequest) -> bool:
    """Tell whether a page that was opened under this name sends or fetches something.

    Led to another name, it would be a post from a foreign site there, and a script could not follow at all. What such a
    page opens next is led on.
    """
    fetched = request.headers.get("Sec-Fetch-Site") == "same-origin" and (
        request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    )
    return fetched or request.method not in _NO_WORDS


def _redirect(request: HttpRequest, place: str) -> HttpResponseBase:
    kind = HttpResponsePermanentRedirect if request.method in _NO_WORDS else MethodKeepingRedirect
    response = kind(place + request.get_full_path())
    # Asked for anew each time: kept by a browser, two of them would chase each other after a change of SITE_URL.
    response["Cache-Control"] = "no-cache"
    return response
