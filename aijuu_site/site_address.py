"""One address for the site: that of SITE_URL. Its other name and http lead there; a stranger's name gets 400."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.http.request import split_domain_port

from aijuu_site.settings.hosts import other_name, site_host

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
        is_other_name = name == other_name(site_name)
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
