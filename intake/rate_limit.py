"""The source of a form post, and the rate limit for each network address."""

import enum
import ipaddress
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from home.compiled_rows import changed_rows
from intake.jobs.schedule import CLOCK_TOLERANCE

LIMIT_WINDOW = timedelta(hours=1)
_WITH_PORT = re.compile(r"\[(?P<six>[^\[\]]+)\](?::\d+)?|(?P<four>[\d.]+):\d+")
# The post that reaches the limit, among those that counted() selects; no row if the limit is not reached. Written as
# SQL: Django takes ten times as long to build such a query as to run it, while other posts wait for a lock.
_FILLS_THE_LIMIT = """
    SELECT id, posted_at FROM intake_postingtrace WHERE address_key = %s AND posted_at > %s AND posted_at <= %s
    ORDER BY posted_at DESC LIMIT 1 OFFSET %s
"""
_COUNT_POST = f"""
    INSERT INTO intake_postingtrace (address_key, posted_at) SELECT %s, %s WHERE NOT EXISTS ({_FILLS_THE_LIMIT})
"""


class PostingTrace(models.Model):
    """One accepted post from one network address, for the rate limit; removed after an hour."""

    address_key = models.CharField(max_length=64)
    posted_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["address_key", "posted_at"], name="posts_of_address")]

    def __str__(self) -> str:
        return str(self.pk)


class Source(enum.Enum):
    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def source_of(request: HttpRequest) -> Source:
    """Return whether the form was sent from a page of this site.

    A post without any of the headers is not from a browser, so it can't be a cross-site request: OWN.
    UNKNOWN is a browser that hides the referring page.
    """
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return Source.OWN if fetch_site in ("same-origin", "none") else Source.FOREIGN
    origin, referer = request.headers.get("Origin"), request.headers.get("Referer")
    if origin is None and referer is None:
        return Source.OWN
    if origin is None or origin == "null":
        origin = referer
    if not origin:
        return Source.UNKNOWN
    return Source.OWN if _host(origin) == request.get_host() else Source.FOREIGN


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def address_key(request: HttpRequest) -> str:
    """Return a keyed hash of the client's network address; for IPv6, of the /64 network that one household shares."""
    return salted_hmac("intake.address", _network(client_address(request)), algorithm="sha256").hexdigest()


def client_address(request: HttpRequest) -> str:
    """Return the client address that the outermost trusted proxy saw, else that of the connection."""
    trusted = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if trusted and len(forwarded) >= trusted:
        return _without_port(forwarded[-trusted])
    return str(request.META.get("REMOTE_ADDR", ""))


def _without_port(address: str) -> str:
    """Remove the port that some load balancers add: "192.0.2.1:567", "[2001:db8::1]:567". It varies by connection."""
    found = _WITH_PORT.fullmatch(address)
    return found["six"] or found["four"] if found else address


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class TooManyPosts(Exception):
    """The network address has reached its limit; nothing was stored."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("too many posts")
        self.retry_after = retry_after


def counted(now: datetime) -> Q:
    """Return the condition that a trace counts now. The job "traces" deletes the others.

    A trace from the future comes from a wrong clock: it must not block an address for years.
    """
    return Q(posted_at__gt=now - LIMIT_WINDOW, posted_at__lte=now + CLOCK_TOLERANCE)


def enforce_rate_limit(address_key: str, now: datetime) -> None:
    """Count a post from this network address. Raises TooManyPosts over FORM_RATE_LIMIT."""
    limit = settings.FORM_RATE_LIMIT
    if limit < 1:
        raise TooManyPosts(retry_after=LIMIT_WINDOW)
    parameters = [address_key, now - LIMIT_WINDOW, now + CLOCK_TOLERANCE, limit - 1]
    if changed_rows(_COUNT_POST, [address_key, now, *parameters]):
        return
    for trace in PostingTrace.objects.raw(_FILLS_THE_LIMIT, parameters):
        raise TooManyPosts(retry_after=trace.posted_at + LIMIT_WINDOW - now)
    # On PostgreSQL the job "traces" can delete that post between the two queries. The limit is then no longer reached.
    PostingTrace.objects.create(address_key=address_key, posted_at=now)
