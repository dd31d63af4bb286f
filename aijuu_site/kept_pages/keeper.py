"""Kept responses: which may be kept and until when, which requests they answer, and what keeps them ready."""

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
# The server puts an empty list there (aijuu_site.serving.shell) and finds in it what may be kept.
OFFER = "aijuu.kept"
# Names of addresses (aijuu_site.urls). Everything else is asked of Django each time.
_PAGES = ("wagtail_serve", "sitemap", "robots", "manifest")
_FILES = ("media_file",)
# A page is rendered anew after this even if nothing has changed, which heals what nobody thought of.
LONGEST = timedelta(minutes=5)
# How soon the thread notices a change of this machine, and how often it asks the database about other machines.
_LOOK_SECONDS = 0.1
_DATABASE_SECONDS = 1.0
# How many pages are made ready again after a change.
_READY_AGAIN = 60
# How many addresses are remembered whose response can't be kept.
_UNKEPT = 1000
# What links from campaigns and social media add to an address. No page reads them.
_TRACKING = ("utm_", "mc_")
_TRACKING_NAMES = frozenset(("fbclid", "gclid", "gbraid", "wbraid", "msclkid", "igshid", "srsltid", "yclid", "ttclid"))
_OF_ONE_REQUEST = ("x-request-id",)
_logger = logging.getLogger(__name__)


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
    if name not in _PAGES or cache_control != PUBLIC_CACHE_CONTROL:
        return False
    return response.status_code == 200 or (response.status_code == 404 and not _is_redirected_by_query(request.path))


def _is_redirected_by_query(path: str) -> bool:
    """Return whether this path is redirected with some query, which may be a campaign's: a key has no query."""
    return bool(Redirect.objects.filter(old_path__istartswith=f"{Redirect.normalise_path(path)}?").exists())


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


class RequestHead(Protocol):
    """What a server knows of a request before its body; header names in lower case."""

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
    """Return whether the query holds nothing but what campaigns add."""
    names = (part.partition("=")[0] for part in query.split("&") if part)
    return all(name in _TRACKING_NAMES or name.startswith(_TRACKING) for name in names)


class Keeper:
    """The kept responses of one process. A key is a path; that of a static file names an encoding, too."""

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
        """Return the key of the response; None for a request that Django must see."""
        if request.method not in ("GET", "HEAD"):
            return None
        header = request.headers.get
        if header("cookie") or header("authorization") or header("range") or header("transfer-encoding"):
            return None
        # Two are refused, as are chunks. Other names and http are led to the site's address.
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
        """Return what is kept, if it still holds."""
        entry = self.store.get(key)
        if entry is None or not entry.holds(generation=self._generation.current(), now=time.time()):
            return None
        return entry

    def for_proxies(self, entry: Entry) -> Headers:
        """Return the header that lets nginx (deploy/nginx.conf, which removes it) keep what holds here for this second.

        Not "1": nginx counts whole seconds, and would keep it for up to two, over an edge of the pause too. It goes
        first, since nginx before 1.23 heeds a Cache-Control before it.
        """
        if not self._has_proxies:
            return []
        now = time.time()
        return [("x-accel-expires", f"@{int(now)}")] if entry.holds(generation=self.generation, now=now) else []

    def is_known_as_unkept(self, key: str) -> bool:
        """Return whether the response could not be kept in this generation: nobody needs to wait for it."""
        return self._unkept.get(key) == self._generation.current()

    def is_file(self, key: str) -> bool:
        """Return whether the application must be asked for this encoding alone."""
        return key.startswith((self._static, settings.MEDIA_URL))

    def keep(self, key: str, response: Rendered, offers: Iterable[KeptContent], generation: bytes) -> Entry | None:
        """Keep the response to `key` if that is allowed. `generation` was the current one before it was made."""
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
        """Start the thread that follows the database and calls `render` with the key of each response to make ready.

        `first` returns the keys that are made ready at the start.
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
                # Visitors are answered by Django meanwhile, with what it can read.
                _logger.warning("Can't follow the changes of pages.", exc_info=True)
                connection.close()
            # As at the end of a request.
            close_old_connections()

    def _stale(self) -> list[str]:
        generation, now = self.generation, time.time()
        latest = self.store.latest(_READY_AGAIN)
        return [key for key, entry in latest if not entry.holds(generation=generation, now=now)]

    def _make_ready(self, render: Callable[[str], object], keys: Iterable[str]) -> None:
        for key in keys:
            if self._stopping.is_set():
                return
            # What can't be kept any more (unpublished, private) must not be tried again and again.
            self.store.drop(key)
            render(key)
