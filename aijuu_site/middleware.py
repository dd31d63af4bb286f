"""What every answer carries, and what is refused before anything else reads it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from aijuu_site.plain_pages import plain_response

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
