"""The pages that stand when nothing else does: 400, 500, and 503 while the site is away.

They hold their own style and ask for nothing: no database, no context processor, no static file. How the practice is
reached they know from the last page that was shown (home.contact_cache). The policy of these
answers names the digest of that one style (CSP Level 3, section 8.2), so that nothing else inline comes through.
"""

import base64
import hashlib
import re

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from home.contact_cache import cached_contact

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def style_sources(html: str) -> list[str]:
    """`'sha256-…'` for each style element of a page that is ours alone, as a browser computes it."""
    digests = (hashlib.sha256(style.encode()).digest() for style in _STYLE.findall(html))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def plain_page(name: str) -> str:
    """The whole page `name` ("500.html"). Without a request no context processor runs."""
    # A comment of the templates would leave an empty line before the doctype.
    return render_to_string(name, {"contact": cached_contact()}).lstrip()


def plain_response(name: str, *, status: int) -> HttpResponse:
    """An answer with the page `name`, kept by no cache, whose policy allows the page's own style."""
    html = plain_page(name)
    response = HttpResponse(html, status=status, headers={"Cache-Control": "no-store"})
    response._csp_update = {"style-src": style_sources(html)}  # type: ignore[attr-defined]
    return response


def server_error_page(code: int) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of what the web server refuses by itself, before Django sees it: 413, a bad header, …"""
    html = plain_page({413: "413.html", 500: "500.html"}.get(code, "400.html"))
    policy = f"default-src 'none'; style-src {' '.join(style_sources(html))}; base-uri 'none'; frame-ancestors 'none'"
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ]
    return headers, html.encode()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400. What was wrong is not told: it may repeat what somebody sent."""
    return plain_response("400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    return plain_response("500.html", status=500)
