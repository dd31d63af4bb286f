"""Where a post came from: the protection against forged posts, without a cookie.

The browser says it in headers that a foreign page can't set (Fetch Metadata; RFC 6454 Origin), as in Go's
net/http.CrossOriginProtection and Django's own Origin check.
"""

import enum
import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac


class Source(enum.Enum):
    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def source_of(request: HttpRequest) -> Source:
    """Return whether the form was sent from this site's own page.

    A post with none of the headers is no browser's, so nobody's browser was tricked into it: OWN. UNKNOWN is a
    browser that hides where it was.
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
    """Return a keyed hash of the sender's network address (IPv6: of its /64, which one home shares)."""
    return salted_hmac("intake.address", _network(client_address(request)), algorithm="sha256").hexdigest()


def client_address(request: HttpRequest) -> str:
    """Return the visitor's address: the one that the outermost trusted proxy saw, else the connection's own."""
    trusted = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if trusted and len(forwarded) >= trusted:
        return forwarded[-trusted]
    return str(request.META.get("REMOTE_ADDR", ""))


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
