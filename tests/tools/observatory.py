"""The score of a page in Mozilla's HTTP Observatory.

Follows the rules of its version 2 (github.com/mdn/mdn-http-observatory, src/analyzer/tests and src/grader/charts.js;
developer.mozilla.org/en-US/observatory/docs/tests_and_scoring): 100 points, minus penalties; bonuses are
added from 90 points on. Features that this site does not use are omitted: the preload list, policies in <meta>,
'strict-dynamic'.
"""

import re
from collections.abc import Mapping
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

_SIX_MONTHS = 15_768_000
_BONUS_FROM = 90
_TOO_BROAD = {"ftp:", "http:", "https:", "*", "http://*", "http://*.*", "https://*", "https://*.*"}
_INLINE = {"'unsafe-inline'", "data:"}
_GOOD_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
_BAD_REFERRERS = {"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"}

Policy = dict[str, set[str]]


def score(*, headers: Mapping[str, str], cookies: SimpleCookie, html: str, host: str, redirected_to: str) -> int:
    """Return the score of a page over https. `headers`: lower-case names; `redirected_to`: first redirect of http."""
    policy = _policy(headers.get("content-security-policy", ""))
    has_hsts = _hsts(headers) == 0
    modifiers = [
        _content_security(policy),
        _cookies(cookies, has_hsts=has_hsts),
        _cors(headers, origin=f"https://{host}"),
        _hsts(headers),
        _redirection(redirected_to, host),
        _referrer(headers),
        _integrity(html, host),
        0 if headers.get("x-content-type-options", "").lower() == "nosniff" else -5,
        _framing(headers, policy),
        _resource_policy(headers),
    ]
    base = max(0, 100 + sum(modifier for modifier in modifiers if modifier < 0))
    return base + sum(modifier for modifier in modifiers if modifier > 0) if base >= _BONUS_FROM else base


def _policy(header: str) -> Policy:
    parts = [part.split() for part in header.lower().split(";")]
    return {part[0]: set(part[1:]) or {"'none'"} for part in parts if part}


def _content_security(policy: Policy) -> int:
    if not policy:
        return -25
    fallback = policy.get("default-src", {"*"})
    script, style, objects = (policy.get(name, fallback) for name in ("script-src", "style-src", "object-src"))
    script, style = _without_overruled(script), _without_overruled(style)
    passive = {source for name in ("img-src", "media-src") for source in policy.get(name, fallback)}
    active = script.union(*(sources for name, sources in policy.items() if name not in ("img-src", "media-src")))
    if script & (_TOO_BROAD | _INLINE) or objects & _TOO_BROAD:
        return -20
    if any(source.startswith(("http:", "ftp:")) for source in active):
        return -20
    if "'unsafe-eval'" in script | style:
        return -10
    if any(source.startswith(("http:", "ftp:")) for source in passive):
        return -10
    if style & (_TOO_BROAD | _INLINE):
        return 0
    return 10 if fallback == {"'none'"} else 5


def _without_overruled(sources: set[str]) -> set[str]:
    """Return the sources without 'unsafe-inline' if there is a nonce or a hash, which makes browsers ignore it."""
    has_own = any(re.match(r"'(nonce|sha256|sha384|sha512)-", source) for source in sources)
    return sources - {"'unsafe-inline'"} if has_own else sources


def _cookies(cookies: SimpleCookie, *, has_hsts: bool) -> int:
    if not cookies:
        return 0
    found = []
    for name, cookie in cookies.items():
        is_session = any(word in name.lower() for word in ("login", "sess"))
        same_site = cookie["samesite"].lower()
        if not cookie["secure"]:
            found.append((-10 if is_session else -5) if has_hsts else (-40 if is_session else -20))
        if same_site not in ("", "lax", "strict", "none") or (same_site == "none" and not cookie["secure"]):
            found.append(-20)
        if "csrf" in name.lower() and not same_site:
            found.append(-20)
        if is_session and not cookie["httponly"]:
            found.append(-30)
    if found:
        return min(found)
    return 5 if all(cookie["samesite"] for cookie in cookies.values()) else 0


def _cors(headers: Mapping[str, str], *, origin: str) -> int:
    is_open = headers.get("access-control-allow-origin", "").lower() == origin
    return -50 if is_open and headers.get("access-control-allow-credentials", "").lower() == "true" else 0


def _hsts(headers: Mapping[str, str]) -> int:
    age = re.search(r"max-age=(\d+)", headers.get("strict-transport-security", "").lower())
    if age is None:
        return -20
    return 0 if int(age[1]) >= _SIX_MONTHS else -10


def _redirection(first: str, host: str) -> int:
    parts = urlsplit(first)
    if parts.scheme != "https":
        return -10 if parts.scheme == "http" else -20
    return 0 if parts.hostname == host else -5


def _referrer(headers: Mapping[str, str]) -> int:
    if "referrer-policy" not in headers:
        return 0
    known = _GOOD_REFERRERS | _BAD_REFERRERS
    policies = [one.strip().lower() for one in headers["referrer-policy"].split(",")]
    last = next((one for one in reversed(policies) if one in known), "")
    return 5 if last in _GOOD_REFERRERS else -5


def _integrity(html: str, host: str) -> int:
    modifiers = []
    for script in BeautifulSoup(html, "html.parser").select("script[src]"):
        source, has_integrity = str(script["src"]), script.has_attr("integrity")
        is_secure = source.startswith("https://") or not re.match(r"(https?:)?//", source)
        if not re.match(r"(https?:)?//", source) or urlsplit(source).hostname == host:
            modifiers.append(5 if has_integrity and is_secure else 0)
        elif is_secure:
            modifiers.append(5 if has_integrity else -5)
        else:
            modifiers.append(-20 if has_integrity else -50)
    return min(modifiers, default=0)


def _framing(headers: Mapping[str, str], policy: Policy) -> int:
    if "frame-ancestors" in policy:
        return 5
    header = headers.get("x-frame-options", "").lower()
    return 0 if header in ("deny", "sameorigin") or header.startswith("allow-from") else -20


def _resource_policy(headers: Mapping[str, str]) -> int:
    header = headers.get("cross-origin-resource-policy")
    if header is None:
        return 0
    return {"same-origin": 10, "same-site": 10, "cross-origin": 0}.get(header, -5)
