"""Kept responses: which may be kept and until when, which requests they answer, and how they are rendered again."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.images import get_image_model

from aijuu_site.kept_pages.generation import follow_database, shared_generation
from aijuu_site.kept_pages.store import (
    LONGEST_REMEMBERED,
    Entry,
    Headers,
    Store,
    accepted_encodings,
    file_entry,
    page_entry,
)
from aijuu_site.middleware import MACHINE_PATHS, PUBLIC_CACHE_CONTROL
from home.pause.models import PauseNotice

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# The server stores an empty list under this key of request.META. KeptPagesMiddleware appends cacheable content.
OFFER = "aijuu.kept"
# Names of URL patterns (aijuu_site.urls) whose responses may be kept. All other requests go to Django.
_PAGES = ("wagtail_serve", "sitemap", "robots", "manifest")
_FILES = ("media_file",)
# A page is rendered again after this time even without a recognised change, in case one was missed.
LONGEST = timedelta(minutes=5)
# How soon the thread notices a change on this machine, and how often it queries the database for other machines'.
_LOOK_SECONDS = 0.1
_DATABASE_SECONDS = 1.0
# How many pages are rendered again after a change.
_READY_AGAIN = 60
# How many keys of uncacheable responses are remembered.
_UNKEPT = 1000
# Query parameters that links in campaigns and social media add. No page reads them.
_TRACKING = ("utm_", "mc_")
_TRACKING_NAMES = frozenset(("fbclid", "gclid", "gbraid", "wbraid", "msclkid", "igshid", "srsltid", "yclid", "ttclid"))
_OF_ONE_REQUEST = ("x-request-id",)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptContent:
    """Content that may be kept from `since` until `until` (seconds since the epoch).

    `body` is uncompressed; None means that the sent body is kept.
    """

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

    The view decides with Cache-Control: a page with a form token or private content sets its own, and a public page
    leaves it to PublicCacheMiddleware.
    """
    match = request.resolver_match
    name = match.view_name if match else ""
    if request.method != "GET" or request.GET or request.COOKIES or response.cookies:
        return False
    # A nonce is valid for one response only. "Vary: Cookie" marks a response that depends on the visitor.
    if getattr(request, "_csp_nonce", None) or "cookie" in response.get("Vary", "").lower():
        return False
    cache_control = response.get("Cache-Control", "")
    if match and name in _FILES:
        is_public = response.status_code == 200 and cache_control.startswith("public")
        return is_public and _is_named_by_a_row(match.kwargs["path"])
    if name not in _PAGES or cache_control != PUBLIC_CACHE_CONTROL:
        return False
    return response.status_code == 200 or (response.status_code == 404 and not _is_redirected_by_query(request.path))


def _is_redirected_by_query(path: str) -> bool:
    """Return whether a redirect exists for this path with a query, maybe a campaign's. Keys contain no query."""
    return bool(Redirect.objects.filter(old_path__istartswith=f"{Redirect.normalise_path(path)}?").exists())


def _is_named_by_a_row(file: str) -> bool:
    """Return whether a picture still uses the file.

    A file is deleted after the commit that invalidates its kept response, in a bucket some time later. Until then the
    file must not be kept again.
    """
    return get_image_model().get_rendition_model().objects.filter(file=file).exists()


def kept_until(request: HttpRequest, began: datetime) -> datetime:
    """Return when the pause next changes its state or text, but LONGEST after `began` at the latest."""
    edge = PauseNotice.load(request).next_change(now=began)
    return min(edge, began + LONGEST) if edge else began + LONGEST


class RequestHead(Protocol):
    """The part of a request that arrives before its body; header names are in lower case."""

    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Any: ...


class Rendered(Protocol):
    """A response of the application. `body` is None for a stream."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def body(self) -> bytes | None: ...


@lru_cache(maxsize=256)
def is_tracking(query: str) -> bool:
    """Return whether the query contains only tracking parameters."""
    names = (part.partition("=")[0] for part in query.split("&") if part)
    return all(name in _TRACKING_NAMES or name.startswith(_TRACKING) for name in names)


class Keeper:
    """The kept responses of one process. A key is a path; the key of a static file also contains an encoding."""

    def __init__(self) -> None:
        self.store = Store()
        self._generation = shared_generation()
        self._host = urlsplit(settings.SITE_URL).netloc
        self._https = bool(settings.SECURE_SSL_REDIRECT)
        self._static = settings.STATIC_URL
        self._never = (settings.ADMIN_PATH, settings.PRIVATE_PATH, *MACHINE_PATHS)
        self._has_proxies = bool(settings.TRUSTED_PROXIES)
        self._unkept: dict[str, bytes] = {}
        self._stopping = threading.Event()

    def key(self, request: RequestHead) -> str | None:
        """Return the key of the response; None if Django must handle the request."""
        if request.method not in ("GET", "HEAD"):
            return None
        header = request.headers.get
        if header("cookie") or header("authorization") or header("range") or header("transfer-encoding"):
            return None
        # A request with two Host headers is refused, and one for another host or over http is redirected.
        if request.headers.get_all("host") != [self._host] or (self._https and header("x-forwarded-proto") != "https"):
            return None
        query = request.query_string
        if query and (len(query) > LONGEST_REMEMBERED or not is_tracking(query)):
            return None
        path = request.path
        if path.startswith(self._never) or len(path) > LONGEST_REMEMBERED:
            return None
        if path.startswith(self._static):
            return f"{path}\n{accepted_encodings(header('accept-encoding', ''))[0]}"
        return path

    def valid(self, key: str) -> Entry | None:
        """Return the kept response if it is still valid."""
        entry = self.store.get(key)
        if entry is None or not entry.holds(generation=self._generation.current(), now=time.time()):
            return None
        return entry

    def for_proxies(self, entry: Entry) -> Headers:
        """Return the header that lets nginx keep a response that is valid here until the current second ends.

        deploy/nginx.conf removes the header. Its value is not "1": nginx counts whole seconds, and would keep the
        response for up to two, even past a change of the pause. It is sent first, because nginx before 1.23 obeys a
        Cache-Control that precedes it.
        """
        if not self._has_proxies:
            return []
        now = time.time()
        return [("x-accel-expires", f"@{int(now)}")] if entry.holds(generation=self.generation, now=now) else []

    def is_known_as_unkept(self, key: str) -> bool:
        """Return whether the response was uncacheable in this generation. Waiting for it would be useless then."""
        return self._unkept.get(key) == self._generation.current()

    def is_file(self, key: str) -> bool:
        """Return whether the key is of a file, which the application returns in only one encoding."""
        return key.startswith((self._static, settings.MEDIA_URL))

    def keep(self, key: str, response: Rendered, offers: Iterable[KeptContent], generation: bytes) -> Entry | None:
        """Store the response under `key` if that is allowed. `generation` was current before it was rendered."""
        entry = self._entry(key, response, offers, generation)
        if entry is not None and self.store.put(key, entry):
            return entry
        if len(self._unkept) >= _UNKEPT:
            self._unkept.clear()
        self._unkept[key] = generation
        return None

    def _entry(self, key: str, response: Rendered, offers: Iterable[KeptContent], generation: bytes) -> Entry | None:
        body = response.body
        if body is None or any(name.lower() == "set-cookie" for name, _ in response.headers):
            return None
        headers = [header for header in response.headers if header[0].lower() not in _OF_ONE_REQUEST]
        if key.startswith(self._static):
            # WhiteNoise answers before any view. The files stay the same as long as the process runs.
            return file_entry(headers=headers, body=body, generation=None) if response.status == 200 else None
        for offer in offers:
            if offer.body is None:
                return file_entry(headers=headers, body=body, generation=generation, until=offer.until)
            return page_entry(
                status=response.status,
                headers=headers,
                body=offer.body,
                generation=generation,
                since=offer.since,
                until=offer.until,
            )
        return None

    @property
    def generation(self) -> bytes:
        return self._generation.current()

    def start(self, render: Callable[[str], object], first: Callable[[], Iterable[str]]) -> None:
        """Start the thread that follows the database and calls `render` with the key of each response to prepare.

        `first` returns the keys of the responses to prepare at the start.
        """
        threading.Thread(target=self._run, args=(render, first), name="kept pages", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self, render: Callable[[str], object], first: Callable[[], Iterable[str]]) -> None:
        asked_at = 0.0
        keys: Iterable[str] | None = None
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                if time.monotonic() - asked_at >= _DATABASE_SECONDS:
                    asked_at = time.monotonic()
                    follow_database()
                if keys is None:
                    keys = first()
                    self._make_ready(render, keys)
                self._make_ready(render, self._stale())
            except DatabaseError:
                # Meanwhile Django answers visitors, as far as the database allows.
                _logger.warning("Can't follow the changes of pages.", exc_info=True)
                connection.close()
            # Django does the same at the end of a request.
            close_old_connections()

    def _stale(self) -> list[str]:
        generation, now = self.generation, time.time()
        latest = self.store.latest(_READY_AGAIN)
        return [key for key, entry in latest if not entry.holds(generation=generation, now=now)]

    def _make_ready(self, render: Callable[[str], object], keys: Iterable[str]) -> None:
        for key in keys:
            if self._stopping.is_set():
                return
            # Otherwise a response that is uncacheable by now (unpublished, private) would be rendered again and again.
            self.store.drop(key)
            render(key)
