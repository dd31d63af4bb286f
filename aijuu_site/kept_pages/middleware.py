"""Decide which responses may be kept for other visitors, and until when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from wagtail.images import get_image_model

from aijuu_site.middleware import PUBLIC_CACHE_CONTROL
from home.pause.models import PauseNotice

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# The server puts an empty list there (aijuu_site.serving.shell) and finds in it what may be kept.
OFFER = "aijuu.kept"
# Names of addresses (aijuu_site.urls). Everything else is asked of Django each time.
_PAGES = ("wagtail_serve", "sitemap", "robots", "manifest")
_FILES = ("media_file",)
# A page is rendered anew after this even if nothing has changed, which heals what nobody thought of.
LONGEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeptContent:
    """What may be kept: the body before compression (None: the body that is sent), between two times of the epoch."""

    body: bytes | None
    since: float
    until: float


class KeptPagesMiddleware:
    """Offer the content of a public page or file to the server."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        offers: list[KeptContent] | None = request.META.get(OFFER)
        if offers is None:
            return self.get_response(request)
        began = timezone.now()
        response = self.get_response(request)
        if may_be_kept(request, response):
            body = response.content if isinstance(response, HttpResponse) else None
            offers.append(KeptContent(body, began.timestamp(), kept_until(request, began).timestamp()))
        return response


def may_be_kept(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether every anonymous visitor may get this response.

    The view decides by Cache-Control: a page with a form token or private words has set its own, and a public one has
    left it to PublicCacheMiddleware.
    """
    match = request.resolver_match
    name = match.view_name if match else ""
    if request.method != "GET" or request.GET or request.COOKIES or response.cookies:
        return False
    # A nonce is for one response, and Vary names what else the response depends on.
    if getattr(request, "_csp_nonce", None) or "cookie" in response.get("Vary", "").lower():
        return False
    cache_control = response.get("Cache-Control", "")
    if match and name in _FILES:
        is_public = response.status_code == 200 and cache_control.startswith("public")
        return is_public and _is_named_by_a_row(match.kwargs["path"])
    return name in _PAGES and response.status_code in (200, 404) and cache_control == PUBLIC_CACHE_CONTROL


def _is_named_by_a_row(file: str) -> bool:
    """Return whether the file still belongs to a picture.

    Files are deleted after the commit that ends what is kept, in a bucket some time after it. Until then they must not
    be kept again.
    """
    return get_image_model().get_rendition_model().objects.filter(file=file).exists()


def kept_until(request: HttpRequest, began: datetime) -> datetime:
    """Return when the pause has another state or other words, or LONGEST after `began` if that comes first."""
    edge = PauseNotice.load(request).next_change(now=began)
    return min(edge, began + LONGEST) if edge else began + LONGEST
