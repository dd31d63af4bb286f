"""Secret URLs (intake.urls): kept out of caches, Referer headers, search engines and logs."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

PRIVATE_PREFIX = "/jatka/"
# Also matches what mail programs and people make of the prefix: extra slashes before it, capital letters. Not "(?i:…)",
# which reverse() can't read, and without a leading slash, which Django's checks warn of.
ANY_PRIVATE_PREFIX = "[/]*" + "".join(f"[{letter}{letter.upper()}]" for letter in PRIVATE_PREFIX.strip("/")) + "/"
_IS_PRIVATE = re.compile(ANY_PRIVATE_PREFIX)
# The secret part of a private link, a password reset link or a thank-you page: everything up to the next slash.
_SECRET = re.compile(rf"(/{ANY_PRIVATE_PREFIX}|/password_reset/confirm/[\w%-]+/|/kiitos/)/*[^/\n]+")

_HEADERS = {
    "Cache-Control": "no-store, private",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


class PrivateAddressesMiddleware:
    """Set the headers on every response under the prefix, in any spelling: pages, redirects and errors."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if _IS_PRIVATE.match(request.path):
            for name, value in _HEADERS.items():
                response[name] = value
        return response


def redact_secrets(text: str) -> str:
    """Return the text without the secrets of private addresses."""
    return _SECRET.sub(r"\1…", text)
